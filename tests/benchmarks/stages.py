"""A clock around each stage of capture: what it takes by itself, without the stages that it calls.

Thread CPU time, so waiting for the interpreter's lock or the disk is in no stage. The clock itself costs about
half a microsecond a call, which is in the figures of whoever calls the stage.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any

__all__ = ["Stages"]

_DRAIN = "prefect-lineage-drain"

# Module, and the functions of it that are stages.
_STAGES = {
    "capture.border": ("task_started", "task_ended", "task_place", "result_key"),
    "capture.task_runs": ("TaskRuns.began", "TaskRuns._enter", "TaskRuns._leave", "TaskRuns.ended"),
    "capture.crossing": ("Crossing.arrival",),
    "capture.caching": ("CacheKeys.taken",),
    "capture.lasting": ("lasting_of",),
    "capture.parameters": ("bounded_each",),
    "capture.recorder": (
        *("Recorder.begun", "Recorder.observed", "Recorder.begin_attempt", "Recorder.end_attempt"),
        "Recorder.flush",
    ),
    "capture.scrubbing": ("scrubbed",),
    "capture.places": ("Places.real",),
    "capture.observing": ("Observing.edge", "Observing.location"),
    "capture.redact": ("Redactor.mapping",),
    "capture.passing": ("Passing.returned", "Passing.passed", "Passing.kept"),
    "capture.net": ("Net._open",),
    "capture.noise": ("via_of", "Noise.__call__"),
    "capture.fold": ("fold", "deleted"),
    "capture.digests": ("Digester.of_file", "Digester.of_new_file"),
    "store.journal": ("Journal.append", "read_lines"),
    "store.lines": ("encode", "decode"),
    "store.drain": ("Drain._step",),
    "store.store": ("Store.apply",),
}


class Stages:
    """The clocks; inside the block they run."""

    def __init__(self) -> None:
        self.calls: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.took: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._inner = threading.local()
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Stages:
        for module, names in _STAGES.items():
            found = import_module(f"prefect_lineage.{module}")
            for name in names:
                owner: Any = found
                *path, last = name.split(".")
                for part in path:
                    owner = getattr(owner, part)
                original = vars(owner)[last]
                self._put(owner, last, original, self._clocked(f"{module}.{name}", original))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._undo:
            self._undo.pop()()

    def _put(self, owner: Any, name: str, original: Any, clocked: Any) -> None:
        """Wherever a module of ours has the function under a name."""
        places = [(owner, name)]
        if not isinstance(owner, type):
            places = [
                (module, bound)
                for label, module in list(sys.modules.items())
                if label.startswith("prefect_lineage")
                for bound, value in list(vars(module).items())
                if value is original
            ]
        for place, bound in places:
            setattr(place, bound, clocked)
            self._undo.append(functools.partial(setattr, place, bound, original))

    def _clocked(self, stage: str, original: Callable[..., Any]) -> Callable[..., Any]:
        inner, clock = self._inner, time.thread_time_ns

        @functools.wraps(original)
        def clocked(*args: Any, **kwargs: Any) -> Any:
            start, around = clock(), getattr(inner, "took", 0)
            inner.took = 0
            try:
                return original(*args, **kwargs)
            finally:
                whole = clock() - start
                key = ("drain" if threading.current_thread().name == _DRAIN else "flow", stage)
                self.calls[key] += 1
                self.took[key] += whole - inner.took
                inner.took = around + whole

        return clocked

    def table(self, tasks: int) -> list[str]:
        """One line for each stage, the dearest first, those of the flow's threads before those of the drain's."""
        lines = []
        for side in ("flow", "drain"):
            found = sorted(((took, key) for key, took in self.took.items() if key[0] == side), reverse=True)
            total = sum(took for took, _ in found)
            lines.append(f"{total / tasks / 1000:7.1f} us  in the {side}'s thread")
            for took, key in found:
                calls = self.calls[key] / tasks
                lines.append(f"{took / tasks / 1000:9.1f} us  {calls:6.2f} calls  {key[1]}")
        return lines
