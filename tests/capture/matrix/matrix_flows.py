"""Plays scenarios: ``python matrix_flows.py serve``, or the runners whose scenarios are to be played.

Crashes come last, for a process pool in a flow run for each: of one that has seen a crash nothing is heard any more.
Ray starts another process, and would try the task again there if it were not told otherwise.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from matrix_scenarios import Scenario, scenarios
from matrix_tasks import maker, taker
from prefect import flow
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

import prefect_lineage

PATIENCE = 200.0
"""Seconds for a run to end."""

GLANCE = 0.5
"""Seconds between two looks at what may have ended unnoticed."""


def dask(processes: int) -> Any:
    from prefect_dask import DaskTaskRunner

    workers = {"n_workers": processes, "threads_per_worker": 1, "dashboard_address": ":0", "processes": True}
    return DaskTaskRunner(cluster_kwargs=workers)


def ray(processes: int) -> Any:
    os.environ["RAY_TASK_MAX_RETRIES"] = "0"
    from prefect_ray import RayTaskRunner

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    return RayTaskRunner(init_kwargs={"num_cpus": processes, **quiet})


def threads(_: int) -> Any:
    return ThreadPoolTaskRunner(max_workers=4)


RUNNERS: dict[str, Callable[[int], Any]] = {
    "thread": threads,
    "process": lambda processes: ProcessPoolTaskRunner(max_workers=processes),
    "dask": dask,
    "ray": ray,
    "worker": threads,
}
"""By name, with a number of processes if they run tasks in some."""


def is_over(future: Any, patience: float = PATIENCE) -> bool:
    """Wait for a future; it is over if it has an end or an error: how its run ended is in the store."""
    try:
        future.wait(patience)
        return bool(future.state.is_final())
    except BaseException as error:  # noqa: BLE001 - the very errors that tasks of these scenarios end with
        print(type(error).__name__, error, file=sys.stderr)
        return True


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
    for future, _ in chain.from_iterable(first.values()):
        is_over(future)
    second = {scenario: list(started(scenario)) for scenario in played if scenario.outcome == "cached"}
    last = {scenario: list(taken(scenario, futures)) for scenario, futures in {**first, **second}.items()}
    settled(last, "_take")


def play_crashes(played: list[Scenario]) -> None:
    settled({scenario: [future for future, _ in started(scenario)] for scenario in played}, "")


def settled(futures: dict[Scenario, list[Any]], part: str) -> None:
    """Wait until the runs are known to have ended, or else their futures: who waits for one of both may wait for ever.

    A process that a crash takes down is never heard of again, and a delayed run that is not ready never ends.
    """
    deadline = time.monotonic() + PATIENCE
    for scenario, found in futures.items():
        while not is_recorded(scenario, part) and time.monotonic() < deadline:
            if all(is_over(future, GLANCE) for future in found):
                break


def is_recorded(scenario: Scenario, part: str) -> bool:
    with prefect_lineage.Lineage() as lineage:
        runs = lineage.runs(job=f"matrix.{scenario}{part}")
    ended = [run for run in runs if run.ended_at is not None or run.state == "NotReady"]
    return len(ended) == len(scenario.items)


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


def in_flow(who: str, play: Callable[[list[Scenario]], None], played: list[Scenario], processes: int) -> None:
    @flow(name="matrix", task_runner=RUNNERS[who](processes))
    def matrix() -> None:
        play(played)

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
    in_flow(who, play, [scenario for scenario in mine if scenario not in crashes], 2)
    if who != "process" and crashes:
        in_flow(who, play_crashes, crashes, 2)
    for crash in crashes if who == "process" else ():
        in_flow(who, play_crashes, [crash], len(crash.items))
        for process in multiprocessing.active_children():  # they wait for work that nobody will send
            process.kill()


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
