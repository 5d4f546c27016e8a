"""Recorded things as words for a terminal: safe to print, and easy to read.

Whatever was recorded may be hostile: a file can be called by an escape sequence that clears the screen, or by
one that turns the line around. :func:`visible` is the one way from a recorded text to the terminal.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["ago", "count", "duration", "moment", "short_digest", "shortened", "size", "visible"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_STEPS = ((60, "s"), (3_600, "min"), (_DAY, "h"))


def visible(text: object) -> str:
    r"""The text with everything that does not print written as an escape: ``\n``, ``\x1b``, ``\u202e``."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in plain
    )


def shortened(text: object, limit: int = 120) -> str:
    """A visible text of at most ``limit`` characters, the middle left out: both ends of a path tell most."""
    plain = visible(text)
    if len(plain) <= limit:
        return plain
    head = (limit - 1) // 2
    return f"{plain[:head]}…{plain[len(plain) - (limit - 1 - head) :]}"


def short_digest(digest: str) -> str:
    """A digest with its first twelve digits: ``blake3:0123456789ab``."""
    algorithm, colon, digits = digest.partition(":")
    return visible(f"{algorithm}{colon}{digits[:12]}")


def size(number: int | None) -> str:
    """Bytes in decimal units, ``1.2 MB``; nothing for None."""
    if number is None:
        return ""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            return f"{number} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes everything")


def duration(seconds: float | None) -> str:
    """``40 ms``, ``1.2 s``, ``3 min 4 s``, ``2 h 5 min``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(micros: int | None) -> str:
    """A time to the second, in UTC: ``2026-11-23 09:12:04Z``; nothing for None."""
    if micros is None:
        return ""
    return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%SZ")


def ago(micros: int | None, now: int) -> str:
    """How long ago: ``just now``, ``12 min ago``; the day for what is older than a week."""
    if micros is None:
        return ""
    seconds = (now - micros) // 1_000_000
    if not 0 <= seconds < 7 * _DAY:
        return moment(micros)[:10] if seconds >= 0 else moment(micros)
    if seconds < 10:
        return "just now"
    unit = 1
    for limit, name in _STEPS:
        if seconds < limit:
            return f"{seconds // unit} {name} ago"
        unit = limit
    days = seconds // _DAY
    return f"{days} day ago" if days == 1 else f"{days} days ago"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 run``, ``3 runs``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
