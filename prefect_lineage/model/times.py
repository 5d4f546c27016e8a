"""Times are integers inside (microseconds since the epoch, UTC) and ISO 8601 in UTC outside."""

from __future__ import annotations

import time
from calendar import timegm
from datetime import UTC, datetime, timedelta

__all__ = ["from_datetime", "iso", "now", "parse"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_last = 0


def now() -> int:
    """The current time in microseconds since the epoch; later than every answer before, in this process.

    A clock that is set back must not turn round what happened: until it is as late again, time passes by a
    microsecond with each answer.
    """
    global _last
    micros = time.time_ns() // 1000
    _last = micros if micros > _last else _last + 1  # not max(): every access and every record asks
    return _last


def iso(micros: int | None) -> str | None:
    """``2026-11-23T09:12:04.120000Z``, or None for None."""
    if micros is None:
        return None
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_datetime(moment: datetime) -> int:
    """Microseconds since the epoch; a naive time is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # not by subtraction: pendulum's datetimes, which Prefect uses, do not subtract like plain ones
    return timegm(aware.utctimetuple()) * 1_000_000 + aware.microsecond


def parse(text: str) -> int:
    """The inverse of :func:`iso`; any ISO 8601 date or time is accepted.

    Raises:
        ValueError: the text is not an ISO 8601 date or time.
    """
    return from_datetime(datetime.fromisoformat(text))
