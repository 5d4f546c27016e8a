"""What a process keeps on disk because there is too much of it: bytes by key, for as long as the process lives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from prefect_lineage.capture.context import paused

__all__ = ["Spilled"]

_MADE = "CREATE TABLE spilled (key BLOB PRIMARY KEY, root TEXT, value BLOB) WITHOUT ROWID"
_CACHE = "PRAGMA cache_size = -500"  # kilobytes


class Spilled:
    """Maps keys to a value, which may be None, and the root that it belongs to.

    They lie in an unnamed temporary file of SQLite's, made for the first of them, which is gone with the process
    however it ends. To be used under a lock, and by one process.

    Every method may raise :class:`sqlite3.Error`: the disk is full, or the like.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    def put(self, rows: Iterable[tuple[bytes, str | None, bytes | None]]) -> None:
        """Keep keys with root and value: all of them or none."""
        if self._connection is None:
            with paused():  # no database of the user's
                self._connection = sqlite3.connect("", check_same_thread=False)
            self._connection.execute(_CACHE)
            self._connection.execute(_MADE)
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO spilled VALUES (?, ?, ?)", rows)

    def get(self, key: bytes) -> tuple[str | None, bytes | None] | None:
        """Root and value of a key, if it is kept here."""
        if self._connection is None:
            return None
        found = self._connection.execute("SELECT root, value FROM spilled WHERE key = ?", (key,)).fetchone()
        return None if found is None else (found[0], found[1])

    def drop(self, key: bytes) -> None:
        """Forget a key."""
        if self._connection is not None:
            with self._connection:
                self._connection.execute("DELETE FROM spilled WHERE key = ?", (key,))

    def forget(self, root: str, keys: Iterable[bytes]) -> None:
        """Forget these keys, those of a root and those of none; the file goes with the last."""
        if self._connection is None:
            return
        with self._connection:
            self._connection.executemany("DELETE FROM spilled WHERE key = ?", ((key,) for key in keys))
            self._connection.execute("DELETE FROM spilled WHERE root = ? OR root IS NULL", (root,))
        if self._connection.execute("SELECT 1 FROM spilled LIMIT 1").fetchone() is None:
            self.close()

    def close(self) -> None:
        """Forget everything."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()
