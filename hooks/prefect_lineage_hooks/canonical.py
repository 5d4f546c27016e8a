"""Canonical digests: what the hooks of several libraries write arrays and marks with.

A content is written as a sequence of parts, each with a mark before it that says what it is and how long, so that
no two contents write the same bytes. How the memory lies (chunks, strides, padding, what is under a
mask) is never written.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import sys
import uuid
from typing import Any

__all__ = ["Canonical", "loaded"]

_BLOCK = 4 << 20
"""Bytes that are put in order at once, where an array does not lie in order."""

_MAX_OBJECTS = 100_000
"""Python's own objects in one content; each takes a microsecond or more."""

_MAX_DEPTH = 20

_SPELT = (
    *(type(None), bool, int, float, complex, decimal.Decimal, uuid.UUID),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
)
"""Types whose ``repr`` is all of them."""


def loaded(name: str, *needed: str) -> Any:
    """A library that somebody else has imported, to the end: one that is being imported lacks what is needed."""
    library = sys.modules.get(name)
    return library if all(hasattr(library, one) for one in needed) else None


class Canonical:
    """A running digest. Methods that may find no canonical form return False, and then there is no digest.

    Args:
        limit: bytes; a content that turns out to be larger has no digest.

    Attributes:
        size: bytes of the content so far.
    """

    def __init__(self, limit: int) -> None:
        from blake3 import blake3

        self.size = 0
        self._limit = limit
        self._left = _MAX_OBJECTS
        self._hasher = blake3()

    def result(self) -> tuple[str, int]:
        """The digest, and the size of the content in bytes."""
        return f"blake3:{self._hasher.hexdigest()}", self.size

    def fits(self, size: int) -> bool:
        """Whether so many bytes more are within the limit."""
        return self.size + size <= self._limit

    def mark(self, *words: object) -> None:
        """What comes next; words whose ``repr`` is all of them."""
        self._hasher.update(repr(words).encode("utf-8", "surrogatepass"))

    def buffer(self, data: Any) -> bool:
        """The bytes of a contiguous buffer, as announced by a mark."""
        self.size += memoryview(data).nbytes
        if self.size > self._limit:
            return False
        self._hasher.update(data)
        return True

    def plain(self, value: Any, depth: int = _MAX_DEPTH) -> bool:
        """Numbers, texts, dates, members of enumerations, and containers of them."""
        kind, self._left = type(value), self._left - 1
        if self._left < 0 or not depth:
            return False
        if kind in _SPELT:
            spelt = repr(value).encode()
            self.mark(kind.__name__, len(spelt))
            return b" at 0x" not in spelt and self.buffer(spelt)  # a time zone of somebody's own
        if isinstance(value, enum.Enum):
            self.mark("member", kind.__module__, kind.__qualname__, value.name)
            return True
        if kind in (str, bytes, bytearray):
            spelt = value.encode("utf-8", "surrogatepass") if kind is str else bytes(value)
            self.mark(kind.__name__, len(spelt))
            return self.buffer(spelt)
        if kind in (list, tuple):
            self.mark(kind.__name__, len(value))
            return all(self.plain(item, depth - 1) for item in value)
        if kind in (dict, set, frozenset):
            return self._unordered(value, depth - 1)
        return False

    def _unordered(self, value: Any, depth: int) -> bool:
        """A container whose order is of no matter: in the order of the digests of its keys."""
        self.mark(type(value).__name__, len(value))
        keys = {}
        for key in value:
            alone = Canonical(self._limit)
            alone._left = self._left
            if not alone.plain(key, depth):
                return False
            keys[alone.result()[0]] = key
            self.size += alone.size
            self._left = alone._left
        for digest in sorted(keys):
            self.mark(digest)
            if isinstance(value, dict) and not self.plain(value[keys[digest]], depth):
                return False
        return True

    def array(self, array: Any) -> bool:
        """A NumPy array: type, shape, elements."""
        dtype = array.dtype
        if dtype.names is not None:  # field by field: the bytes between them can be anything
            self.mark("record", dtype.names, array.shape)
            return all(self.array(array[name]) for name in dtype.names)
        if dtype.hasobject:
            self.mark("objects", dtype.str, array.shape)
            return array.size <= _MAX_OBJECTS and self.plain(array.tolist())
        if dtype.char in "gG":  # a long double is padded
            return False
        self.mark("array", dtype.str, array.shape)
        return self.fits(array.nbytes) and self._elements(array)

    def _elements(self, array: Any) -> bool:
        """The elements in C's order, with no copy of a whole large array."""
        if not array.nbytes:
            return True
        if array.flags.c_contiguous:
            return self.buffer(array.reshape(-1).view("u1").data)
        if array.nbytes <= _BLOCK:
            return self.buffer(array.ravel(order="C").view("u1").data)
        if len(array) == 1:
            return self._elements(array[0])
        rows = max(1, min(len(array) // 2, len(array) * _BLOCK // array.nbytes))
        return all(self._elements(array[start : start + rows]) for start in range(0, len(array), rows))
