"""The journal: a file per process to which every record is appended before anything else happens.

One record is one line and one ``write``, so that a killed process loses nothing but, at worst, the line that
it was writing. The owner holds a lock on its file until it ends, however it ends: who can take the lock knows
that the owner is gone. The file gets its name once it is locked. Where a file system has no locks, the name says
whose it is: ``<uuid>.<pid>@<host>.jsonl``. A forked child begins a file of its own.

A record whose digests take long to compute is *postponed*: a line says what is known at once, a later line
*settles* it. If none does, because the process was killed, ``sync`` takes the first for the record.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prefect_lineage.forking import told_in_child
from prefect_lineage.model.records import Record
from prefect_lineage.store.kept import Kept
from prefect_lineage.store.lines import Postponed, encode, encode_postponed

__all__ = [
    "SUFFIX",
    "UNNAMED",
    "Batch",
    "Journal",
    "cut_lines",
    "journal_id",
    "owner_may_live",
    "read_lines",
    "warn_once",
]

SUFFIX = ".jsonl"
UNNAMED = ".new"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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
    """This process's journal in a directory; made at the first record. Threads may share it.

    Args:
        directory: made if it is missing.
        fsync: wait for the disk at every record, so that even a power failure loses none.
    """

    def __init__(self, directory: Path, *, fsync: bool = False) -> None:
        self.directory = directory
        self.fsync = fsync
        self.on_append: Callable[[], None] | None = None
        self.is_quiet = False
        """The user was warned already that the store is away; that the disk is full as well is the same trouble."""
        self._kept = Kept()
        self._begin()
        _journals.add(self)

    @property
    def path(self) -> Path | None:
        """The file, once there is one."""
        return self._path

    @property
    def id(self) -> str | None:
        """The name under which a store keeps its position."""
        return journal_id(self._path) if self._path else None

    @property
    def kept(self) -> int:
        """How many records the disk did not take, and the store neither so far."""
        return len(self._kept)

    @property
    def unsettled(self) -> int:
        """How many records are postponed."""
        return len(self._postponed)

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

        Where nothing can be written (a full disk, a directory that is read-only) it is kept in memory, for the
        drain, with a warning once per process: a flow must not fail for it.
        """
        self._put(encode(record))

    def postpone(self, postponed: Postponed) -> None:
        """Keep what is known of a record that :meth:`settle` will tell."""
        with self._lock:
            self._postponed.add(postponed.key)
        self._put(encode_postponed(postponed))

    def settle(self, key: str, record: Record) -> None:
        """Keep a record that was postponed."""
        self._put(encode(record, settles=key))
        with self._lock:
            self._postponed.discard(key)

    def _put(self, line: bytes) -> None:
        with self._lock:
            try:
                self._write(line)
            except OSError as error:
                self._kept.add(line)
                self._has_kept = True
                self._warn(error)
            else:
                if self._has_kept:
                    self._save()
        if self.on_append is not None:
            self.on_append()

    def _warn(self, error: OSError) -> None:
        if self.is_quiet:
            _log.debug("nothing can be written to %s: %s", self.directory, error)
            return
        warn_once(
            "journal",
            f"Nothing can be written to {self.directory}: {error.strerror or error}. Lineage waits in memory, and "
            "is lost if neither the store nor the disk takes it before this process ends.",
        )

    def _save(self) -> bool:
        """Try to bring to disk what it did not take before; whether nothing is left to bring."""
        try:
            self._kept.save(self.directory, SUFFIX)
        except OSError as error:
            _log.debug("still no room in %s: %s", self.directory, error)
            return False
        return True

    def in_memory(self) -> tuple[str, int, bytes]:
        """What the disk did not take, as a journal: its name, the position of the first line, the lines."""
        with self._lock:
            return self._kept.waiting()

    def taken(self, journal: str, position: int) -> None:
        """The store has what :meth:`in_memory` gave, up to a position."""
        with self._lock:
            self._kept.taken(journal, position)

    def rotate(self, position: int, *, always: bool = False) -> bool:
        """Delete the file if the store has all of it and it is large (or ``always``); the next record begins anew."""
        with self._lock:
            done = self._fd is not None and position == self._size and (always or self._size >= ROTATE_BYTES)
            done = done and not self._postponed  # if we are killed, their first lines are all that there is
            if done and self._path is not None:
                self._path.unlink(missing_ok=True)
                self._release()
            return done

    def close(self) -> int:
        """Let go of the file; what is in it stays for :func:`~prefect_lineage.store.sync.sync`.

        Returns:
            How many records are lost, because the disk never took them.
        """
        with self._lock:
            lost = self._kept.lost + (0 if self._save() else len(self._kept))
            self._kept = Kept()
            self._release()
            return lost

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._inode: tuple[int, int] | None = None
        """Device and inode behind the descriptor: programs close descriptors that they never opened."""
        self._path: Path | None = None
        self._size = 0
        self._torn = False
        self._kept = Kept()
        self._has_kept = False
        """Something was put there, and may be there still."""
        self._postponed: set[str] = set()

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

    def _renewed(self, links: int | None) -> int:
        """Where to write to, if not to the file as it was: that was deleted, or its descriptor is not ours any more."""
        if self._fd is None or links == 0 or not self._regained():
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
        links = self._links()
        descriptor = self._fd if links and self._fd is not None else self._renewed(links)
        if self._torn:
            # Half a line is there, and could not be taken back: end it, so that only it is lost.
            line = b"\n" + line
        written = os.write(descriptor, line)
        if line[written:]:
            self._take_back(descriptor, written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written
        self._torn = False
        if self.fsync:
            _bring_to_disk(descriptor, self.directory)

    def _take_back(self, descriptor: int, written: int) -> None:
        """The disk was full in the middle of a line: nobody else writes to this file, so that part can go."""
        try:
            os.ftruncate(descriptor, self._size)
        except OSError as error:
            _log.debug("half a line stays in %s: %s", self._path, error)
            self._size += written
            self._torn = self._torn or written > 0

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        name = str(uuid.uuid4())
        unnamed = self.directory / f"{name}{UNNAMED}"
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
        if self.fsync:
            folder = os.open(self.directory, os.O_RDONLY)
            try:
                _bring_to_disk(folder, self.directory)
            finally:
                os.close(folder)

    def _forked(self) -> None:
        """In the child: the file and its lock are the parent's."""
        self._let_go()
        self._begin()


def _bring_to_disk(descriptor: int, directory: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:  # written it is, so it must not be written again
        warn_once("fsync", f"{directory} does not confirm what is written to it: {error.strerror or error}.")


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


def journal_id(path: Path) -> str:
    """The name under which a store keeps its position: what is unique in the file's name, so that a copy that
    was renamed on its way is known to be one."""
    found = _ID.search(path.name)
    return found.group() if found else path.stem


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
    return cut_lines(block, start)


def cut_lines(block: bytes, start: int) -> Batch:
    """The whole lines of a block that begins at byte ``start`` of a journal."""
    lines: list[tuple[int, bytes]] = []
    position = start
    *whole, rest = block.split(b"\n")  # not splitlines: what is broken may hold a lone carriage return
    for line in whole:
        position += len(line) + 1
        lines.append((position, line + b"\n"))
    return Batch(lines, len(rest))


_journals = told_in_child(Journal._forked)  # noqa: SLF001 - the module's own class
