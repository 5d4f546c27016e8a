"""How high each item lies: close to its neighbours, in the given order, without overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from prefect_lineage.export.layout.chains import Columns

__all__ = ["heights", "spread"]

_TURNS = 14
_SETTLING = 4
"""Last turns, in which both sides pull: before, sides alternate and whole branches can move."""


def spread(wishes: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Positions as near to the wishes as an order allows.

    Minimises the weighted sum of squared distances under ``position[i + 1] - position[i] >= gaps[i]``
    (pool adjacent violators, linear time).

    Args:
        wishes: where each would like to be, in order.
        gaps: the least distances between neighbours, one fewer than wishes.
        weights: how much each wish counts, positive.
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[list[float]] = []  # of (sum of weighted wishes less offset, sum of weights, members)
    for wish, weight, offset in zip(wishes, weights, offsets, strict=False):
        blocks.append([(wish - offset) * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            total, mass, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += mass
            blocks[-1][2] += members
    bases = (total / mass for total, mass, members in blocks for _ in range(int(members)))
    return [base + offset for base, offset in zip(bases, offsets, strict=False)]


def heights(columns: Columns, distance: Callable[[int, int], float]) -> list[float]:
    """The height of each item's middle; ``distance`` is the least one between two neighbours of a column."""
    gaps = [[distance(a, b) for a, b in pairwise(column)] for column in columns.members]
    height = [0.0] * columns.items
    for column, between in zip(columns.members, gaps, strict=True):
        middle = sum(between) / 2
        for item, y in zip(
            column, spread([-middle] * len(column), between, [1.0] * len(column)), strict=True
        ):
            height[item] = y
    for turn in range(_TURNS):
        forward = turn % 2 == 0
        both = turn >= _TURNS - _SETTLING
        numbers = range(len(columns.members))
        for number in numbers if forward else reversed(numbers):
            _settle(columns, height, number, gaps[number], forward, both)
    return height


def _settle(
    columns: Columns, height: list[float], number: int, gaps: list[float], forward: bool, both: bool
) -> None:
    column = columns.members[number]
    if not column:
        return
    wishes: list[float] = []
    weights: list[float] = []
    for item in column:
        wish, weight = _wish(columns, height, item, forward, both)
        wishes.append(wish)
        weights.append(weight)
    for item, y in zip(column, spread(wishes, gaps, weights), strict=True):
        height[item] = y


def _wish(columns: Columns, height: list[float], item: int, forward: bool, both: bool) -> tuple[float, float]:
    left, right = columns.before[item], columns.after[item]
    near = [*left, *right] if both else (left if forward else right) or left or right
    if not near:
        return height[item], 0.01
    inner = item >= columns.cards
    total = mass = 0.0
    for other in near:
        # A waypoint between waypoints pulls hardest: long edges become straight first.
        pull = 1.0 + inner * (other >= columns.cards) * 7.0 + (inner != (other >= columns.cards)) * 1.0
        total += pull * height[other]
        mass += pull
    return total / mass, mass
