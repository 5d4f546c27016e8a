"""Threads that a user starts inside a run do its work: they carry its attempt with them.

Only our own variable travels, never Prefect's context. Workers of pools and the service threads of
libraries are left alone: a stamped pool worker would give later work to its first task.

What a run does in *processes* that it starts is not seen from here; that it started some is counted, and
shown with the run.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from multiprocessing.process import BaseProcess
from typing import Any

from prefect_lineage.capture.attempt import Attempt, claim_id
from prefect_lineage.capture.context import current
from prefect_lineage.capture.noise import via_of
from prefect_lineage.capture.patching import Patches

__all__ = ["Carrying"]

_SERVICES = (
    "concurrent",
    "prefect",
    "prefect_lineage",
    "anyio",
    "asyncio",
    "distributed",
    "ray",
    "uvicorn",
    "logging",
    "multiprocessing",
)

_POOLED = ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")
"""What hands a function to the workers of a ``ThreadPool``; its ``apply`` calls ``apply_async``."""

_OPAQUE: tuple[tuple[Any, str, str], ...] = (
    (subprocess.Popen, "__init__", "Popen"),
    (BaseProcess, "start", "BaseProcess"),
    (ProcessPoolExecutor, "submit", "ProcessPoolExecutor"),
    (os, "fork", "os.fork"),
    (os, "system", "os.system"),
    (os, "posix_spawn", "os.posix_spawn"),
)
_STARTERS = ("subprocess", "multiprocessing")
"""Modules that call ``os.fork`` and the like for those of :data:`_OPAQUE` that are counted already."""

_ABSENT = object()


class Carrying:
    """The patches on what starts threads and processes."""

    def __init__(self) -> None:
        self._patches = Patches()

    def install(self) -> None:
        """Let threads inherit; a second call does nothing."""
        if not self._patches.installed:
            self._patches.replace(threading.Thread, "start", _starting(threading.Thread.start))
            self._patches.replace(ThreadPoolExecutor, "submit", _submitting(ThreadPoolExecutor.submit))
            for name in _POOLED:
                self._patches.replace(ThreadPool, name, _pooling(getattr(ThreadPool, name)))
            for owner, name, what in _OPAQUE:
                if hasattr(owner, name):  # os has not all of them on every system
                    self._patches.replace(owner, name, _counting(getattr(owner, name), owner, what))

    def remove(self) -> None:
        """Put the originals back; a second call does nothing."""
        self._patches.restore()


def _starting(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(original)
    def start(thread: threading.Thread) -> None:
        attempt = current.get()
        if attempt is None or _is_service(thread):
            return original(thread)
        own = vars(thread).get("run", _ABSENT)
        thread.run = functools.partial(_run, thread, own, attempt, claim_id.get())  # type: ignore[method-assign]
        try:
            return original(thread)
        except BaseException:  # started before, or the system has no thread left
            _put_back(thread, own)
            raise

    return start


def _run(thread: threading.Thread, own: object, attempt: Attempt, claim: int) -> None:
    _put_back(thread, own)
    current.set(attempt)
    claim_id.set(claim)
    thread.run()


def _put_back(thread: threading.Thread, own: object) -> None:
    """Leave the thread as its user made it, so that no cycle keeps it alive."""
    if own is _ABSENT:
        vars(thread).pop("run", None)
    else:
        vars(thread)["run"] = own


def _is_service(thread: threading.Thread) -> bool:
    """Whether a library runs the thread for itself, told by its class and its target."""
    module = type(thread).__module__
    target = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    # multiprocessing.dummy.Process is a thread by another name, for users as for pools
    modules = (target,) if module == "multiprocessing.dummy" else (module, target)
    return any(name.partition(".")[0] in _SERVICES for name in modules)


def _submitting(original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(original)
    def submit(pool: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        attempt = current.get()
        if attempt is None:
            return original(pool, fn, *args, **kwargs)
        return original(pool, _carried, attempt, claim_id.get(), fn, *args, **kwargs)

    return submit


def _pooling(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def handed(pool: ThreadPool, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is not None:
            func = functools.partial(_carried, attempt, claim_id.get(), func)
        return original(pool, func, *args, **kwargs)

    return handed


def _carried(attempt: Attempt, claim: int, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token, claimed = current.set(attempt), claim_id.set(claim)
    try:
        return fn(*args, **kwargs)
    finally:
        claim_id.reset(claimed)
        current.reset(token)


def _counting(original: Callable[..., Any], owner: Any, what: str) -> Callable[..., Any]:
    """Count the processes that a run starts: what they read and wrote is not in its lineage."""

    @functools.wraps(original)
    def started(*args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is not None:
            caller = sys._getframe(1)  # noqa: SLF001
            again = owner is os and str(caller.f_globals.get("__name__")).startswith(_STARTERS)
            if not again and via_of(caller, what) is not None:
                attempt.missed(f"not seen inside: {what}")
        return original(*args, **kwargs)

    if owner is os:
        started.__module__ = "os"  # not "posix": it is found, and pickled, where it was put
    return started
