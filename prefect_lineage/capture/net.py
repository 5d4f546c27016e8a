"""The generic net: ``open``, ``os.open``, renaming and removing, patched while runs are captured.

An audit hook sees a little more, but cannot be removed again and taxes every audited event of
the process (``copy.deepcopy`` of 20,000 dicts: +81 %). These patches cost nothing but a look at one context
variable outside a run, and :func:`remove` puts the originals back.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from prefect_lineage.capture.attempt import Access, Attempt, Operation, claim_id, pending
from prefect_lineage.capture.context import current
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.capture.losses import stray
from prefect_lineage.capture.noise import via_of
from prefect_lineage.capture.patching import Patches, alike, stand_in
from prefect_lineage.capture.places import absolute
from prefect_lineage.model.records import Content

__all__ = ["INLINE_LIMIT", "Net"]

INLINE_LIMIT = 64 << 20
"""Bytes that may be hashed while the user's call waits; it must wait only where the old content is about to go."""

FAREWELL_LIMIT = 1 << 20
"""Bytes that are hashed of a file before it is deleted, so that its version can be told."""

FAREWELLS = 200
"""How many files of one attempt are hashed before they are deleted."""

INLINE_FILES = 2_000
"""The same for the files of a directory."""

_INTERNAL_DIRECTORIES = ("/proc/", "/dev/", "/sys/")
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - where users keep files, not where we do


