"""Times as a user writes them, and as the store counts them."""

from __future__ import annotations

from datetime import datetime

from prefect_lineage.errors import LineageError
from prefect_lineage.model.times import from_datetime, parse

__all__ = ["When", "micros"]

When = datetime | str | int
"""A moment: a datetime, ISO 8601 text, or microseconds since the epoch; without a zone it is UTC."""


def micros(name: str, when: When | None) -> int | None:
    """Microseconds since the epoch, UTC; None for None.

    Args:
        name: what the time is for, to say so if it is none.
        when: the moment.

    Raises:
        LineageError: the text is no ISO 8601 date or time.
    """
    if when is None or isinstance(when, int):
        return when
    if isinstance(when, datetime):
        return from_datetime(when)
    try:
        return parse(when)
    except (TypeError, ValueError):  # TypeError: whatever else somebody passes for a time
        raise LineageError(
            f"{name} is {when!r}, but must be an ISO 8601 date or time, such as 2026-11-23 or 2026-11-23T09:30Z."
        ) from None
