"""A drawing in lanes, one below the other, in columns that all lanes share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prefect_lineage.export.layout.ordering import WORK
from prefect_lineage.export.layout.place import (
    Pair,
    Part,
    Placement,
    Point,
    Spacing,
    column_middles,
    part_of,
    stack,
)
from prefect_lineage.export.layout.ranks import EXACT_LIMIT, ranks
from prefect_lineage.graph.digraph import Digraph, acyclic, components

__all__ = ["layout_in_lanes"]

_FEWEST_ACROSS = 4


def layout_in_lanes(
    sizes: Sequence[tuple[float, float]],
    edges: Iterable[Pair],
    lanes: Sequence[int],
    *,
    weak: Iterable[Pair] = (),
    spacing: Spacing | None = None,
    exact_limit: int = EXACT_LIMIT,
    work: int = WORK,
) -> Placement:
    """Place cards as :func:`~prefect_lineage.export.layout.layout` does, those of one lane together.

    Args:
        sizes: width and height of each card.
        edges: (tail, head) as indices into ``sizes``.
        lanes: the number of each card's lane; a greater one lies lower.
        weak: edges that give way where two nodes point at each other.
        spacing: distances.
        exact_limit: nodes of a component up to which columns are optimal.
        work: how much may be spent on taking crossings away, in items that are looked at.
    """
    room = spacing or Spacing()
    forward = acyclic(Digraph.of(len(sizes), edges), weak)
    column = _ranked(forward, exact_limit)
    middles, widths = column_middles(column, sizes, room)
    y = [0.0] * len(sizes)
    routes: dict[Pair, tuple[Point, ...]] = {}
    top, crossed = 0.0, 0
    for number in sorted(set(lanes)):
        members = [node for node, lane in enumerate(lanes) if lane == number]
        lane = _lane(forward, members, column, sizes, room, work * len(members) // len(sizes))
        top = stack(lane, sizes, y, routes, middles, top) + room.lane
        crossed += lane.crossings
    return Placement(
        x=tuple(middles[number] for number in column),
        y=tuple(float(round(value)) for value in y),
        column=tuple(column),
        width=tuple(widths[number] for number in column),
        routes=routes,
        crossings=crossed,
    )


def _ranked(forward: Digraph, exact_limit: int) -> list[int]:
    """The column of each node; nodes without any edge stand side by side."""
    column = [0] * forward.size
    alone = []
    for members in components(forward):
        if len(members) == 1:
            alone += members
            continue
        own = {node: index for index, node in enumerate(members)}
        pairs = ((own[tail], own[head]) for tail in members for head in forward.after[tail])
        for node, rank in zip(members, ranks(Digraph.of(len(members), pairs), exact_limit), strict=True):
            column[node] = rank
    across = max(_FEWEST_ACROSS, max(column, default=0) + 1)
    for place, node in enumerate(alone):
        column[node] = place % across
    return column


def _lane(
    forward: Digraph,
    members: list[int],
    column: list[int],
    sizes: Sequence[tuple[float, float]],
    room: Spacing,
    work: int,
) -> Part:
    """A lane: its own nodes, then a place for each node of another lane that a long edge leads to."""
    own = {node: index for index, node in enumerate(members)}
    strangers: list[int] = []
    pairs: list[Pair] = []
    for tail in members:
        for head in forward.after[tail]:
            if head not in own:
                if column[head] - column[tail] < 2:
                    continue
                own[head] = len(own)
                strangers.append(head)
            pairs.append((own[tail], own[head]))
    nodes = [*members, *strangers]
    inner = Digraph.of(len(nodes), pairs)
    return part_of(inner, nodes, len(members), [column[node] for node in nodes], sizes, room, work)
