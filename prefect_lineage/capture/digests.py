"""Content digests: of files, of directories, of bytes.

A digest always says what it covers. None is ever sampled: a sample of 64 blocks misses a changed byte
almost surely, and a version that does not notice a change is worse than none.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Protocol

from prefect_lineage.capture.closing import close, open_to_read
from prefect_lineage.capture.context import paused
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.seen import Seen, walk
from prefect_lineage.forking import told_in_child
from prefect_lineage.model.records import Content

__all__ = ["Digester", "by_its_times", "unhashed"]

_CHUNK = 1 << 20
"""Bytes read at a time. Never a memory map: a file that shrinks under one kills the process by SIGBUS."""

_YOUNG_NS = 20_000_000
"""A file that changed less than 20 ms ago may change again without its times showing it."""

_REMEMBERED = 20_000
"""Files known by their fingerprints: 200 bytes each."""

_PACKED = struct.Struct("=QQqqq")


class _Hasher(Protocol):
    def update(self, data: Any, /) -> object: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


def _maker(algorithm: str) -> Callable[[], _Hasher]:
    if algorithm == "sha256":
        return hashlib.sha256
    from blake3 import blake3  # not before something is hashed

    return blake3


def unhashed(run: str, what: str, size: int | None = None, *, raced: bool = False) -> Content:
    """A content that has no digest of its own: one version for the run that met it."""
    token = hashlib.blake2b(what.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return Content(digest=f"run:{run}:{token}", covers="none", size=size, raced=raced)


def by_its_times(known: Fingerprint) -> Content:
    """A file too large to be hashed: the same for its producer and its consumers until somebody writes to it."""
    seen = f"{known.device}:{known.inode}:{known.size}:{known.mtime_ns}"
    token = hashlib.blake2b(seen.encode(), digest_size=16).hexdigest()
    return Content(digest=f"stat:{token}", covers="none", size=known.size)


class Digester:
    """Digests by one algorithm, with a memory of the files that are known by their fingerprint.

    Args:
        algorithm: ``blake3`` or ``sha256``.
        limit: bytes; larger files are not hashed.
    """

    def __init__(self, algorithm: str = "blake3", limit: int = 1 << 30) -> None:
        self.algorithm = algorithm
        self.limit = limit
        self._maker: Callable[[], _Hasher] | None = None
        self._known: dict[bytes, bytes] = {}  # packed, for there are many; the oldest first
        self._lock = threading.RLock()  # a signal handler may come back to us while we hold it
        _digesters.add(self)

    def renew_lock(self) -> None:
        """In a forked child: whoever held the lock does not exist here."""
        self._lock = threading.RLock()

    def _new(self) -> _Hasher:
        if self._maker is None:
            with paused():
                self._maker = _maker(self.algorithm)
        return self._maker()

    def of_bytes(self, *chunks: Any) -> str:
        """``blake3:<hex>`` of the concatenation of buffers."""
        hasher = self._new()
        for chunk in chunks:
            hasher.update(chunk)
        return f"{self.algorithm}:{hasher.hexdigest()}"

    def of_file(self, path: str, run: str, before: Fingerprint | None = None) -> Content | None:
        """The content of a file or directory as it is now; None when there is neither.

        Args:
            run: the run to whom a content that is not hashed is ascribed.
            before: the fingerprint of the file, where the caller has just taken it.
        """
        with paused():
            before = before or fingerprint(path)
            if before is None:
                return self._of_directory(path, run)
            return self.recalled(before) or self.of_new_file(path, run, before)

    def recalled(self, known: Fingerprint) -> Content | None:
        """The content of a file that has this fingerprint, if none can have changed unseen."""
        digest = self.recall(known)
        return None if digest is None else Content(digest=digest, size=known.size)

    def of_new_file(self, path: str, run: str, before: Fingerprint) -> Content:
        """As :meth:`of_file`, for a file that is not known by its fingerprint."""
        if before.size > self.limit:
            return by_its_times(before)
        raw = self._hash(path, before.size)
        if raw is None or fingerprint(path) != before:
            return unhashed(run, path, before.size, raced=True)
        self._remember(before, raw)
        return Content(digest=f"{self.algorithm}:{raw.hex()}", size=before.size)

    def known(self, path: str) -> Content | None:
        """The content of a file that was hashed before and has not changed since; reads nothing of it."""
        found = fingerprint(path)
        digest = self.recall(found, settled=False) if found is not None else None
        return None if found is None or digest is None else Content(digest=digest, size=found.size)

    def of_seen(self, seen: Seen, run: str) -> Content:
        """The content that a file or directory had when it was seen, or that nobody knows it any more."""
        with paused():
            if seen.known is None:
                found = self._of_directory(seen.path, run, seen)
                return seen.settled or found or unhashed(run, seen.path, raced=True)
            digest, size = self.recall(seen.known), seen.known.size
            if digest is None:
                raw = self._hash(seen.path if seen.descriptor is None else seen.descriptor, size)
                if seen.settled is not None:
                    return seen.settled
                if raw is None or not seen.is_same_file():
                    return unhashed(run, seen.path, size, raced=True)
                self._remember(seen.known, raw)
                digest = f"{self.algorithm}:{raw.hex()}"
            return Content(digest=digest, size=size)

    def unknown(self, path: str, most_bytes: int, most_files: int) -> tuple[int, int] | None:
        """How many bytes in how many files of a directory would have to be read for its digest; None: more."""
        size = files = 0
        for _, known in walk(path):
            if known is not None and self.recall(known) is None:
                size, files = size + known.size, files + 1
            if size > most_bytes or files > most_files:
                return None
        return size, files

    def _of_directory(self, path: str, run: str, seen: Seen | None = None) -> Content | None:
        if not os.path.isdir(path):  # noqa: PTH112
            return None
        members, paths = [], set()
        for full, known in walk(path):
            if seen is not None and known is not None:
                paths.add(full)
                if not seen.is_same_member(full, known):
                    return unhashed(run, path, raced=True)
            content = self.of_file(full, run, known)
            if content is None:
                continue
            if content.covers == "none":
                return unhashed(run, path, raced=content.raced)
            members.append((os.path.relpath(full, path), content.digest, content.size or 0))
        if seen is not None and not seen.has_same_members(paths):
            return unhashed(run, path, raced=True)
        return self.of_members(members)

    def of_members(self, members: Iterable[tuple[str, str, int]]) -> Content:
        """The content of a directory: a digest over (relative name, digest, size), sorted by name."""
        ordered = sorted(members)
        text = "".join(f"{name}\0{digest}\n" for name, digest, _ in ordered)
        return Content(
            digest=self.of_bytes(text.encode("utf-8", "surrogateescape")),
            size=sum(size for *_, size in ordered),
            format="directory",
        )

    def _hash(self, place: str | int, size: int) -> bytes | None:
        """The digest of a file by its path or descriptor; None if it cannot be read.

        Args:
            size: bytes that it is known to have; if it has others, all of them are hashed as well.
        """
        hasher = self._new()
        try:
            if type(place) is int:
                _read(place, hasher, size)
            else:
                descriptor, head = open_to_read(str(place)), None
                try:
                    head = _read(descriptor, hasher, size)
                finally:
                    close(descriptor, head)
        except OSError:
            return None
        return hasher.digest()

    def recall(self, known: Fingerprint, *, settled: bool = True) -> str | None:
        """The digest of a file that has this fingerprint; ``settled``: only if none can have changed unseen."""
        key = _PACKED.pack(*known)
        if key not in self._known:
            return None
        with self._lock:
            packed = self._known.pop(key, None)
            if packed is None:
                return None
            self._known[key] = packed  # now the youngest
        if settled and not packed[0]:
            return None
        return f"{self.algorithm}:{packed[1:].hex()}"

    def _remember(self, known: Fingerprint, digest: bytes) -> None:
        young_since = time.time_ns() - _YOUNG_NS
        is_settled = known.mtime_ns <= young_since and known.ctime_ns <= young_since
        packed = bytes((is_settled,)) + digest
        with self._lock:
            self._known[_PACKED.pack(*known)] = packed
            if len(self._known) > _REMEMBERED:
                # many at once: a dictionary looks past all that was taken from its front
                for oldest in list(islice(self._known, _REMEMBERED // 4)):
                    del self._known[oldest]


def _read(descriptor: int, hasher: _Hasher, size: int) -> bytes:
    """Have all of a file hashed, which has about so many bytes; gives the first of them."""
    if size < _CHUNK:  # most files are small
        head = chunk = os.pread(descriptor, size + 1, 0)
        hasher.update(chunk)
        offset = len(chunk)
        if offset == size:  # one more was asked for, and there was none
            return head[:16]
        while chunk := os.pread(descriptor, size + 1, offset):
            hasher.update(chunk)
            offset += len(chunk)
        return head[:16]
    offset, head = 0, b""
    buffer = memoryview(bytearray(_CHUNK))  # one for all: a new one for each read costs as much as hashing it
    while size := os.preadv(descriptor, [buffer], offset):
        hasher.update(buffer[:size])
        head = head or bytes(buffer[: min(size, 16)])
        offset += size
    return head


_digesters = told_in_child(Digester.renew_lock)
