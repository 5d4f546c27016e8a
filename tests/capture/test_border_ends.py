"""Ends that are no plain success or failure: timeouts, roll-backs, cancellation from without; and very many runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.transactions import Transaction, transaction

from prefect_lineage import Lineage

MANY = 2_000


@task(timeout_seconds=0.3)
def waits() -> None:
    Path("out.txt").write_text("half")
    for _ in range(10_000):
        time.sleep(0.01)


@task(timeout_seconds=0.3)
async def waits_in_a_loop() -> None:
    Path("out.txt").write_text("half")
    await asyncio.sleep(100)


@pytest.mark.parametrize("task_of_both", [waits, waits_in_a_loop], ids=["sync", "async"])
def test_what_a_run_wrote_before_its_time_was_over_is_half_a_version(
    recorded: Any, task_of_both: Any
) -> None:
    @flow
    def pipe() -> None:
        task_of_both.submit().wait()

    pipe(return_state=True)
    assert recorded.run(f"pipe.{task_of_both.name}").state == "TimedOut"
    assert recorded.edges() == [f"pipe.{task_of_both.name} -> out.txt:v0"]
    assert recorded.version("out.txt:v0").partial


@task
def writes() -> None:
    Path("out.txt").write_text("staged")


@writes.on_rollback
def take_back(_: Transaction) -> None:
    Path("out.txt").unlink()


@task
def fails() -> None:
    raise ValueError("fails")


def test_a_roll_back_is_the_state_of_the_run_and_its_hook_takes_the_file_away(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        with transaction():
            writes()
            fails()

    pipe(return_state=True)
    assert recorded.run("pipe.writes").state == "RolledBack"
    assert recorded.run("pipe.fails").state == "Failed"
    assert recorded.edges() == ["pipe.writes -> out.txt:v0"]
    assert recorded.version("out.txt:v0").deleted_at is not None


@task
async def is_torn_off() -> None:
    Path("out.txt").write_text("half")
    raise asyncio.CancelledError


def test_a_coroutine_that_is_cancelled_from_without_has_crashed_as_prefect_says(recorded: Any) -> None:
    @flow
    async def pipe() -> None:
        with pytest.raises(asyncio.CancelledError):
            await is_torn_off()

    asyncio.run(pipe())
    assert recorded.run("pipe.is_torn_off").state == "Crashed"
    assert recorded.version("out.txt:v0").partial


@task
def innermost() -> int:
    Path("deep.txt").write_text("deep")
    return 7


@task
def outer_task(depth: int) -> int:
    return middle_flow(depth - 1) if depth else innermost()


@flow
def middle_flow(depth: int) -> int:
    return outer_task(depth)


def test_runs_nested_in_one_another_know_their_parents_to_any_depth(recorded: Any) -> None:
    assert middle_flow(3) == 7
    runs = {run.id: run for run in recorded.runs()}
    (deepest,) = [run for run in runs.values() if run.job.endswith("innermost")]
    chain = [deepest]
    while chain[-1].parent is not None:
        chain.append(runs[chain[-1].parent])
    assert [run.kind for run in chain] == ["task", *["task", "flow"] * 4]
    assert recorded.edges() == [f"{deepest.job} -> deep.txt:v0"]


@task
def number(value: int) -> int:
    return value


@task
def total(values: list[int]) -> int:
    return sum(values)


def test_a_map_over_thousands_is_whole(recorded: Any) -> None:
    @flow
    def pipe() -> int:
        return total.submit(number.map(range(MANY))).result()

    assert pipe() == sum(range(MANY))
    recorded.graph()  # waits until all is in the store
    with Lineage(recorded.url, readonly=True) as lineage:
        runs = lineage.runs(job="pipe.number", limit=None)
        graph = lineage.graph("run:" + lineage.runs(job="pipe.total")[0].id, depth=1)
    assert len(runs) == MANY
    assert {run.state for run in runs} == {"Completed"}
    assert graph.truncated == 0
    assert len([edge for edge in graph.edges if edge.direction == "input"]) == MANY
