"""A third look: a card is pushed out of its place, those that are linked with it follow, and the change stays if
no more lines cross than before.

So whole branches wander past each other, which no single move could do without a detour. The pushes come from a
generator with a fixed seed, and their number from the work that they made, not from a clock: the same graph is
drawn the same on every machine.
"""

from __future__ import annotations

import random
from itertools import accumulate
from math import log

from prefect_lineage.export.layout.chains import Columns
from prefect_lineage.export.layout.sifting import profile

__all__ = ["nudge"]

_REACH = 12
"""How many places an item may follow in one step."""

_FARTHEST = 36
_TURNS = 3
"""How often an item may follow in one push."""

_FOLLOWERS = 40
_PATIENCE = 14
"""Pushes for each item that may be in vain before it is enough."""

_ENTRIES = 24
"""Entries of a profile that are made while one item is looked at."""

_OVERHEAD = 10
"""What a step costs beside the items that it looks at, in their terms."""


def nudge(columns: Columns, place: list[int], crossed: int, work: int) -> int:
    """Push items about for so much work; the number of crossings that are left.

    Args:
        columns: reordered in place.
        place: of each item in its column; kept up to date.
        crossed: how many crossings there are.
        work: how many items may be looked at.
    """
    nudger = _Nudger(columns, place)
    vain = 0
    while crossed and nudger.work < work and vain < _PATIENCE * columns.items:
        gain = nudger.push()
        crossed -= gain
        vain = 0 if gain else vain + 1
    return crossed


class _Nudger:
    def __init__(self, columns: Columns, place: list[int]) -> None:
        self.columns = columns
        self.place = place
        self.home = [0] * columns.items
        for number, column in enumerate(columns.members):
            for item in column:
                self.home[item] = number
        self.chance = random.Random(7).random  # noqa: S311 - a drawing, no secret
        self.work = 0
        self.moves: list[tuple[list[int], int, int]] = []

    def push(self) -> int:
        """One push with all that follows; how many crossings it took away, nothing if it was taken back."""
        self.work += _OVERHEAD
        item = int(self.chance() * self.columns.items)
        column, at = self.columns.members[self.home[item]], self.place[item]
        far = -log(1.0 - self.chance()) * min(len(column), _FARTHEST) / 4
        target = at + 1 + int(far) if self.chance() < 0.5 else at - 1 - int(far)
        target = min(max(target, 0), len(column) - 1)
        if target == at:
            return 0
        self.moves = []
        gain = self._push_to(item, target) + self._follow(item)
        if gain >= 0:
            return gain
        for moved, came, went in reversed(self.moves):
            self._shift(moved, went, came)
        return 0

    def _push_to(self, item: int, target: int) -> int:
        at = self.place[item]
        low, high = min(at, target), max(at, target) + 1
        saved = self._saved(item, low, high)
        column = self.columns.members[self.home[item]]
        self.moves.append((column, at, target))
        self._shift(column, at, target)
        return saved[(target if target < at else target + 1) - low] - saved[at - low]

    def _follow(self, item: int) -> int:
        """Let what is linked with an item find its best place, and what is linked with what moved, and it itself."""
        before, after = self.columns.before, self.columns.after
        queue = [*before[item], *after[item]]
        times = dict.fromkeys(queue, 1)
        times[item] = _TURNS
        gain = 0
        for other in queue:
            moves = len(self.moves)
            gain += self._sift(other)
            if len(self.moves) == moves or len(queue) > _FOLLOWERS:
                continue
            for near in (*before[other], *after[other]):
                if times.get(near, 0) < _TURNS:
                    times[near] = times.get(near, 0) + 1
                    queue.append(near)
        return gain + self._sift(item)

    def _sift(self, item: int) -> int:
        """Move an item to one of the best places within reach; how many crossings that took away."""
        column, at = self.columns.members[self.home[item]], self.place[item]
        low = max(0, at - _REACH)
        saved = self._saved(item, low, min(len(column), at + _REACH + 1))
        best = max(saved)
        level = [gap for gap, value in enumerate(saved, low) if value == best]
        target = level[int(self.chance() * len(level))]
        target -= target > at
        if target != at:
            self.moves.append((column, at, target))
            self._shift(column, at, target)
        return best - saved[at - low]

    def _saved(self, item: int, low: int, high: int) -> list[int]:
        """For each gap of a stretch of an item's column: the crossings that standing there saves."""
        number, place = self.home[item], self.place
        stretch = self.columns.members[number][low:high]
        self.work += len(stretch) + _OVERHEAD
        sums = [0] * len(stretch)
        for beside, near in ((number - 1, self.columns.before), (number + 1, self.columns.after)):
            if near[item]:
                lines = profile([place[other] for other in near[item]], len(self.columns.members[beside]))
                self.work += len(lines) // _ENTRIES
                sums = [
                    known + lines[place[ends[0]]]
                    if len(ends) == 1
                    else known + sum([lines[place[end]] for end in ends])
                    for known, ends in zip(sums, [near[other] for other in stretch], strict=True)
                ]
        return list(accumulate(sums, initial=0))

    def _shift(self, column: list[int], at: int, target: int) -> None:
        column.insert(target, column.pop(at))
        for index in range(min(at, target), max(at, target) + 1):
            self.place[column[index]] = index
