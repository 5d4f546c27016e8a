"""What the map draws between two nodes: all edges of one pair and direction as one link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prefect_lineage.model.entities import Edge, Graph, Run, Version

__all__ = ["Link", "links", "strongest", "without_repeats"]

_STRENGTH = {"observed": 0, "declared": 1, "inferred": 2}


@dataclass(frozen=True, slots=True)
class Link:
    """The edges from one node to another.

    Attributes:
        tail, head: positions in the graph's nodes; the arrow follows the data.
        edges: positions in the graph's edges.
        how: the strongest evidence among them: ``observed``, then ``declared``, then ``inferred``.
        via: the calls that did it, each once.
        times: how often, in total.
        unchanged: every edge wrote back the very content it had read.
        partial: every edge belongs to an attempt that did not complete.
    """

    tail: int
    head: int
    edges: tuple[int, ...]
    how: str
    via: tuple[str, ...]
    times: int
    unchanged: bool
    partial: bool


def without_repeats(graph: Graph) -> Graph:
    """The same graph with each node once: the first of those that share an id."""
    first: dict[str, Version | Run] = {}
    for node in graph.nodes:
        first.setdefault(node.id, node)
    if len(first) == len(graph.nodes):
        return graph
    return Graph(tuple(first.values()), graph.edges, graph.root, graph.truncated)


def links(graph: Graph) -> list[Link]:
    """One link per ordered pair of nodes, in the order of the first edge.

    Edges with an end outside the graph (a bound cut it off) give no link.
    """
    index = {node.id: place for place, node in enumerate(graph.nodes)}
    pairs: dict[tuple[int, int], list[int]] = {}
    for place, edge in enumerate(graph.edges):
        tail, head = index.get(edge.tail), index.get(edge.head)
        if tail is not None and head is not None:
            pairs.setdefault((tail, head), []).append(place)
    return [_link(pair, places, [graph.edges[place] for place in places]) for pair, places in pairs.items()]


def strongest(hows: Iterable[str]) -> str:
    """The strongest of some evidence: ``observed``, then ``declared``, then ``inferred``."""
    return min(hows, key=lambda how: _STRENGTH.get(how, len(_STRENGTH)))


def _link(pair: tuple[int, int], places: list[int], edges: list[Edge]) -> Link:
    return Link(
        tail=pair[0],
        head=pair[1],
        edges=tuple(places),
        how=strongest(edge.how for edge in edges),
        via=tuple(dict.fromkeys(edge.via for edge in edges if edge.via)),
        times=sum(edge.times for edge in edges),
        unchanged=all(edge.unchanged for edge in edges),
        partial=all(edge.partial for edge in edges),
    )
