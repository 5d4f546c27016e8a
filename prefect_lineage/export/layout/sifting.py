"""A second look at the order in the columns: each item tries every place in its column, all others held still.

Exchanging neighbours stops where no single exchange helps; sifting sees past that. The lines of one item are
turned into a profile over the columns beside it, from which what any other item would cross is read off, so an
item's best place is found in time linear in its column.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any, cast

from prefect_lineage.export.layout.chains import Columns

__all__ = ["profile", "settle"]

_ENOUGH = 0.0005
"""The share of the crossings that a round must take away to be worth another one."""


def profile(ends: Iterable[int], width: int) -> list[int]:
    """For each place of a column: how many of an item's ends lie below it, less how many lie above.

    Args:
        ends: the places of the item's neighbours in that column, all different.
        width: how many items the column has.
    """
    places = sorted(ends)
    if len(places) == 1:
        return [1] * places[0] + [0] + [-1] * (width - places[0] - 1)
    value, at = len(places), 0
    found: list[int] = []
    for place in places:
        found += [value] * (place - at)
        found.append(value - 1)
        value, at = value - 2, place + 1
    return found + [value] * (width - at)


def settle(columns: Columns, place: list[int], crossed: int, *, rounds: int, reach: int) -> int:
    """Move each item to the best place in its column, to and fro until that hardly helps any more.

    Args:
        columns: reordered in place.
        place: of each item in its column; kept up to date.
        crossed: how many crossings there are.
        rounds: how often at most.
        reach: how many places an item may move at once.

    Returns:
        How many crossings are left.
    """
    for turn in range(rounds):
        numbers = range(len(columns.members))
        back = turn % 2 == 1
        gain = sum(
            _sift(columns, place, number, reach, back) for number in (reversed(numbers) if back else numbers)
        )
        crossed -= gain
        if gain <= crossed * _ENOUGH:
            break
    return crossed


def _sift(columns: Columns, place: list[int], number: int, reach: int, back: bool) -> int:
    """Sift one column, those with most lines first, or from top to bottom; how many crossings that took away."""
    column = columns.members[number]
    sieve = _Sieve(columns, place, number)
    items = column[:] if back else sorted(column, key=sieve.rank)
    gain = sum(sieve.move(item, reach, back) for item in items)
    for index, item in enumerate(column):
        place[item] = index
    return gain


class _Sieve:
    """A column whose items move while those beside it are still.

    Ends are numbered through both columns beside it; most items have at most two, which stand in lists of their
    own, so that a whole column is gone through without a loop for each item.
    """

    __slots__ = ("column", "first", "lines", "none", "rest", "second", "split", "width")

    def __init__(self, columns: Columns, place: list[int], number: int) -> None:
        members = columns.members
        self.column = members[number]
        self.split = len(members[number - 1]) if number else 0
        self.width = len(members[number + 1]) if number + 1 < len(members) else 0
        self.none = self.split + self.width  # where the profile is 0
        self.lines = {item: self._ends(columns, place, item) for item in self.column}
        ends = [[*left, *(self.split + end for end in right)] for left, right in self.lines.values()]
        self.first = [each[0] if each else self.none for each in ends]
        self.second = [each[1] if len(each) > 1 else self.none for each in ends]
        self.rest = [each[2:] for each in ends]

    @staticmethod
    def _ends(columns: Columns, place: list[int], item: int) -> tuple[list[int], list[int]]:
        return [place[other] for other in columns.before[item]], [
            place[other] for other in columns.after[item]
        ]

    def rank(self, item: int) -> int:
        left, right = self.lines[item]
        return -len(left) - len(right)

    def move(self, item: int, reach: int, back: bool) -> int:
        """Put the item to the first of its best places, or to the last: what is level moves, too."""
        left, right = self.lines[item]
        if not left and not right:
            return 0
        at = self.column.index(item)
        low = max(0, at - reach)
        saved = self._saved([*profile(left, self.split), *profile(right, self.width), 0], low, at + reach + 1)
        best = max(saved)
        target = low + (len(saved) - 1 - saved[::-1].index(best) if back else saved.index(best))
        if not at <= target <= at + 1:
            target -= target > at
            for each in cast("tuple[list[Any], ...]", (self.column, self.first, self.second, self.rest)):
                each.insert(target, each.pop(at))
        return best - saved[at - low]

    def _saved(self, lines: list[int], low: int, high: int) -> list[int]:
        """For each gap of a stretch: the crossings that standing there saves against standing above it all."""
        stretch = zip(self.first[low:high], self.second[low:high], self.rest[low:high], strict=True)
        return list(
            accumulate(
                [
                    lines[one] + lines[two] + sum([lines[other] for other in rest])
                    if rest
                    else lines[one] + lines[two]
                    for one, two, rest in stretch
                ],
                initial=0,
            )
        )
