"""Threads that a user starts inside a run do its work: they carry its attempt with them.

Only our own variable travels, never Prefect's context. Workers of pools and the service threads of
libraries are left alone: a stamped pool worker would give later work to its first task.

What a run does in *processes* that it starts is not seen from here; that it started some is counted, and
shown with the run.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from typing import Any

from prefect_lineage.capture.attempt import Attempt
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
)


_OPAQUE: tuple[tuple[type, str], ...] = (
    (subprocess.Popen, "__init__"),
    (BaseProcess, "start"),
    (ProcessPoolExecutor, "submit"),
)


class Carrying:
    """The patches on what starts threads and processes."""

    def __init__(self) -> None:
        self._patches = Patches()

    def install(self) -> None:
        """Let threads inherit; a second call does nothing."""
        if not self._patches.installed:
            self._patches.replace(threading.Thread, "start", _starting(threading.Thread.start))
            self._patches.replace(ThreadPoolExecutor, "submit", _submitting(ThreadPoolExecutor.submit))
            for owner, name in _OPAQUE:
                self._patches.replace(owner, name, _counting(getattr(owner, name), owner.__name__))

    def remove(self) -> None:
        """Put the originals back; a second call does nothing."""
        self._patches.restore()


def _starting(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(original)
    def start(thread: threading.Thread) -> None:
        attempt = current.get()
        if attempt is not None and not _is_service(thread):
            thread.run = functools.partial(_run, thread, attempt, thread.run)  # type: ignore[method-assign]
        original(thread)

    return start


def _run(thread: threading.Thread, attempt: Attempt, run: Callable[[], None]) -> None:
    del thread.run  # the thread is as its user made it, and no cycle keeps it alive
    current.set(attempt)
    run()


def _is_service(thread: threading.Thread) -> bool:
    """Whether a library runs the thread for itself, told by its class and its target."""
    target = getattr(thread, "_target", None)
    modules = (type(thread).__module__, getattr(target, "__module__", None) or "")
    return any(module.partition(".")[0] in _SERVICES for module in modules)


def _submitting(original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(original)
    def submit(pool: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        attempt = current.get()
        if attempt is None:
            return original(pool, fn, *args, **kwargs)
        return original(pool, _carried, attempt, fn, *args, **kwargs)

    return submit


def _carried(attempt: Attempt, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = current.set(attempt)
    try:
        return fn(*args, **kwargs)
    finally:
        current.reset(token)


def _counting(original: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Count the processes that a run starts: what they read and wrote is not in its lineage."""

    @functools.wraps(original)
    def started(*args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is not None and via_of(sys._getframe(1), what) is not None:  # noqa: SLF001
            attempt.missed(f"not seen inside: {what}")
        return original(*args, **kwargs)

    return started
