"""The data in a page: what the map draws in columns, and what its panel shows in chunks that are read on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prefect_lineage.export.packing import column, shaped
from prefect_lineage.export.staging import Stage, Stages
from prefect_lineage.export.view import Card, View
from prefect_lineage.export.words import mark, plain, printable
from prefect_lineage.model.entities import Graph, Run, Version

__all__ = ["CHUNK", "core", "edges", "facts", "levels", "outer"]

CHUNK = 400
"""Nodes whose facts stand in one block; the panel reads a block when it first needs it."""

_OF_CARDS = ("kind", "title", "label", "group", "icon", "mark", "badges", "time", "fresh", "cause", "series", "small",
             "partial", "rows", "size", "seconds", "deleted", "width", "height")  # fmt: skip
_OF_LINKS = {"tail": "from", "head": "to", "how": "how", "via": "via", "times": "times", "unchanged": "unchanged",
             "partial": "partial"}  # fmt: skip
_OF_EDGES = ("direction", "how", "via", "times", "attempt", "unchanged", "partial")


def core(view: View, stages: Stages, about: Mapping[str, Any]) -> dict[str, Any]:
    """All that the map needs to be drawn, searched by name, filtered and walked."""
    graph = view.graph
    return {
        "about": plain(dict(about)),
        "root": graph.root,
        "truncated": graph.truncated,
        "ids": [node.id for node in graph.nodes],
        "cards": _columns(view.cards, _OF_CARDS),
        "homes": _homes(graph),
        "links": {_OF_LINKS[name]: values for name, values in _columns(view.links, tuple(_OF_LINKS)).items()},
        "edges": len(graph.edges),
        "opens": stages.opening.grain,
        "whole": _places(stages.whole) if stages.whole not in (None, stages.opening) else None,
        "chunk": CHUNK,
    }


def edges(view: View) -> dict[str, Any]:
    """Every edge by column; ends by position, or by id where they are not on the page; times since the first."""
    every = view.graph.edges
    index = {node.id: place for place, node in enumerate(view.graph.nodes)}
    link_of = {edge: place for place, link in enumerate(view.links) for edge in link.edges}
    first = min((edge.at for edge in every), default=0)
    return {
        **_columns(every, _OF_EDGES),
        "run": [index.get(edge.run, edge.run) for edge in every],
        "version": [index.get(edge.version, edge.version) for edge in every],
        "link": [link_of.get(place, -1) for place in range(len(every))],
        "first": first,
        "at": [edge.at - first for edge in every],
    }


def facts(view: View) -> Iterator[dict[str, Any]]:
    """The public JSON of every node, unchanged, so many nodes a block."""
    nodes = view.graph.nodes
    for start in range(0, len(nodes), CHUNK):
        yield shaped(plain(node.to_dict()) for node in nodes[start : start + CHUNK])


def outer(around: Iterable[Run]) -> dict[str, Any]:
    """Runs that cards belong to: what a card shows of a run, and its public JSON."""
    runs = tuple(around)
    return {
        "ids": [run.id for run in runs],
        "titles": [printable(run.name or run.job) for run in runs],
        "marks": [mark(run.state) for run in runs],
        "facts": shaped(plain(run.to_dict()) for run in runs),
    }


def levels(stages: Stages) -> dict[str, Any]:
    """Where the cards of the other levels lie, by their keys."""
    return {name: _placed_level(stage) for name, stage in stages.levels.items()}


def _placed_level(stage: Stage) -> dict[str, Any]:
    every = range(len(stage.keys))
    routes = [(*ends, stage.route(place)) for place, ends in enumerate(stage.links)]
    return {
        "keys": plain(stage.keys),
        "x": stage.placement.x,
        "y": stage.placement.y,
        "column": stage.placement.column,
        "width": [stage.width(card) for card in every],
        "height": [height for _, height in stage.sizes],
        "routes": [route for route in routes if route[2]],
    }


def _columns(records: tuple[Any, ...] | list[Card], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: column([_bare(getattr(record, name)) for record in records]) for name in names}


def _bare(value: Any) -> Any:
    return value if value is None or type(value) in (str, bool) else plain(value)


def _homes(graph: Graph) -> dict[str, Any]:
    """What each node is folded by: runs by flow run, parent, flow and state, versions by artifact."""
    runs = [node if isinstance(node, Run) else None for node in graph.nodes]
    found = {
        name: column([getattr(run, name) if run else None for run in runs])
        for name in ("flow_run", "parent", "flow", "state")
    }
    artifacts = [node.artifact if isinstance(node, Version) else None for node in graph.nodes]
    return {**found, "artifact": column(artifacts)}


def _places(stage: Stage | None) -> dict[str, Any] | None:
    if stage is None:
        return None
    placed, every = stage.placement, range(len(stage.keys))
    routes = [stage.route(link) for link in range(len(stage.links))]
    return {
        "x": column(placed.x),
        "y": placed.y,
        "level": column(placed.column),
        "width": column([stage.width(card) for card in every]),
        "routes": {link: route for link, route in enumerate(routes) if route},
    }
