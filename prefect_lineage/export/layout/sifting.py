"""A second look at the order in the columns: each item tries every place in its column.

Exchanging neighbours stops where no single exchange helps; sifting sees past that. It is quadratic in the
length of a column, so it is for graphs that are looked at whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from prefect_lineage.export.layout.chains import Columns

__all__ = ["sift"]

_Ends = tuple[list[int], list[int]]
"""The places of an item's neighbours in the columns to its left and right, ascending."""


def sift(columns: Columns, place: list[int]) -> bool:
    """Move each item to the best place in its column, those with most lines first; whether anything moved."""
    moved = False
    for column in columns.members:
        ends = {item: _ends(columns, place, item) for item in column}
        for item in sorted(column, key=lambda one: -len(columns.before[one]) - len(columns.after[one])):
            moved |= _move(column, ends, item)
        for index, item in enumerate(column):
            place[item] = index
    return moved


def _ends(columns: Columns, place: list[int], item: int) -> _Ends:
    near = columns.before[item], columns.after[item]
    return sorted(place[other] for other in near[0]), sorted(place[other] for other in near[1])


def _move(column: list[int], ends: dict[int, _Ends], item: int) -> bool:
    at = column.index(item)
    best, target = 0, at
    for step in (-1, 1):
        change = 0
        end = -1 if step < 0 else len(column)
        for index in range(at + step, end, step):
            change -= step * _difference(ends[item], ends[column[index]])
            if change < best:
                best, target = change, index
    if target == at:
        return False
    column.pop(at)
    column.insert(target, item)
    return True


def _difference(one: _Ends, other: _Ends) -> int:
    """Crossings of the lines of two items with ``one`` above, less those with ``other`` above."""
    return _inversions(one[0], other[0]) + _inversions(one[1], other[1])


def _inversions(upper: list[int], lower: list[int]) -> int:
    if len(upper) > len(lower):
        return -_inversions(lower, upper)
    size = len(lower)
    return sum(bisect_left(lower, end) - size + bisect_right(lower, end) for end in upper)
