"""A directed graph of plain indices, and what can be asked of it in linear time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Digraph", "acyclic", "back_edges", "components", "topological"]

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Digraph:
    """Nodes are ``0 … size - 1``; parallel edges and loops of one are dropped.

    Attributes:
        after: the heads of each node's edges, in the order in which the edges were given.
        before: the tails of each node's edges.
    """

    size: int
    after: Sequence[Sequence[int]]
    before: Sequence[Sequence[int]]

    @classmethod
    def of(cls, size: int, edges: Iterable[Pair]) -> Digraph:
        after: list[list[int]] = [[] for _ in range(size)]
        before: list[list[int]] = [[] for _ in range(size)]
        for tail, head in dict.fromkeys(edges):
            if tail != head:
                after[tail].append(head)
                before[head].append(tail)
        return cls(size, after, before)

    def edges(self) -> Iterator[Pair]:
        """Every edge once, by tail."""
        for tail, heads in enumerate(self.after):
            for head in heads:
                yield tail, head


def components(graph: Digraph) -> list[list[int]]:
    """Weakly connected components, each in ascending order, by their smallest member."""
    home = [-1] * graph.size
    found: list[list[int]] = []
    for start in range(graph.size):
        if home[start] >= 0:
            continue
        home[start] = len(found)
        members = [start]
        for node in members:
            for other in (*graph.after[node], *graph.before[node]):
                if home[other] < 0:
                    home[other] = len(found)
                    members.append(other)
        found.append(sorted(members))
    return found


def back_edges(graph: Digraph) -> set[Pair]:
    """Edges whose reversal leaves no cycle; each lies on a cycle.

    A depth-first search that starts at the sources, without recursion, so that a chain of any length is safe.
    """
    fresh, open_, done = 0, 1, 2
    colour = [fresh] * graph.size
    found: set[Pair] = set()
    for start in sorted(range(graph.size), key=lambda node: bool(graph.before[node])):
        if colour[start] != fresh:
            continue
        colour[start] = open_
        path = [(start, iter(graph.after[start]))]
        while path:
            node, heads = path[-1]
            head = next(heads, None)
            if head is None:
                colour[node] = done
                path.pop()
            elif colour[head] == open_:
                found.add((node, head))
            elif colour[head] == fresh:
                colour[head] = open_
                path.append((head, iter(graph.after[head])))
    return found


def acyclic(graph: Digraph, weak: Iterable[Pair] = ()) -> Digraph:
    """The same graph with some edges turned round so that no cycle is left.

    Args:
        graph: any directed graph.
        weak: edges to turn round first, where they close a loop of two.
    """
    turned = {(tail, head) for tail, head in weak if tail in graph.after[head]}
    kept = Digraph.of(graph.size, (edge for edge in graph.edges() if edge not in turned))
    turned |= back_edges(kept)
    return Digraph.of(
        graph.size, ((head, tail) if (tail, head) in turned else (tail, head) for tail, head in graph.edges())
    )


def topological(graph: Digraph) -> list[int]:
    """Nodes with every edge going forward. The graph must be acyclic."""
    waiting = [len(tails) for tails in graph.before]
    ready = deque(node for node in range(graph.size) if not waiting[node])
    order: list[int] = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for head in graph.after[node]:
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    return order
