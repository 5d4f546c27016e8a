"""Plain data: numbers, text, dates and containers of them, as canonical bytes that can be digested."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

__all__ = ["CONTAINERS", "DIGEST_LIMIT", "MAX_ITEMS", "is_plain", "plain_bytes"]

DIGEST_LIMIT = 64 << 20
"""Bytes: a larger value is not digested, for that happens while the user's task waits."""

MAX_ITEMS = 1_000
"""How many members of a container are looked at."""

CONTAINERS = (dict, list, tuple, set, frozenset)
_NUMBERS = frozenset({type(None), bool, int, float})
_SPELT = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_MAX_TEXT = 4_096
_MAX_MEMBERS = 100_000
_MAX_NESTING = 100


def is_plain(value: object, limit: int = MAX_ITEMS) -> bool:
    """Whether holding the value alive is cheap: a container of small scalars, or of such containers."""
    if not isinstance(value, CONTAINERS):
        return False
    seen = 0
    pending: list[object] = [value]
    while pending:
        item = pending.pop()
        seen += 1
        if seen > limit:
            return False
        if isinstance(item, CONTAINERS):
            if len(item) > limit:
                return False
            pending += item.values() if isinstance(item, dict) else item
        elif isinstance(item, (str, bytes)):
            if len(item) >= _MAX_TEXT:
                return False
        elif not isinstance(item, (type(None), bool, int, float)):
            return False
    return True


class _NotPlain(Exception):
    """The value is no plain data, or too much of it."""


def plain_bytes(value: object, limit: int = DIGEST_LIMIT) -> bytes | None:
    """Canonical bytes of plain data, equal for equal values of equal types in any process.

    Returns:
        None for anything else, and for what takes more than ``limit`` bytes.
    """
    writer = _Plain(limit)
    try:
        writer.write(value, _MAX_NESTING)
    except (_NotPlain, ValueError, RuntimeError):  # an int of thousands of digits; changed meanwhile
        return None
    return b"".join(writer.chunks)


class _Plain:
    """Plain data as bytes, each with its type and length before it, so that no two values share theirs."""

    def __init__(self, limit: int) -> None:
        self.chunks: list[bytes] = []
        self._bytes = limit
        self._members = _MAX_MEMBERS

    def write(self, value: object, depth: int) -> None:
        """Append ``value``; raises :class:`_NotPlain`."""
        kind = type(value)
        if kind in _NUMBERS:
            self._put(kind.__name__, repr(value).encode())
        elif isinstance(value, str) and kind is str:
            self._spend(len(value))
            self._put("str", value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, (bytes, bytearray)) and kind in (bytes, bytearray):
            self._spend(len(value))
            self._put(kind.__name__, bytes(value))
        elif kind in _SPELT:
            self._put(kind.__name__, repr(value).encode())
        elif kind in CONTAINERS and depth:
            self._container(value, depth - 1)
        else:
            raise _NotPlain

    def _container(self, value: Any, depth: int) -> None:
        name = type(value).__name__
        if len(value) > self._bytes // 8:  # estimated first: a long list is not spelt only to be dropped
            raise _NotPlain
        if isinstance(value, (list, tuple)) and _NUMBERS.issuperset(set(map(type, value))):
            self._put(f"{name} of numbers", repr(value).encode())
            return
        self._members -= len(value)
        if self._members < 0:
            raise _NotPlain
        self._put(name, str(len(value)).encode())
        if isinstance(value, (list, tuple)):
            for item in value:
                self.write(item, depth)
        elif isinstance(value, dict):
            pairs = [(self._alone(key, depth), key) for key in value]
            for spelt, key in sorted(pairs, key=lambda pair: pair[0]):
                self._put("key", spelt)
                self.write(value[key], depth)
        else:
            for spelt in sorted(self._alone(item, depth) for item in value):
                self._put("member", spelt)

    def _alone(self, value: object, depth: int) -> bytes:
        """The bytes of one key or member, to sort by."""
        other = _Plain(self._bytes)
        other.write(value, depth)
        return b"".join(other.chunks)

    def _put(self, kind: str, body: bytes) -> None:
        chunk = b"%s %d:%s" % (kind.encode(), len(body), body)
        self._spend(len(chunk))
        self.chunks.append(chunk)

    def _spend(self, size: int) -> None:
        if size > self._bytes:
            raise _NotPlain
        self._bytes -= size