class Net:
    """The patches of one process.

    Args:
        digester: hashes contents that are about to be destroyed.
    """

    spread: ClassVar[int] = 0
    """How many nets are spread in this process; a forked child has its parent's."""

    def __init__(self, digester: Digester) -> None:
        self._digester = digester
        self._patches = Patches()

    def install(self) -> None:
        """Spread the net; a second call does nothing."""
        if self._patches.installed:
            return
        opened = self._opening(builtins.open)
        # one object usually; where somebody has patched one of them before us, each keeps what is its own
        io_opened = opened if io.open is builtins.open else self._opening(io.open)
        self._patches.replace(builtins, "open", opened)
        self._patches.replace(io, "open", io_opened)
        self._patches.replace(io, "FileIO", stand_in(io.FileIO, self._opening(io.FileIO, "io.FileIO")))
        self._patches.replace(os, "open", self._os_opening(os.open))
        for name in ("rename", "replace"):
            self._patches.replace(os, name, self._renaming(getattr(os, name), f"os.{name}"))
        for name in ("remove", "unlink"):
            self._patches.replace(os, name, self._removing(getattr(os, name), f"os.{name}"))
        self._patches.rebind()
        Net.spread += 1

    def remove(self) -> None:
        """Take the net in; a second call does nothing."""
        Net.spread -= self._patches.installed
        self._patches.restore()

    def _opening(self, original: Callable[..., Any], called: str = "open") -> Callable[..., Any]:
        @alike(original)
        def open(*args: Any, **kwargs: Any) -> Any:  # noqa: A001 - it takes open's place
            attempt = current.get()
            if attempt is None:
                if Attempt.running:
                    stray(sys._getframe(1), called)  # noqa: SLF001
                return original(*args, **kwargs)
            return self._open(attempt, original, called, args, kwargs)

        return open

    def _open(
        self,
        attempt: Attempt,
        original: Callable[..., Any],
        called: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        file = args[0] if args else kwargs.get("file")
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        opener = kwargs.get("opener") if kwargs else None
        via = None if opener else via_of(sys._getframe(2), called)  # noqa: SLF001
        path = _path(file) if via is not None and isinstance(mode, str) else None
        if path is None or via is None:
            return original(*args, **kwargs)
        access = self.prepare(_operation(mode), path, via)
        result = original(*args, **kwargs)
        self._opened(attempt, access, result)
        return result

    def _opened(self, attempt: Attempt, access: Access, file: Any) -> None:
        if access.operation == "read":
            try:
                access.known = fingerprint(file.fileno())
            except (AttributeError, OSError, ValueError):
                access.known = fingerprint(access.target)
            if access.known is None:
                return  # a pipe, a device, a directory: no data of ours
            pending.expect(access)
        else:
            access.handle = weakref.ref(file)
        attempt.add(access)

    def _os_opening(self, original: Callable[..., int]) -> Callable[..., int]:
        @alike(original)
        def open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:  # noqa: A001
            attempt = current.get()
            if attempt is None or flags & os.O_DIRECTORY:
                return original(path, flags, mode, dir_fd=dir_fd)
            via = via_of(sys._getframe(1), "os.open")  # noqa: SLF001
            name = _path(path, dir_fd) if via is not None else None
            if name is None or via is None:
                return original(path, flags, mode, dir_fd=dir_fd)
            access = self.prepare(_flags_operation(flags), name, via)
            descriptor = original(path, flags, mode, dir_fd=dir_fd)
            if access.operation == "read":
                access.known = fingerprint(descriptor)
                if access.known is None:
                    return descriptor
                pending.expect(access)
            attempt.add(access)
            return descriptor

        return open

    def _renaming(self, original: Callable[..., None], via: str) -> Callable[..., None]:
        @alike(original)
        def rename(src: Any, dst: Any, **kwargs: Any) -> None:
            attempt = current.get()
            source = target = None
            if attempt is not None:
                source = _path(src, kwargs.get("src_dir_fd"))
                target = _path(dst, kwargs.get("dst_dir_fd"))
            if attempt is None or source is None or target is None:
                original(src, dst, **kwargs)
                return
            caller = via_of(sys._getframe(1), via)  # noqa: SLF001
            if caller is None:
                original(src, dst, **kwargs)
                return
            self._pin(attempt, target)
            if os.path.islink(source):  # noqa: PTH114 - a link is no data: what it points at stays
                self._pin(attempt, source)
                original(src, dst, **kwargs)
                return
            access = self.prepare("rename", target, caller)
            access.origin = source
            if not os.path.isdir(source):  # noqa: PTH112 - a directory can be of any size, and is renamed at once
                access.known, access.before = fingerprint(source), self._before(source)
            original(src, dst, **kwargs)
            attempt.add(access)

        return rename

    def _removing(self, original: Callable[..., None], via: str) -> Callable[..., None]:
        @alike(original)
        def remove(path: Any, **kwargs: Any) -> None:
            attempt = current.get()
            name = _path(path, kwargs.get("dir_fd")) if attempt is not None else None
            caller = via_of(sys._getframe(1), via) if name is not None else None  # noqa: SLF001
            if attempt is None or name is None or caller is None:
                original(path, **kwargs)
                return
            if os.path.islink(name):  # noqa: PTH114
                self._pin(attempt, name)
                original(path, **kwargs)
                return
            access = self.prepare("delete", name, caller)
            access.before = self._farewell(attempt, name)
            original(path, **kwargs)
            attempt.add(access)

        return remove

    def _farewell(self, attempt: Attempt, path: str) -> Content | None:
        """The content of what is about to be deleted. Removing is quick, and stays so: only some small ones are hashed.

        What the attempt has made or changed itself is not asked for.
        """
        known = fingerprint(path)
        if known is None or max(known.mtime_ns, known.ctime_ns) >= attempt.began_ns:
            return self._digester.known(path)
        if known.size > FAREWELL_LIMIT or attempt.farewells >= FAREWELLS:
            return self._digester.known(path)
        attempt.farewells += 1
        return self._before(path)

    @staticmethod
    def _pin(attempt: Attempt, link: str) -> None:
        """A link is about to point elsewhere: what was done through it is where it points now."""
        if not os.path.islink(link):  # noqa: PTH114
            return
        for access in list(attempt.accesses):
            if access.target == link or access.target.startswith(link + os.sep):
                pending.move(access, os.path.realpath(access.target))

    def prepare(self, operation: Operation, path: str, via: str) -> Access:
        """What must be known before the call: whether the place exists, and its content if that will go."""
        access = Access(operation, path, via, claim=claim_id.get())
        if operation == "read":
            return access
        try:
            os.lstat(path)
        except (OSError, ValueError):
            return access
        access.existed = True
        if operation in {"append", "update", "open"}:
            access.known, access.before = fingerprint(path), self._before(path)
        pending.settle(path, self._before)
        return access

    def _before(self, path: str) -> Content | None:
        """The content of what is about to change; None where it cannot be had in time."""
        known = fingerprint(path)
        if known is not None and known.size > INLINE_LIMIT:
            return None
        if known is None and self._digester.unknown(path, INLINE_LIMIT, INLINE_FILES) is None:
            return None
        content = self._digester.of_file(path, "")
        return content if content is not None and content.covers == "all" else None


def _path(target: Any, folder: int | None = None) -> str | None:
    """The absolute path that was named, or None for descriptors and for what can be no data.

    ``folder``: the descriptor of the directory to which the name is relative.
    """
    if isinstance(target, int):
        return None
    try:
        path = os.fspath(target)
        if type(path) is not str:
            path = os.fsdecode(path)
        if folder is not None:
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)  # noqa: PTH115, PTH118
        path = absolute(path)
    except (TypeError, ValueError, OSError):
        return None
    internal = path.startswith(_INTERNAL_DIRECTORIES) and not path.startswith(_SHARED_MEMORY)
    return None if internal else path


def _operation(mode: str) -> Operation:
    if "a" in mode:
        return "append"
    if "w" in mode or "x" in mode:
        return "write"
    return "update" if "+" in mode else "read"


def _flags_operation(flags: int) -> Operation:
    if flags & (os.O_WRONLY | os.O_RDWR) == 0:
        return "read"
    if flags & os.O_APPEND:
        return "append"
    return "write" if flags & (os.O_TRUNC | os.O_EXCL) else "update"
