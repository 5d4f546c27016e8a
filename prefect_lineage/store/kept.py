"""Lines that the disk did not take: kept in memory until the store, or the disk, has them.

They are a journal of their own, with a name and positions, so that the store takes each of them once: from here,
or from the file that is made of them as soon as the disk works again, whichever comes first.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

__all__ = ["Kept"]

LIMIT_BYTES = 16 << 20
"""What comes beyond is lost: a flow must not run out of memory for its lineage."""


class Kept:
    """What one journal could not write. Not safe for threads: its journal's lock is."""

    def __init__(self) -> None:
        self.lost = 0
        """How many lines were beyond the limit."""
        self._begin()

    def _begin(self) -> None:
        self.id = str(uuid.uuid4())
        self._start = 0
        self._lines = bytearray()
        self._file: Path | None = None
        self._is_saved = False

    def __len__(self) -> int:
        """How many lines wait."""
        return self._lines.count(b"\n")

    def add(self, line: bytes) -> None:
        """Keep a line, or count it as lost."""
        if len(self._lines) + len(line) > LIMIT_BYTES:
            self.lost += 1
        else:
            self._lines += line
            self._is_saved = False

    def waiting(self) -> tuple[str, int, bytes]:
        """The name of the journal that these lines are, the position of the first of them, and the lines."""
        return self.id, self._start, bytes(self._lines)

    def taken(self, journal: str, position: int) -> None:
        """The store has the lines of that journal up to there."""
        if journal != self.id or position <= self._start:
            return
        del self._lines[: position - self._start]
        self._start = position
        if not self._lines:
            if self._file is not None:
                self._file.unlink(missing_ok=True)
            self._begin()

    def save(self, directory: Path, suffix: str) -> None:
        """Put the lines on disk, for ``sync``, if the disk takes all of them; here they go on waiting.

        Raises:
            OSError: it does not; nothing is left there then.
        """
        if self._is_saved or not self._lines:
            return
        unnamed = directory / f"{self.id}.part"
        descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(b"\n" * self._start)  # what the store has: no lines, but their room
                stream.write(self._lines)
            self._file = directory / f"{self.id}{suffix}"
            unnamed.replace(self._file)
            self._is_saved = True
        except OSError:
            unnamed.unlink(missing_ok=True)
            raise
