"""Plays scenarios: ``python matrix_flows.py serve``, or the runners whose scenarios are to be played.

Crashes come last, and where a runner's processes go down with the task, each in a flow run of its own: a process
pool that lost a process that way never finishes anything again.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from matrix_scenarios import Scenario, scenarios
from matrix_tasks import maker, taker
from prefect import flow
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

import prefect_lineage

PATIENCE = 60.0
"""Seconds for a run to end."""

LAST_WORDS = 2.0
"""Seconds between two looks at a run that may have ended without its runner's noticing."""


def dask() -> Any:
    import dask
    from prefect_dask import DaskTaskRunner

    # one try for a task that takes its worker down, as everywhere else
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    workers = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": True}
    return DaskTaskRunner(cluster_kwargs=workers)


def ray() -> Any:
    from prefect_ray import RayTaskRunner

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    return RayTaskRunner(init_kwargs={"num_cpus": 2, **quiet})


RUNNERS: dict[str, Callable[[], Any]] = {
    "thread": lambda: ThreadPoolTaskRunner(max_workers=4),
    "process": lambda: ProcessPoolTaskRunner(max_workers=2),
    "dask": dask,
    "ray": ray,
    "worker": lambda: ThreadPoolTaskRunner(max_workers=4),
}


def waited(futures: list[Any], patience: float = PATIENCE) -> None:
    for future in futures:
        try:
            future.wait(patience)
        except BaseException as error:  # noqa: BLE001 - how it ends is in the store, whatever it raises here
            print(type(error).__name__, error, file=sys.stderr)


def started(scenario: Scenario) -> Iterator[tuple[Any, str]]:
    make, name, outcome = maker(scenario), str(scenario), scenario.outcome
    if scenario.way == "map":
        yield from zip(make.map(name, list(scenario.items), outcome), scenario.items, strict=True)
        return
    ask = make.submit if scenario.way == "submit" else make.delay
    for item in scenario.items:
        yield ask(name, item, outcome), item


def taken(scenario: Scenario, futures: list[tuple[Any, str]]) -> Iterator[Any]:
    take = taker(scenario)
    if scenario.way == "map":
        yield from take.map([future for future, _ in futures], str(scenario), [item for _, item in futures])
        return
    ask = take.submit if scenario.way == "submit" else take.delay
    for future, item in futures:
        yield ask(future, str(scenario), item)


def play(played: list[Scenario]) -> None:
    first = {scenario: list(started(scenario)) for scenario in played}
    waited([future for futures in first.values() for future, _ in futures])
    second = {scenario: list(started(scenario)) for scenario in played if scenario.outcome == "cached"}
    last = [
        future for scenario, futures in {**first, **second}.items() for future in taken(scenario, futures)
    ]
    waited(last)


def play_crashes(played: list[Scenario]) -> None:
    """Start them, and wait until each is known to have crashed: whoever waits for the runner may wait for ever."""
    futures = {scenario: [future for future, _ in started(scenario)] for scenario in played}
    ended: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    while len(ended) < len(played) and time.monotonic() < deadline:
        for scenario in played:
            if str(scenario) not in ended:
                waited(futures[scenario], LAST_WORDS / len(scenario.items))
                if have_ended(scenario):
                    ended.add(str(scenario))


def have_ended(scenario: Scenario) -> bool:
    with prefect_lineage.Lineage(readonly=True) as lineage:
        runs = lineage.runs(job=f"matrix.{scenario}")
    return len(runs) == len(scenario.items) and all(run.ended_at is not None for run in runs)


async def called(scenario: Scenario) -> Any:
    """What a call gives: a value, or all that a generator yields."""
    result = maker(scenario)(str(scenario), "a", scenario.outcome)
    if scenario.kind == "async_generator":
        return [value async for value in result]
    if scenario.kind == "generator":
        return list(result)
    return await result if scenario.kind == "async" else result


async def play_calls(played: list[Scenario]) -> None:
    for scenario in played:
        try:
            value = await called(scenario)
            if scenario.outcome == "cached":
                value = await called(scenario)
            taker(scenario)(value, str(scenario), "a")
        except BaseException as error:  # noqa: BLE001 - likewise
            print(scenario, type(error).__name__, error, file=sys.stderr)


def in_flow(who: str, play: Callable[[list[Scenario]], None], played: list[Scenario]) -> None:
    @flow(name="matrix", task_runner=RUNNERS[who]())
    def matrix() -> None:
        play(played)

    if played:
        matrix()


def play_all(who: str) -> None:
    mine = [scenario for scenario in scenarios() if scenario.runner == who]
    if who == "here":

        @flow(name="matrix")
        async def calls() -> None:
            await play_calls(mine)

        asyncio.run(calls())
        return
    crashes = [scenario for scenario in mine if scenario.outcome == "crashed"]
    in_flow(who, play, [scenario for scenario in mine if scenario not in crashes])
    for together in [[crash] for crash in crashes] if who == "process" else [crashes]:
        in_flow(who, play_crashes, together)
        for worker in multiprocessing.active_children():  # they wait for work that nobody will send
            worker.kill()


def main(players: list[str]) -> None:
    prefect_lineage.enable()
    if players == ["serve"]:
        from prefect.task_worker import serve

        served = [scenario for scenario in scenarios() if scenario.runner == "worker"]
        serve(*(task(scenario) for scenario in served for task in (maker, taker)))
    for who in players if players != ["serve"] else []:
        play_all(who)


if __name__ == "__main__":
    main(sys.argv[1:])
