"""Tasks that run at once never get each other's files, whoever does their work: each has just what it touched."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prefect import flow, task, unmapped

sys.path.append(str(Path(__file__).parent / "child_code"))

import at_work

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@dataclass(frozen=True)
class Touch:
    """One file that a task reads or writes, by itself or by somebody who works for it."""

    file: int
    writes: bool
    through: str


@dataclass(frozen=True)
class Pools:
    """Pools of the module's, as it were: they serve all tasks at once, and go on to the next flow."""

    threads: Executor
    processes: Executor


@pytest.fixture
def pools(recorded) -> Iterator[Pools]:
    context = multiprocessing.get_context("fork")
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2, mp_context=context) as processes:
        yield Pools(threads, processes)


SYNC = ["itself", "thread", "pool of threads", "pool of processes", "fork"]
ASYNC = ["itself", "thread", "pool of threads", "pool of processes", "to_thread", "task of its own"]


def touches(ways: list[str]) -> st.SearchStrategy[list[list[Touch]]]:
    """For each of several tasks what it touches: a few files, so that tasks share them."""
    touch = st.builds(Touch, st.integers(0, 5), st.booleans(), st.sampled_from(ways))
    # what a task writes it does not read too: reading back one's own output is no input, and order decides
    distinct = st.lists(touch, max_size=5, unique_by=lambda one: one.file)
    return st.lists(distinct, min_size=2, max_size=8)


def act(folder: str, number: int, touch: Touch) -> None:
    if touch.writes:
        at_work.write(f"{folder}/{number}-{touch.file}.out")
    else:
        at_work.read(f"{folder}/{touch.file}.in")


def do(folder: str, number: int, planned: list[Touch], pools: Pools) -> None:
    waiting: list[Callable[[], object]] = []
    for touch in planned:
        if touch.through == "itself":
            act(folder, number, touch)
        elif touch.through == "thread":
            thread = threading.Thread(target=act, args=(folder, number, touch))
            thread.start()
            waiting.append(thread.join)
        elif touch.through == "fork":
            process = multiprocessing.get_context("fork").Process(target=act, args=(folder, number, touch))
            process.start()
            waiting.append(process.join)
        else:
            pool = pools.threads if touch.through == "pool of threads" else pools.processes
            waiting.append(pool.submit(act, folder, number, touch).result)
    for wait in waiting:
        wait()


async def do_async(folder: str, number: int, planned: list[Touch], pools: Pools) -> None:
    loop = asyncio.get_running_loop()
    waiting: list[Awaitable[object]] = []
    for touch in planned:
        what = (folder, number, touch)
        if touch.through in {"itself", "thread"}:
            do(folder, number, [touch], pools)
        elif touch.through == "to_thread":
            waiting.append(asyncio.to_thread(act, *what))
        elif touch.through == "task of its own":
            waiting.append(asyncio.create_task(_later(*what)))
        else:
            pool = pools.threads if touch.through == "pool of threads" else pools.processes
            waiting.append(loop.run_in_executor(pool, act, *what))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)


async def _later(folder: str, number: int, touch: Touch) -> None:
    await asyncio.sleep(0)
    act(folder, number, touch)


def expected(folder: str, plan: list[list[Touch]]) -> list[str]:
    return sorted(
        f"{folder}.{number} -> {folder}/{number}-{touch.file}.out:v0"
        if touch.writes
        else f"{folder}/{touch.file}.in:v0 -> {folder}.{number}"
        for number, planned in enumerate(plan)
        for touch in planned
    )


def found(recorded, folder: str) -> list[str]:
    """What is recorded of one example; a run is told by its name, for all have one job."""
    graph = recorded.graph()
    names = {version.id: str(version) for version in graph.versions}
    names |= {run.id: run.name for run in graph.runs}
    lines = [f"{names[edge.tail]} -> {names[edge.head]}" for edge in graph.edges]
    return sorted(line for line in lines if folder in line)


def fresh_folder() -> str:
    folder = uuid.uuid4().hex[:12]
    Path(folder).mkdir()
    for number in range(6):
        Path(f"{folder}/{number}.in").write_text(f"{folder}/{number}")
    return folder


LAW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAW
@given(plan=touches(SYNC))
def test_submitted_tasks_have_exactly_what_they_touched(recorded, pools: Pools, plan) -> None:
    folder = fresh_folder()

    @task(task_run_name=f"{folder}.{{number}}")
    def step(number: int, planned: list[Touch], pools: Pools) -> None:
        do(folder, number, planned, pools)

    @flow
    def pipe() -> None:
        for future in step.map(range(len(plan)), plan, unmapped(pools)):
            future.result()

    pipe()
    assert found(recorded, folder) == expected(folder, plan)


@LAW
@given(plan=touches(ASYNC))
def test_gathered_tasks_have_exactly_what_they_touched(recorded, pools: Pools, plan) -> None:
    folder = fresh_folder()

    @task(task_run_name=f"{folder}.{{number}}")
    async def step(number: int, planned: list[Touch]) -> None:
        await do_async(folder, number, planned, pools)

    @flow
    async def pipe() -> None:
        await asyncio.gather(*(step(number, planned) for number, planned in enumerate(plan)))

    asyncio.run(pipe())
    assert found(recorded, folder) == expected(folder, plan)
