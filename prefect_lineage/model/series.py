"""Series: artifacts that are one thing day by day, as ``sales_2026-11-23.csv`` is, folded where people look at lists.

In the store each stays what it is. The rule is a few regular expressions that a setting can change; what they match of
a name is a date, and names that differ in nothing else are one series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["DATES", "MARK", "Series"]

MARK = "{date}"
"""What stands for the dates in the name of a series."""

_YEAR, _MONTH, _DAY = r"(?<!\d)(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[Tt_ -]?(?:[01]\d|2[0-3])[-:.h]?[0-5]\d(?:[-:.]?[0-5]\d)?Z?)?"

DATES = (
    rf"{_YEAR}([-_./]?){_MONTH}\1{_DAY}{_TIME}(?!\d)",  # 2026-11-23, 20261123T0430, 2026/11/23
    rf"{_YEAR}[-_/]{_MONTH}(?!\d)",  # 2026-11
    rf"{_YEAR}[-_]?[Ww]\d\d(?!\d)",  # 2026-W48
)
"""What is a date in a name, unless the setting SERIES says otherwise."""


class Series:
    """The rule by which names are put together.

    Args:
        patterns: regular expressions of what is a date; none: every name is by itself.
    """

    def __init__(self, patterns: Iterable[str] = DATES) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def of(self, name: str) -> str | None:
        """The name of the series, ``sales_{date}.csv``; None if there is no date in ``name``."""
        found = name
        for pattern in self._patterns:
            found = pattern.sub(MARK, found)
        return found if found != name else None
