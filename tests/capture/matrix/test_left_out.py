"""Combinations that are no scenarios are so for reasons, and what the reasons say of Prefect is true."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from itertools import product
from pathlib import Path
from typing import Any

from matrix_scenarios import KINDS, LEFT_OUT, OUTCOMES, RUNNERS, WAYS, left_out, scenarios
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.task_runners import ProcessPoolTaskRunner


def test_every_combination_is_a_scenario_or_is_left_out_for_a_reason() -> None:
    combinations = list(product(KINDS, WAYS, OUTCOMES, RUNNERS))
    reasons = [reason for which in combinations if (reason := left_out(*which)) is not None]
    assert len([*scenarios()]) + len(reasons) == len(combinations)
    assert set(reasons) == set(LEFT_OUT)


def test_a_call_runs_where_it_stands(recorded: Any) -> None:
    @task
    def here() -> int:
        return os.getpid()

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def pipe() -> int:
        return here()

    assert pipe() == os.getpid()


@task
def lines(name: str) -> Generator[str, None, None]:
    yield from Path(name).read_text().splitlines()


@task
async def lines_later(name: str) -> AsyncGenerator[str, None]:
    for line in Path(name).read_text().splitlines():
        yield line


def test_the_body_of_a_submitted_generator_is_run_by_whoever_iterates(recorded: Any) -> None:
    Path("in.txt").write_text("a\nb")

    @task
    def take(given: Any) -> list[str]:
        return list(given)

    @flow
    def pipe() -> list[str]:
        return take.submit(lines.submit("in.txt")).result()

    assert pipe() == ["a", "b"]
    assert recorded.edges() == ["in.txt:v0 -> pipe.take"]
    assert recorded.run("pipe.lines").state == "Completed"


def test_a_submitted_async_generator_fails(recorded: Any) -> None:
    Path("in.txt").write_text("a")

    @flow
    def pipe() -> str:
        return lines_later.submit("in.txt", return_state=True).type.value

    assert pipe() == "FAILED"
    assert recorded.run("pipe.lines_later").state == "Failed"
    assert recorded.edges() == []


def test_a_generator_never_comes_from_the_cache(recorded: Any) -> None:
    Path("in.txt").write_text("a")
    kept = lines.with_options(cache_policy=INPUTS, persist_result=True)

    @flow
    def pipe() -> list[str]:
        return [*kept("in.txt"), *kept("in.txt")]

    assert pipe() == ["a", "a"]
    assert [run.state for run in recorded.runs() if run.kind == "task"] == ["Completed", "Completed"]
    assert recorded.edges() == ["in.txt:v0 -> pipe.lines", "in.txt:v0 -> pipe.lines"]
