"""Which column each node stands in: every edge goes right, and edges are short in total."""

from __future__ import annotations

from collections import deque
from typing import Any

from prefect_lineage.graph.digraph import Digraph, topological

__all__ = ["EXACT_LIMIT", "ranks"]

EXACT_LIMIT = 1200
"""Nodes of a component up to which the columns are optimal; above, they are found in linear time."""

_ROUNDS = 24


def ranks(graph: Digraph, exact_limit: int = EXACT_LIMIT) -> list[int]:
    """A column per node of a connected acyclic graph, from 0, with ``column[tail] < column[head]``."""
    if graph.size <= 2:
        return _longest_path(graph, topological(graph))
    if graph.size <= exact_limit:
        return _shortest_total(graph)
    return _tightened(graph)


def _longest_path(graph: Digraph, order: list[int]) -> list[int]:
    column = [0] * graph.size
    for node in order:
        for head in graph.after[node]:
            column[head] = max(column[head], column[node] + 1)
    return column


def _tightened(graph: Digraph) -> list[int]:
    """Longest path, then each node moves towards the side on which it has more edges, a bounded number of times."""
    order = topological(graph)
    column = _longest_path(graph, order)
    for _ in range(_ROUNDS):
        if not (_pull_right(graph, order, column) | _pull_left(graph, order, column)):
            break
    least = min(column)
    return [place - least for place in column]


def _pull_right(graph: Digraph, order: list[int], column: list[int]) -> bool:
    moved = False
    for node in reversed(order):
        heads = graph.after[node]
        if heads and len(heads) >= len(graph.before[node]):
            target = min(column[head] for head in heads) - 1
            if target > column[node]:
                column[node] = target
                moved = True
    return moved


def _pull_left(graph: Digraph, order: list[int], column: list[int]) -> bool:
    moved = False
    for node in order:
        tails = graph.before[node]
        if len(tails) > len(graph.after[node]):
            target = max(column[tail] for tail in tails) + 1
            if target < column[node]:
                column[node] = target
                moved = True
    return moved


def _shortest_total(graph: Digraph) -> list[int]:
    """Minimal total edge length: the dual of a flow in which every edge may carry any amount at cost -1."""
    import networkx

    network: Any = networkx.DiGraph()
    for node in range(graph.size):
        network.add_node(node, demand=len(graph.before[node]) - len(graph.after[node]))
    for tail, head in graph.edges():
        network.add_edge(tail, head, weight=-1)
    _, flow = networkx.network_simplex(network)
    return _potentials(graph, flow)


def _potentials(graph: Digraph, flow: Any) -> list[int]:
    """Columns from an optimal flow: at least 1 along each edge, exactly 1 where the flow is positive."""
    bounds: list[list[tuple[int, int]]] = [[] for _ in range(graph.size)]
    for tail, head in graph.edges():
        bounds[tail].append((head, 1))
        if flow[tail][head] > 0:
            bounds[head].append((tail, -1))
    column = [0] * graph.size
    queue = deque(range(graph.size))
    queued = [True] * graph.size
    while queue:
        node = queue.popleft()
        queued[node] = False
        for other, step in bounds[node]:
            if column[other] < column[node] + step:
                column[other] = column[node] + step
                if not queued[other]:
                    queue.append(other)
                    queued[other] = True
    least = min(column)
    return [place - least for place in column]
