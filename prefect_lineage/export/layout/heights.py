"""How high each item lies: close to its neighbours, in the given order, without overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from prefect_lineage.export.layout.chains import Columns

__all__ = ["heights", "spread"]

_TURNS = 14
_KINK = 34.0
"""Bends of at most so much are taken out at the end, where there is room for that."""
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
    _straighten(columns, height, gaps)
    return height


def _straighten(columns: Columns, height: list[float], gaps: list[list[float]]) -> None:
    """Take small kinks out: what has one neighbour on a side goes to its height, where there is room for that."""
    numbers = range(len(columns.members))
    for order, near in ((numbers, columns.before), (reversed(numbers), columns.after)):
        for number in order:
            column, between = columns.members[number], gaps[number]
            for index, item in enumerate(column):
                if len(near[item]) != 1:
                    continue
                wish = height[near[item][0]]
                low = height[column[index - 1]] + between[index - 1] if index else wish
                high = height[column[index + 1]] - between[index] if index + 1 < len(column) else wish
                if abs(wish - height[item]) <= _KINK and low <= wish <= high:
                    height[item] = wish


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
    """Where an item would like to be, and how much: in the middle of its neighbours on one side or on both."""
    left = [(other, len(columns.after[other])) for other in columns.before[item]]
    right = [(other, len(columns.before[other])) for other in columns.after[item]]
    near = left + right if both else (left if forward else right) or left or right
    if not near:
        return height[item], 0.01
    inner = item >= columns.cards
    total = mass = 0.0
    for other, company in near:
        # A waypoint between waypoints pulls hardest: long edges become straight first. What has many neighbours pulls
        # each of them little: a hub would tear its neighbours away from what is theirs alone.
        waypoints = inner + (other >= columns.cards)
        pull = (1.0, 2.0, 8.0)[waypoints] / (company * company)
        total += pull * height[other]
        mass += pull
    return total / mass, mass
