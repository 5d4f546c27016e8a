"""Columns of items: the cards, and waypoints along edges that span more than one column."""

from __future__ import annotations

from dataclasses import dataclass

from prefect_lineage.graph.digraph import Digraph

__all__ = ["Columns", "columns_of"]

_MOST_WAYPOINTS = 40_000
_LONGEST_CHAIN = 64


@dataclass(slots=True)
class Columns:
    """Items ``0 … cards - 1`` are cards, all above are waypoints.

    Attributes:
        members: the items of each column, top to bottom.
        before, after: neighbours of each item in the columns to its left and right.
        routes: the waypoints of each edge that has some, left to right.
    """

    cards: int
    members: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    routes: dict[tuple[int, int], list[int]]

    @property
    def items(self) -> int:
        return len(self.before)

    def places(self) -> list[int]:
        """The place of each item within its column."""
        place = [0] * self.items
        for column in self.members:
            for index, item in enumerate(column):
                place[item] = index
        return place


def columns_of(graph: Digraph, rank: list[int]) -> Columns:
    """Cards in their columns. The long edges of one node share waypoints: they run as one line and part late."""
    columns = Columns(
        cards=graph.size,
        members=[[] for _ in range(max(rank) + 1)],
        before=[[] for _ in range(graph.size)],
        after=[[] for _ in range(graph.size)],
        routes={},
    )
    for node, column in enumerate(rank):
        columns.members[column].append(node)
    for tail in range(graph.size):
        _lead_out(columns, graph, rank, tail)
    return columns


def _lead_out(columns: Columns, graph: Digraph, rank: list[int], tail: int) -> None:
    chain = [tail]  # chain[k] stands k columns right of the tail
    for head in sorted(graph.after[tail], key=lambda node: rank[node]):
        span = rank[head] - rank[tail]
        if span > _LONGEST_CHAIN or columns.items - columns.cards + span > _MOST_WAYPOINTS:
            continue  # drawn as one plain curve: waypoints would cost more than they order
        while len(chain) < span:
            chain.append(_waypoint(columns, rank[tail] + len(chain), chain[-1]))
        columns.after[chain[span - 1]].append(head)
        columns.before[head].append(chain[span - 1])
        if span > 1:
            columns.routes[tail, head] = chain[1:span]


def _waypoint(columns: Columns, column: int, tail: int) -> int:
    item = columns.items
    columns.before.append([tail])
    columns.after.append([])
    columns.after[tail].append(item)
    columns.members[column].append(item)
    return item
