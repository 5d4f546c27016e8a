"""What an attempt left behind, as it was when the attempt ended: to be hashed a little later, or found changed."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from prefect_lineage.capture.attempt import Access, pending
from prefect_lineage.capture.closing import close, open_to_read
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.model.records import Content

__all__ = ["Seen", "see", "walk"]

MEMBERS = 2_000
"""Of a directory with more files than these only the time tells later whether one has changed."""

DESCRIPTORS = 32
"""How many files are held open at most, so that replacing or removing them does not take their content away."""

_COARSE = 5
"""Linux's CLOCK_REALTIME_COARSE, which is behind the real time as the times of files are."""

_open_now: set[int] = set()


@dataclass(slots=True, eq=False)
class Seen:
    """A file or a directory at one moment.

    Attributes:
        path: a real path.
        known: the fingerprint of a file; None for a directory.
        at_ns: the moment, by the clock that the times of files are taken from.
        members: the fingerprints of a directory's files; None where there are too many.
        descriptor: of the open file, if it is held.
        access: whoever is about to change the file puts its content there before.
    """

    path: str
    known: Fingerprint | None
    at_ns: int
    members: dict[str, Fingerprint] | None = None
    descriptor: int | None = None
    access: Access = field(default_factory=lambda: Access("read", "", ""))

    @property
    def settled(self) -> Content | None:
        """The content, if somebody had to know it before changing it."""
        return self.access.before

    def is_same_file(self) -> bool:
        """Whether the file has the content still that it had."""
        if self.descriptor is None:
            return fingerprint(self.path) == self.known
        found = fingerprint(self.descriptor)
        if found is None or self.known is None or found == self.known:
            return found == self.known
        # A name that was taken away from it, or given to it, has changed its ctime and nothing else.
        there = fingerprint(self.path)
        is_moved = there is None or (there.device, there.inode) != (found.device, found.inode)
        return is_moved and found[:-1] == self.known[:-1]

    def is_same_member(self, path: str, found: Fingerprint | None) -> bool:
        """The same for a file of a directory."""
        if found is None:
            return False
        if self.members is not None:
            return self.members.get(path) == found
        return max(found.mtime_ns, found.ctime_ns) <= self.at_ns

    def has_same_members(self, paths: set[str]) -> bool:
        """Whether a directory has the very files that it had."""
        if self.members is not None:
            return self.members.keys() == paths
        return all(_changed_ns(folder) <= self.at_ns for folder, _, _ in os.walk(self.path))

    def release(self) -> None:
        """Let go of the file; a second call does nothing."""
        pending.forget((self.access,))
        if self.descriptor is not None:
            _open_now.discard(self.descriptor)
            close(self.descriptor)
            self.descriptor = None


def see(path: str, known: Fingerprint | None, via: str) -> Seen:
    """A file or directory as it is now. Must be released."""
    seen = Seen(path, known, _clock_ns(), access=Access("read", path, via, known=known))
    if known is None:
        members = dict(zip(range(MEMBERS + 1), walk(path), strict=False))
        if len(members) <= MEMBERS:
            seen.members = {full: found for full, found in members.values() if found is not None}
    else:
        seen.descriptor = _held(path, known)
    pending.expect(seen.access)
    return seen


def walk(path: str) -> Iterator[tuple[str, Fingerprint | None]]:
    """The files of a directory and below it, sorted folder by folder, with their fingerprints."""
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            full = os.path.join(folder, name)  # noqa: PTH118 - no Path object for each of 100,000 files
            yield full, fingerprint(full)


def _held(path: str, known: Fingerprint) -> int | None:
    if len(_open_now) >= DESCRIPTORS:
        return None
    try:
        descriptor = open_to_read(path)
    except OSError:
        return None
    if fingerprint(descriptor) != known:
        close(descriptor)
        return None
    _open_now.add(descriptor)
    return descriptor


def _clock_ns() -> int:
    return time.clock_gettime_ns(_COARSE) if sys.platform == "linux" else time.time_ns()


def _changed_ns(folder: str) -> int:
    try:
        found = os.stat(folder, follow_symlinks=False)  # noqa: PTH116
    except OSError:
        return time.time_ns()
    return max(found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISDIR(found.st_mode) else time.time_ns()


def _after_fork() -> None:
    # They are the parent's to hash; kept open here they would keep removed files on the disk.
    while _open_now:
        with suppress(OSError):
            os.close(_open_now.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
