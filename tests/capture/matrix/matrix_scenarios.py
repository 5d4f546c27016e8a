"""The scenarios of the matrix: what a task is, how it is called, how it ends, and what runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

KINDS = ("sync", "async", "generator", "async_generator")
WAYS = ("call", "submit", "map", "delay")
OUTCOMES = ("completed", "failed", "retried", "cached", "crashed", "cancelled")
RUNNERS = ("thread", "process", "dask", "ray")

LEFT_OUT = {
    "a call runs where it stands": "the runner has no part in it, so it is played once, beside the thread pool's",
    "a delayed task runs in a task worker": "the runner of the flow that asked has no part in it either",
    "Dask loses a process by a crash": (
        "what was done there is done again, and what waits there is given up or not: it is chance what is played"
    ),
    "an async generator is only ever called": "who runs it otherwise awaits what its function gives, and fails",
    "a called generator never comes from the cache": "its body runs again, though Prefect calls that Cached",
    "a generator that is not called cannot be cancelled": "Prefect makes a list of it, and drops what it returns",
}
"""Why combinations of the axes are no scenarios; by the names that :func:`left_out` gives."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One combination, played by tasks of its own with files of their own.

    Attributes:
        runner: whose flow run holds it; ``here`` for a call and ``worker`` for a delayed task.
    """

    kind: str
    way: str
    outcome: str
    runner: str

    def __str__(self) -> str:
        return f"{self.kind}_{self.way}_{self.outcome}"

    @property
    def items(self) -> tuple[str, ...]:
        """Its task is run once for each."""
        return ("a", "b") if self.way == "map" else ("a",)


def left_out(kind: str, way: str, outcome: str, runner: str) -> str | None:
    """Which reason of :data:`LEFT_OUT` speaks against a combination, if any."""
    if way == "call" and runner != RUNNERS[0]:
        return "a call runs where it stands"
    if way == "delay" and runner != RUNNERS[0]:
        return "a delayed task runs in a task worker"
    if outcome == "crashed" and runner == "dask" and way in {"submit", "map"}:
        return "Dask loses a process by a crash"
    if kind == "async_generator" and way != "call":
        return "an async generator is only ever called"
    if kind.endswith("generator") and way == "call" and outcome == "cached":
        return "a called generator never comes from the cache"
    if kind == "generator" and way != "call" and outcome == "cancelled":
        return "a generator that is not called cannot be cancelled"
    return None


def scenarios() -> Iterator[Scenario]:
    """Every combination that there is."""
    alone = {"call": "here", "delay": "worker"}
    for kind, way, outcome, runner in product(KINDS, WAYS, OUTCOMES, RUNNERS):
        if left_out(kind, way, outcome, runner) is None:
            yield Scenario(kind, way, outcome, alone.get(way, runner))
