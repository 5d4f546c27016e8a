"""The whole layout: components one below the other, each in shared columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

from prefect_lineage.export.layout.chains import Columns, columns_of
from prefect_lineage.export.layout.heights import heights
from prefect_lineage.export.layout.ordering import WORK, arrange
from prefect_lineage.export.layout.ranks import EXACT_LIMIT, ranks
from prefect_lineage.graph.digraph import Digraph, acyclic, components

__all__ = [
    "Pair",
    "Part",
    "Placement",
    "Point",
    "Spacing",
    "column_middles",
    "layout",
    "part_of",
    "stack",
]

Pair = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances in the map's units (pixels at a zoom of 1).

    Attributes:
        column: from the right edge of a column to the left edge of the next.
        row: between cards of a column.
        line: between two long edges that pass a column.
        part: between parts of the graph that have nothing to do with each other.
        lane: between lanes, with room for a lane's name.
    """

    column: float = 44.0
    row: float = 20.0
    line: float = 14.0
    part: float = 44.0
    lane: float = 46.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything lies.

    Attributes:
        x, y: the middle of each card.
        column: the column of each card, from 0.
        width: the width of each card's column.
        routes: the points between the ends of each edge that passes a column, left to right.
        crossings: pairs of edges that cross, counted between neighbouring columns.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    column: tuple[int, ...]
    width: tuple[float, ...]
    routes: Mapping[Pair, tuple[Point, ...]]
    crossings: int


@dataclass(frozen=True, slots=True)
class Part:
    """Cards that are placed together, and what was found about them, by their index within it.

    Attributes:
        own: how many of the members are placed here; those after them only hold the ways that lead to them.
    """

    members: list[int]
    own: int
    rank: list[int]
    columns: Columns
    height: list[float]
    crossings: int


def layout(
    sizes: Sequence[tuple[float, float]],
    edges: Iterable[Pair],
    *,
    weak: Iterable[Pair] = (),
    spacing: Spacing | None = None,
    exact_limit: int = EXACT_LIMIT,
    work: int = WORK,
) -> Placement:
    """Place cards so that every edge goes right, but for one in each loop.

    Args:
        sizes: width and height of each card.
        edges: (tail, head) as indices into ``sizes``; repeats and loops of one are ignored.
        weak: edges that give way where two nodes point at each other.
        spacing: distances.
        exact_limit: nodes of a component up to which columns are optimal.
        work: how much may be spent on taking crossings away, in items that are looked at.
    """
    room = spacing or Spacing()
    graph = Digraph.of(len(sizes), edges)
    forward = acyclic(graph, weak)
    found = components(forward)
    singles = [members[0] for members in found if len(members) == 1]
    parts = [
        _part(forward, members, sizes, room, exact_limit, work * len(members) // len(sizes))
        for members in found
        if len(members) > 1
    ]
    parts.sort(key=lambda part: (-len(part.members), part.members[0]))
    return _assemble(parts, singles, sizes, room)


def _part(
    graph: Digraph,
    members: list[int],
    sizes: Sequence[tuple[float, float]],
    room: Spacing,
    exact_limit: int,
    work: int,
) -> Part:
    own = {node: index for index, node in enumerate(members)}
    inner = Digraph.of(
        len(members), ((own[tail], own[head]) for tail in members for head in graph.after[tail])
    )
    return part_of(inner, members, len(members), ranks(inner, exact_limit), sizes, room, work)


def part_of(
    inner: Digraph,
    members: list[int],
    own: int,
    rank: list[int],
    sizes: Sequence[tuple[float, float]],
    room: Spacing,
    work: int,
) -> Part:
    """Order and heights of a part whose columns are known.

    Args:
        inner: its edges, by index within it.
        members: its nodes, those first that are placed here.
        own: how many these are.
        rank: the column of each member.
        sizes: of all cards.
        room: distances.
        work: how much may be spent on taking crossings away, in items that are looked at.
    """
    columns = columns_of(inner, rank)
    crossed = arrange(columns, work)
    half = _halves(members[:own], columns.items, sizes)

    def distance(upper: int, lower: int) -> float:
        lines = upper >= own and lower >= own
        return half[upper] + half[lower] + (room.line if lines else room.row)

    return Part(members, own, rank, columns, heights(columns, distance), crossed)


def _halves(cards: list[int], items: int, sizes: Sequence[tuple[float, float]]) -> list[float]:
    """Half the height of each of so many items, of which the cards come first; the others are ways."""
    return [sizes[node][1] / 2 for node in cards] + [0.0] * (items - len(cards))


def _assemble(
    parts: list[Part], singles: list[int], sizes: Sequence[tuple[float, float]], room: Spacing
) -> Placement:
    column = [0] * len(sizes)
    for part in parts:
        for index, node in enumerate(part.members):
            column[node] = part.rank[index]
    across = max(4, max(column, default=0) + 1, isqrt(len(singles)))
    for index, node in enumerate(singles):
        column[node] = index % across
    middles, widths = column_middles(column, sizes, room)
    y = [0.0] * len(sizes)
    routes: dict[Pair, tuple[Point, ...]] = {}
    top = 0.0
    for part in parts:
        top = stack(part, sizes, y, routes, middles, top) + room.part
    _grid(singles, across, sizes, y, top, room)
    return Placement(
        x=tuple(middles[number] for number in column),
        y=tuple(float(round(value)) for value in y),
        column=tuple(column),
        width=tuple(widths[number] for number in column),
        routes=routes,
        crossings=sum(part.crossings for part in parts),
    )


def column_middles(
    column: list[int], sizes: Sequence[tuple[float, float]], room: Spacing
) -> tuple[list[float], list[float]]:
    """Where the middle of each column is, and how wide it is: as its widest card."""
    widths = [0.0] * (max(column, default=-1) + 1)
    for number, (width, _) in zip(column, sizes, strict=True):
        widths[number] = max(widths[number], width)
    middles: list[float] = []
    left = 0.0
    for width in widths:
        middles.append(float(round(left + width / 2)))
        left += width + room.column
    return middles, widths


def stack(
    part: Part,
    sizes: Sequence[tuple[float, float]],
    y: list[float],
    routes: dict[Pair, tuple[Point, ...]],
    middles: list[float],
    top: float,
) -> float:
    """Write a part below ``top``; the height at which it ends."""
    half = _halves(part.members[: part.own], part.columns.items, sizes)
    shift = top - min(value - reach for value, reach in zip(part.height, half, strict=True))
    for index, node in enumerate(part.members[: part.own]):
        y[node] = part.height[index] + shift
    for (tail, head), items in part.columns.routes.items():
        first = part.rank[tail] + 1
        routes[part.members[tail], part.members[head]] = tuple(
            (middles[first + step], float(round(part.height[item] + shift)))
            for step, item in enumerate(items)
        )
    return shift + max(value + reach for value, reach in zip(part.height, half, strict=True))


def _grid(
    singles: list[int],
    across: int,
    sizes: Sequence[tuple[float, float]],
    y: list[float],
    top: float,
    room: Spacing,
) -> None:
    """Nodes without any edge, row by row below the rest."""
    for start in range(0, len(singles), across):
        row = singles[start : start + across]
        tall = max(sizes[node][1] for node in row)
        for node in row:
            y[node] = top + tall / 2
        top += tall + room.row
