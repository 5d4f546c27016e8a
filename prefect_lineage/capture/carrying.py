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

from prefect_lineage.capture.attempt import Attempt, claim_id
from prefect_lineage.capture.children import carried
from prefect_lineage.capture.context import current
from prefect_lineage.capture.handing import Processes
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

_ABSENT = object()


class Carrying:
    """The patches on what starts threads and processes."""

    def __init__(self) -> None:
        self._patches = Patches()
        self._processes = Processes()

    def install(self) -> None:
        """Let threads and processes inherit; a second call does nothing."""
        if not self._patches.installed:
            self._patches.replace(threading.Thread, "start", _starting(threading.Thread.start))
            self._patches.replace(ThreadPoolExecutor, "submit", _submitting(ThreadPoolExecutor.submit))
            self._processes.install()

    def remove(self) -> None:
        """Put the originals back; a second call does nothing."""
        self._processes.remove()
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
        return original(pool, carried, attempt, "", claim_id.get(), fn, *args, **kwargs)

    return submit
