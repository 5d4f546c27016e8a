"""The thread that computes digests which would keep a user's thread, or an event loop, waiting."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from prefect_lineage.capture.context import paused
from prefect_lineage.capture.guard import guarded
from prefect_lineage.forking import told_in_child

__all__ = ["Hashing"]

Job = Callable[[], None]


class Hashing:
    """Jobs one after the other, in the order in which they came. Threads may share it."""

    def __init__(self) -> None:
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._working = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether jobs wait, or one is being done."""
        return bool(self._jobs)

    def put(self, job: Job) -> None:
        """Have a job done soon, in another thread."""
        with self._changed, paused():
            self._jobs.append(job)
            self._changed.notify_all()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="prefect-lineage-hash", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # the interpreter is ending: whoever waits for the jobs does them
                    self._thread = None

    def wait(self, timeout: float) -> bool:
        """Wait until all jobs are done, for so many seconds at most; whether they are."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._jobs and self._thread is not None and self._thread.is_alive():
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        if self._thread is None or not self._thread.is_alive():
            while self._jobs and time.monotonic() < deadline:
                self._do_next()
        return not self._jobs

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._jobs, _IDLE_S):
                    self._thread = None
                    return
            self._do_next()

    def _do_next(self) -> None:
        with self._working:
            if self._jobs:
                _done(self._jobs[0])
                with self._changed:
                    self._jobs.popleft()
                    self._changed.notify_all()

    def renew(self) -> None:
        """In a forked child: the jobs are the parent's."""
        self._begin()


_IDLE_S = 10.0
"""How long the thread waits for another job."""


@guarded
def _done(job: Job) -> None:
    with paused():
        job()


_all = told_in_child(Hashing.renew)
