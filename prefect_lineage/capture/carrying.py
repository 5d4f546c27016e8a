"""Threads that a user starts inside a run do its work: they carry its attempt with them.

Only our own variable travels, never Prefect's context. Workers of pools and the service threads of
libraries are left alone: a stamped pool worker would give later work to its first task.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current
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


class Carrying:
    """The patches on ``Thread.start`` and ``ThreadPoolExecutor.submit``."""

    def __init__(self) -> None:
        self._patches = Patches()

    def install(self) -> None:
        """Let threads inherit; a second call does nothing."""
        if not self._patches.installed:
            self._patches.replace(threading.Thread, "start", _starting(threading.Thread.start))
            self._patches.replace(ThreadPoolExecutor, "submit", _submitting(ThreadPoolExecutor.submit))

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
