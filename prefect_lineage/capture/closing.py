"""Closing what was opened to be hashed, without taking away the locks of a database.

By POSIX, who closes any descriptor of a file takes away all locks that the process has on it. A user's SQLite or
DuckDB connection to that file relies on them, and would go on without: another process could write meanwhile. So the
descriptors of database files stay open, one for each file, and are used again.
"""

from __future__ import annotations

import os
from threading import RLock

__all__ = ["close", "open_to_read"]

_SQLITE, _DUCKDB = b"SQLite format 3\0", b"DUCK"
"""How a file begins, and what stands at byte 8: SQLite's file format, section 1.2; DuckDB's storage header."""

_open = os.open
"""As it was before any net was spread: what we open ourselves need not go through it."""

_kept: dict[tuple[int, int], int] = {}
"""Descriptors that stay open, by device and inode."""

_lock = RLock()


def open_to_read(path: str) -> int:
    """A descriptor of a file, which others may have, too: read it by offsets, and give it to :func:`close`.

    Raises:
        OSError: it cannot be opened.
    """
    if _kept:
        found = os.stat(path)  # noqa: PTH116 - no Path object for every file
        kept = _kept.get((found.st_dev, found.st_ino))
        if kept is not None:
            return kept
    return _open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def close(descriptor: int, head: bytes | None = None) -> None:
    """Close it, if its file is no database.

    Args:
        head: the first 16 bytes of the file, where the caller has read them.
    """
    if _is_database(descriptor, head):
        found = os.fstat(descriptor)
        with _lock:  # while it is kept, no other file gets its numbers
            _kept.setdefault((found.st_dev, found.st_ino), descriptor)
    else:
        os.close(descriptor)


def _is_database(descriptor: int, head: bytes | None) -> bool:
    if head is None:
        try:
            head = os.pread(descriptor, 16, 0)
        except OSError:
            return False  # it cannot be read, so nobody has found a database in it
    return head[:16] == _SQLITE or head[8:12] == _DUCKDB


def _after_fork() -> None:
    # The child has no locks to lose yet, and what else is done after a fork may close some of these.
    global _lock
    _lock = RLock()
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
