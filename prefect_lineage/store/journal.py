"""The journal: a file per process to which every record is appended before anything else happens.

One record is one line and one ``write``, so that a killed process loses nothing but, at worst, the line that
it was writing. The owner holds a lock on its file until it ends, however it ends: who can take the lock knows
that the owner is gone. The file gets its name once it is locked. Where a file system has no locks, the name says
whose it is: ``<uuid>.<pid>@<host>.jsonl``. A forked child begins a file of its own.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
import uuid
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prefect_lineage.model.records import Record
from prefect_lineage.store.lines import encode

__all__ = ["SUFFIX", "Batch", "Journal", "owner_may_live", "read_lines", "warn_once"]

SUFFIX = ".jsonl"
_UNNAMED = ".new"
_OWNER = re.compile(r"\.(?P<pid>\d+)@(?P<host>.+)\Z", re.ASCII)
ROTATE_BYTES = 8 << 20
"""A file that is drained and larger than this is replaced by an empty one."""

_log = logging.getLogger("prefect_lineage")
_warned: set[str] = set()


def warn_once(topic: str, message: str) -> None:
    """Log a warning, the first time for a topic in this process; what follows goes to debug."""
    level = logging.DEBUG if topic in _warned else logging.WARNING
    _warned.add(topic)
    _log.log(level, message)


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines of a journal.

    Attributes:
        lines: (the byte after the line, the line with its newline).
        rest: bytes after them that are no whole line yet, or never will be.
    """

    lines: list[tuple[int, bytes]]
    rest: int


class Journal:
    """This process's journal in a directory; made at the first record. Threads may share it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.on_append: Callable[[], None] | None = None
        self._begin()
        _journals.add(self)

    @property
    def path(self) -> Path | None:
        """The file, once there is one."""
        return self._path

    @property
    def id(self) -> str | None:
        """The name under which a store keeps its position."""
        return self._path.stem if self._path else None

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def mark(self) -> tuple[Path | None, int]:
        """The file and its size, as they belong together."""
        with self._lock:
            return self._path, self._size

    def append(self, record: Record) -> None:
        """Keep a record; afterwards it survives the end of the process.

        A full disk or a directory that cannot be written to loses the record with a warning, once per process:
        a flow must not fail for it.
        """
        line = encode(record)
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            reason = error.strerror or error
            warn_once(
                "journal", f"Lineage is being lost: nothing can be written to {self.directory}: {reason}."
            )
            return
        if self.on_append is not None:
            self.on_append()

    def rotate(self, position: int, *, always: bool = False) -> bool:
        """Delete the file if the store has all of it and it is large (or ``always``); the next record begins anew."""
        with self._lock:
            done = self._fd is not None and position == self._size and (always or self._size >= ROTATE_BYTES)
            if done and self._path is not None:
                self._path.unlink(missing_ok=True)
                self._release()
            return done

    def close(self) -> None:
        """Let go of the file; what is in it stays for :func:`~prefect_lineage.store.sync.sync`."""
        with self._lock:
            self._release()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._inode: tuple[int, int] | None = None
        """Device and inode behind the descriptor: programs close descriptors that they never opened."""
        self._path: Path | None = None
        self._size = 0
        self._torn = False

    def _links(self) -> int | None:
        """How many names the file behind the descriptor has; None if the descriptor is not ours any more."""
        if self._fd is None:
            return None
        try:
            state = os.fstat(self._fd)
        except OSError:
            return None
        return state.st_nlink if (state.st_dev, state.st_ino) == self._inode else None

    def _let_go(self) -> None:
        """Close the descriptor, unless it belongs to somebody else by now."""
        if self._fd is not None and self._links() is not None:
            os.close(self._fd)
        self._fd = None

    def _release(self) -> None:
        self._let_go()
        self._inode, self._path, self._size, self._torn = None, None, 0, False

    def _descriptor(self) -> int:
        """Where to write to: the file as it was, or a new one if it was deleted or taken away from us."""
        links = self._links()
        if self._fd is None or links == 0 or (links is None and not self._regained()):
            self._release()
            self._open()
        assert self._fd is not None  # noqa: S101 - _open and _regained set it
        return self._fd

    def _regained(self) -> bool:
        """Open the file again whose descriptor was closed behind our back, so that the drain finds all in one.
        Not if ``sync`` has it meanwhile: it will carry what is there."""
        path, self._fd = self._path, None
        if path is None:
            return False
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return False
        locked = _lock(descriptor, path)
        state = os.fstat(descriptor)
        unlocked_by_name = locked is None and _OWNER.search(path.stem) is not None
        if (locked or unlocked_by_name) and state.st_nlink and (state.st_dev, state.st_ino) == self._inode:
            self._fd = descriptor
            return True
        os.close(descriptor)
        return False

    def _write(self, line: bytes) -> None:
        descriptor = self._descriptor()
        if self._torn:
            # The disk was full in the middle of a line: end that one, so that only it is lost.
            line = b"\n" + line
        written = os.write(descriptor, line)
        self._size += written
        self._torn = written < len(line)
        if self._torn:
            raise OSError(None, f"only {written} of {len(line)} bytes were written")

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        name = str(uuid.uuid4())
        unnamed = self.directory / f"{name}{_UNNAMED}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        descriptor = os.open(unnamed, flags, 0o600)  # parameters of runs are nobody else's business
        try:
            if not _lock(descriptor, unnamed):
                name = f"{name}.{os.getpid()}@{_host()}"
            path = self.directory / f"{name}{SUFFIX}"
            unnamed.rename(path)
            state = os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            unnamed.unlink(missing_ok=True)
            raise
        self._fd, self._inode, self._path = descriptor, (state.st_dev, state.st_ino), path

    def _forked(self) -> None:
        """In the child: the file and its lock are the parent's."""
        self._let_go()
        self._begin()


def _lock(descriptor: int, path: Path) -> bool | None:
    """Take the owner's lock: whether it was free, or None where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems
        _log.debug("no lock on %s: %s", path, error)
        return None
    return True


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", os.uname().nodename, flags=re.ASCII)[:64] or "unknown"


def owner_may_live(path: Path, *, locked: bool) -> bool:
    """Whether somebody may still write to a journal.

    Args:
        path: of the journal.
        locked: the caller holds its lock, which a living owner has where there are locks.
    """
    owner = _OWNER.search(path.stem)
    if owner is None or owner["host"] != _host():
        return not locked
    try:
        with suppress(PermissionError):  # somebody else's process lives as well
            os.kill(int(owner["pid"]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    return True


def read_lines(path: Path, start: int, limit: int) -> Batch:
    """The whole lines from byte ``start`` on: about ``limit`` bytes of them, at least one if there is one.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        stream.seek(start)
        block = stream.read(limit)
        if len(block) == limit and not block.endswith(b"\n"):
            block += stream.readline()
    lines: list[tuple[int, bytes]] = []
    position = start
    for line in block.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return Batch(lines, len(line))
        position += len(line)
        lines.append((position, line))
    return Batch(lines, 0)


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in _journals:
        journal._forked()  # noqa: SLF001 - the module's own class


os.register_at_fork(after_in_child=_after_fork)
