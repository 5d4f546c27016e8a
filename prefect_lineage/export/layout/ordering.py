"""The order within each column, with few crossings between neighbouring columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from prefect_lineage.export.layout.chains import Columns
from prefect_lineage.export.layout.sifting import sift

__all__ = ["arrange", "crossings"]

_THOROUGH = 2500
"""Items up to which several starts are tried and neighbours are exchanged pair by pair."""

_SIFTINGS = 2

Order = list[list[int]]


def arrange(columns: Columns) -> int:
    """Reorder ``columns.members`` in place; the number of crossings that are left."""
    thorough = columns.items <= _THOROUGH
    best: tuple[int, Order] | None = None
    for start in _starts(columns, thorough):
        columns.members = start
        found = _improve(columns, thorough)
        if best is None or found[0] < best[0]:
            best = found
        if not best[0]:
            break
    assert best is not None  # noqa: S101 - there is always a first start
    columns.members = best[1]
    return _sifted(columns, best[0]) if thorough else best[0]


def _sifted(columns: Columns, crossed: int) -> int:
    """The order with single items moved as far as that helps; the number of crossings that are left."""
    place = columns.places()
    best = crossed, [column[:] for column in columns.members]
    for _ in range(_SIFTINGS):
        if not best[0] or not sift(columns, place):
            break
        found = crossings(columns, place)
        if found < best[0]:
            best = found, [column[:] for column in columns.members]
    columns.members = best[1]
    return best[0]


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


def _starts(columns: Columns, thorough: bool) -> Iterable[Order]:
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


def _improve(columns: Columns, thorough: bool) -> tuple[int, Order]:
    """Sweeps to and fro until nothing gets better for a while; the best order met."""
    place = columns.places()
    best = crossings(columns, place), [column[:] for column in columns.members]
    patience = 4 if thorough else 3
    tired = 0
    for turn in range(24 if thorough else 10):
        if not best[0] or tired >= patience:
            break
        _sweep(columns, place, rightwards=turn % 2 == 0)
        if thorough and turn >= 2:
            _exchange(columns, place)
        found = crossings(columns, place)
        if found < best[0]:
            best = found, [column[:] for column in columns.members]
            tired = 0
        else:
            tired += 1
    return best


def _sweep(columns: Columns, place: list[int], rightwards: bool) -> None:
    """Sort each column by the mean place of its neighbours in the column before."""
    numbers = range(1, len(columns.members)) if rightwards else range(len(columns.members) - 2, -1, -1)
    fixed = columns.before if rightwards else columns.after
    for number in numbers:
        column = columns.members[number]
        wish = {
            item: sum(place[other] for other in fixed[item]) / len(fixed[item])
            if fixed[item]
            else float(place[item])
            for item in column
        }
        column.sort(key=wish.__getitem__)
        for index, item in enumerate(column):
            place[item] = index


def _exchange(columns: Columns, place: list[int]) -> None:
    """Swap neighbours in a column wherever that takes crossings away."""
    for _ in range(3):
        improved = False
        for column in columns.members:
            for index in range(len(column) - 1):
                upper, lower = column[index], column[index + 1]
                if _gain(columns, place, upper, lower) > 0:
                    column[index], column[index + 1] = lower, upper
                    place[upper], place[lower] = index + 1, index
                    improved = True
        if not improved:
            return


def _gain(columns: Columns, place: list[int], upper: int, lower: int) -> int:
    gain = 0
    for near in (columns.before, columns.after):
        for one in near[upper]:
            for other in near[lower]:
                gain += (place[one] > place[other]) - (place[one] < place[other])
    return gain
