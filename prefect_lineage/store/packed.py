"""Digests and UUIDs as bytes: half of what their texts take, in the rows and again in each index.

The first byte is a mark: of an algorithm, of a UUID, or of a text that is neither and keeps its letters. So every text
comes back as it was, and what begins with a text is a range of bytes, for which an index can be searched.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

__all__ = ["Packed", "PackedDigest", "PackedUuid"]

_TEXT = b"\0"
_ALGORITHMS = {"blake3:": b"\1", "sha256:": b"\2"}
_BY_MARK = {mark[0]: algorithm for algorithm, mark in _ALGORITHMS.items()}
_DIGEST = re.compile("(blake3:|sha256:)([0-9a-f]{64})", re.ASCII)
_DIGITS = re.compile("[0-9a-f]{0,64}", re.ASCII)
_UUID_MARK = b"\1"
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LEAST_UUID, _GREATEST_UUID = (re.sub("x", digit, "x" * 8 + "-xxxx" * 3 + "-" + "x" * 12) for digit in "0f")


class Range(NamedTuple):
    """Stored values from the least to the greatest, both included."""

    low: bytes
    high: bytes


class Packed(sa.types.TypeDecorator[str]):
    """A text that is stored as bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    @staticmethod
    def pack(text: str) -> bytes:
        """The text as it is stored."""
        raise NotImplementedError

    @staticmethod
    def unpack(packed: bytes) -> str:
        """The inverse of :meth:`pack`."""
        raise NotImplementedError

    @staticmethod
    def ranges(start: str) -> list[Range]:
        """How the texts are stored that begin with a text."""
        raise NotImplementedError

    def process_bind_param(self, value: str | bytes | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's
        """See :meth:`pack`; bytes are packed already."""
        return self.pack(value) if isinstance(value, str) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """See :meth:`unpack`."""
        return None if value is None else self.unpack(bytes(value))

    def starting_with(self, column: sa.ColumnElement[Any], start: str) -> sa.ColumnElement[bool]:
        """The condition that the text in a column of this type begins with a text."""
        return sa.or_(*(column.between(low, high) for low, high in self.ranges(start)))


class PackedDigest(Packed):
    """A digest: 33 bytes for what has 71 letters."""

    cache_ok = True

    @staticmethod
    def pack(text: str) -> bytes:
        """``blake3:`` or ``sha256:`` and 64 digits in lower case; all else is a text."""
        found = _DIGEST.fullmatch(text)
        return _ALGORITHMS[found[1]] + bytes.fromhex(found[2]) if found else _as_text(text)

    @staticmethod
    def unpack(packed: bytes) -> str:
        """The inverse of :meth:`pack`."""
        algorithm = _BY_MARK.get(packed[0])
        return packed[1:].decode() if algorithm is None else algorithm + packed[1:].hex()

    @staticmethod
    def ranges(start: str) -> list[Range]:
        """The start may be part of an algorithm's name, or its digits."""
        found = [_texts_from(start)]
        for algorithm, mark in _ALGORITHMS.items():
            digits = start.removeprefix(algorithm) if start.startswith(algorithm) else ""
            if (digits or algorithm.startswith(start)) and _DIGITS.fullmatch(digits):
                low, high = (bytes.fromhex(digits.ljust(64, digit)) for digit in "0f")
                found.append(Range(mark + low, mark + high))
        return found


class PackedUuid(Packed):
    """A UUID: 17 bytes for what has 36 letters."""

    cache_ok = True

    @staticmethod
    def pack(text: str) -> bytes:
        """32 digits in lower case, with their hyphens; all else is a text."""
        return _UUID_MARK + bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else _as_text(text)

    @staticmethod
    def unpack(packed: bytes) -> str:
        """The inverse of :meth:`pack`."""
        if packed[:1] == _TEXT:
            return packed[1:].decode()
        digits = packed[1:].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    @staticmethod
    def ranges(start: str) -> list[Range]:
        """The start has its hyphens."""
        low, high = (start + filling[len(start) :] for filling in (_LEAST_UUID, _GREATEST_UUID))
        uuids = [Range(PackedUuid.pack(low), PackedUuid.pack(high))] if _UUID.fullmatch(low) else []
        return [_texts_from(start), *uuids]


def _as_text(text: str) -> bytes:
    return _TEXT + text.encode("utf-8", "backslashreplace")  # as records are cleaned


def _texts_from(start: str) -> Range:
    return Range(_as_text(start), _as_text(start) + b"\xff")  # which no text in UTF-8 holds
