"""Combinations that are no scenarios are so for reasons, and what the reasons say of Prefect is true."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Generator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from matrix_scenarios import KINDS, LEFT_OUT, OUTCOMES, RUNNERS, WAYS, left_out, scenarios
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.states import Cancelled
from prefect.task_runners import ProcessPoolTaskRunner

import prefect_lineage


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
def append(name: str) -> None:
    with Path(name).open("a") as file:
        file.write("done\n")


@task
def append_and_crash(name: str) -> None:
    append.fn(name)
    raise SystemExit


def test_dask_does_again_what_a_process_had_done_that_a_crash_takes_down(
    recorded: Any, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask
    from prefect_dask import DaskTaskRunner

    prefect_lineage.disable()  # Dask is so by itself
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "processes": True}

    @flow(task_runner=DaskTaskRunner(cluster_kwargs=one))
    def pipe() -> list[str]:
        before = append.submit("before.txt")
        before.wait()
        append_and_crash.submit("crash.txt")
        deadline = time.monotonic() + 120
        while not Path("before.txt").read_text().count("done") > 1 and time.monotonic() < deadline:
            time.sleep(0.2)
        return Path("before.txt").read_text().splitlines()

    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):  # else the crash is tried again, too
        assert pipe() == ["done", "done"]
    assert Path("crash.txt").read_text() == "done\n"


@task
def lines(name: str) -> Generator[str, None, None]:
    yield from Path(name).read_text().splitlines()


@task
async def lines_later(name: str) -> AsyncGenerator[str, None]:
    for line in Path(name).read_text().splitlines():
        yield line


def test_a_generator_that_is_not_called_is_made_a_list_whatever_it_returns(recorded: Any) -> None:
    @task
    def gives_up() -> Generator[int, None, Any]:
        yield 1
        return Cancelled()

    @flow
    def pipe() -> list[int]:
        return gives_up.submit().result()

    assert pipe() == [1]
    assert recorded.run("pipe.gives_up").state == "Completed"


def test_a_submitted_async_generator_fails(recorded: Any) -> None:
    Path("in.txt").write_text("a")

    @flow
    def pipe() -> str:
        return lines_later.submit("in.txt", return_state=True).type.value

    assert pipe() == "FAILED"
    assert recorded.run("pipe.lines_later").state == "Failed"
    assert recorded.edges() == []


def test_a_called_generator_never_comes_from_the_cache(recorded: Any) -> None:
    Path("in.txt").write_text("a")
    kept = lines.with_options(cache_policy=INPUTS, persist_result=True)

    @flow
    def pipe() -> list[str]:
        return [*kept("in.txt"), *kept("in.txt")]

    assert pipe() == ["a", "a"]
    assert [(run.state, run.cached_from) for run in recorded.runs() if run.kind == "task"] == [
        ("Cached", None),  # as Prefect ends it
        ("Completed", None),
    ]
    assert recorded.edges() == ["in.txt:v0 -> pipe.lines", "in.txt:v0 -> pipe.lines"]
