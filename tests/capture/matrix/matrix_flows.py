"""Plays the scenarios of one runner: ``python matrix_flows.py thread|process|dask|ray|here|worker|again|serve``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

from matrix_scenarios import Scenario, scenarios
from matrix_tasks import maker, taker
from prefect import flow
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

import prefect_lineage

PATIENCE = 20.0
"""Seconds for a run to end; one whose process was taken down may never be heard of."""


def dask() -> Any:
    from prefect_dask import DaskTaskRunner

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


def waited(futures: list[Any]) -> None:
    for future in futures:
        try:
            future.wait(PATIENCE)
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
        for _ in range(2 if scenario.outcome == "cached" else 1):
            try:
                value = await called(scenario)
            except BaseException as error:  # noqa: BLE001 - likewise
                print(scenario, type(error).__name__, error, file=sys.stderr)
            else:
                taker(scenario)(value, str(scenario), "a")


def main(who: str) -> None:
    played = [scenario for scenario in scenarios() if scenario.runner == who]
    prefect_lineage.enable()
    if who == "serve":
        from prefect.task_worker import serve

        served = [scenario for scenario in scenarios() if scenario.runner == "worker"]
        serve(*(task(scenario) for scenario in served for task in (maker, taker)))
    elif who == "here":

        @flow(name="matrix")
        async def calls() -> None:
            await play_calls(played)

        asyncio.run(calls())
    else:

        @flow(name="matrix", task_runner=RUNNERS[who]())
        def matrix() -> None:
            play(played)

        matrix()


if __name__ == "__main__":
    main(sys.argv[1])
