"""The tasks of the scenarios: each reads ``<scenario>.<item>.in`` and writes ``….out``.

Who takes its value writes ``….taken``. They are made anew in each process that runs them, so they are found
by their names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from types import FunctionType
from typing import Any

from matrix_scenarios import Scenario
from prefect import Task, task
from prefect.cache_policies import INPUTS, NO_CACHE
from prefect.runtime import task_run
from prefect.states import Cancelled

HALF = "half"


def _begun(name: str, item: str, outcome: str) -> bool:
    """Read, and write half; whether that was all, as in every attempt that does not complete."""
    text = Path(f"{name}.{item}.in").read_text()
    ends_well = outcome in ("completed", "cached") or (outcome == "retried" and task_run.run_count > 1)
    Path(f"{name}.{item}.out").write_text(f"{text} done" if ends_well else HALF)
    return not ends_well


def _end(outcome: str) -> None:
    """End badly, if not by a state that is returned."""
    if outcome in ("failed", "retried"):
        raise ValueError(outcome)
    if outcome == "crashed":
        raise SystemExit(outcome)


def sync_work(name: str, item: str, outcome: str) -> Any:
    if _begun(name, item, outcome):
        _end(outcome)
        return Cancelled(message="as asked")
    return [name, item]


async def async_work(name: str, item: str, outcome: str) -> Any:
    await asyncio.sleep(0)
    if await asyncio.to_thread(_begun, name, item, outcome):
        _end(outcome)
        return Cancelled(message="as asked")
    return [name, item]


def generator_work(name: str, item: str, outcome: str) -> Generator[Any, None, Any]:
    yield [name, item, "first"]
    if _begun(name, item, outcome):
        _end(outcome)
        return Cancelled(message="as asked")
    yield [name, item, "second"]
    return None


async def async_generator_work(name: str, item: str, outcome: str) -> AsyncGenerator[Any, None]:
    yield [name, item, "first"]
    if _begun(name, item, outcome):
        _end(outcome)
        raise asyncio.CancelledError
    yield [name, item, "second"]


def take(value: Any, name: str, item: str) -> None:
    Path(f"{name}.{item}.taken").write_text(str(value))


_WORK: dict[str, Any] = {
    "sync": sync_work,
    "async": async_work,
    "generator": generator_work,
    "async_generator": async_generator_work,
}


def _own(function: Any, name: str) -> Callable[..., Any]:
    """A function of that name: a task worker knows its tasks by the names of their functions."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    copy.__annotations__ = function.__annotations__
    copy.__qualname__ = copy.__name__ = name
    copy.__module__ = function.__module__
    return copy


def maker(scenario: Scenario) -> Task[..., Any]:
    """The task that a scenario is about."""
    cached = scenario.outcome == "cached"
    return task(
        _own(_WORK[scenario.kind], str(scenario)),
        name=str(scenario),
        retries=1 if scenario.outcome == "retried" else 0,
        cache_policy=INPUTS if cached else NO_CACHE,
        persist_result=cached,
    )


def taker(scenario: Scenario) -> Task[..., Any]:
    """The task that takes what the other one returned."""
    return task(_own(take, f"{scenario}_take"), name=f"{scenario}_take", cache_policy=NO_CACHE)
