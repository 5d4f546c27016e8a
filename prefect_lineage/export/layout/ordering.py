"""The order within each column, with few crossings between neighbouring columns.

Cheap sweeps from several starts find a good order, sifting a better one, and pushes the last ones. How much work
is spent depends on the size of the graph alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import product

from prefect_lineage.export.layout.chains import Columns
from prefect_lineage.export.layout.nudging import nudge
from prefect_lineage.export.layout.sifting import settle

__all__ = ["WORK", "arrange", "crossings"]

WORK = 700_000
"""Items that may be looked at while a whole graph's crossings are taken away: about a third of a second."""

_WORK_OF_ITEM = 2500
_THOROUGH = 3000
"""Items up to which every start is swept, and items are sifted along whole columns."""

_SWEEPS = 3
_ROUNDS = 8
_NEAR = 8
"""How far items are sifted, once, in larger graphs."""

Order = list[list[int]]


def arrange(columns: Columns, work: int = WORK) -> int:
    """Reorder ``columns.members`` in place; the number of crossings that are left.

    Args:
        columns: to be reordered.
        work: how many items may be looked at by the last and most thorough step.
    """
    thorough = columns.items <= _THOROUGH
    crossed, columns.members = min(_swept(columns, thorough), key=lambda found: found[0])
    place = columns.places()
    if crossed:
        rounds, reach = (_ROUNDS, columns.items) if thorough else (1, _NEAR)
        crossed = settle(columns, place, crossed, rounds=rounds, reach=reach)
    return nudge(columns, place, crossed, min(work, _WORK_OF_ITEM * columns.items))


def _swept(columns: Columns, thorough: bool) -> Iterator[tuple[int, Order]]:
    """Orders after a few sweeps from each start; the last of them, and how many crossings it has."""
    starts = list(_starts(columns, thorough))
    ways = product((False, True), (False, True)) if thorough else [(False, True)]
    for start, (median, leftwards) in product(starts, list(ways)):
        columns.members = [column[:] for column in start]
        place = columns.places()
        crossed = crossings(columns, place)
        yield crossed, start
        for turn in range(_SWEEPS):
            _sweep(columns, place, rightwards=turn % 2 == leftwards, median=median)
            crossed = crossings(columns, place)
            yield crossed, [column[:] for column in columns.members]
            if not crossed:
                return


def crossings(columns: Columns, place: list[int]) -> int:
    """How many pairs of edges between neighbouring columns cross: inversions of their right ends."""
    total = 0
    for column in columns.members[:-1]:
        seen: list[int] = []
        for item in column:
            ends = sorted(place[other] for other in columns.after[item])
            for end in ends:
                total += len(seen) - bisect_right(seen, end)
            for end in ends:
                seen.insert(bisect_right(seen, end), end)
    return total


def _starts(columns: Columns, thorough: bool) -> Iterator[Order]:
    yield _walked(columns, columns.after, columns.before)
    if thorough:
        yield _walked(columns, columns.before, columns.after)
        yield [sorted(column) for column in columns.members]


def _walked(columns: Columns, ahead: list[list[int]], behind: list[list[int]]) -> Order:
    """Items in the order in which a depth-first walk meets them: relatives lie close together."""
    home = [0] * columns.items
    for number, column in enumerate(columns.members):
        for item in column:
            home[item] = number
    order: Order = [[] for _ in columns.members]
    met = [False] * columns.items
    for start in sorted(range(columns.items), key=lambda item: (bool(behind[item]), item)):
        stack = [start]
        while stack:
            item = stack.pop()
            if not met[item]:
                met[item] = True
                order[home[item]].append(item)
                stack.extend(reversed(ahead[item]))
    return order


def _sweep(columns: Columns, place: list[int], *, rightwards: bool, median: bool) -> None:
    """Sort each column by the middle of its neighbours' places in the column before."""
    numbers = range(1, len(columns.members)) if rightwards else range(len(columns.members) - 2, -1, -1)
    fixed = columns.before if rightwards else columns.after
    middle = _median if median else _mean
    for number in numbers:
        column = columns.members[number]
        scale = len(columns.members[number - 1 if rightwards else number + 1]) / max(1, len(column))
        wish = {
            item: middle([place[other] for other in fixed[item]]) if fixed[item] else place[item] * scale
            for item in column
        }
        column.sort(key=wish.__getitem__)
        for index, item in enumerate(column):
            place[item] = index


def _mean(places: list[int]) -> float:
    return sum(places) / len(places)


def _median(places: list[int]) -> float:
    places.sort()
    half = len(places) // 2
    return places[half] if len(places) % 2 else (places[half - 1] + places[half]) / 2
