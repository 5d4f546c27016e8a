"""Tasks that run in other processes: process pools, Dask, Ray. Capture is switched on in the flow's process only.

And what is known of them when such a process is killed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from prefect_lineage import Lineage
from prefect_lineage.capture.reconcile import reconcile
from prefect_lineage.store.store import Store


@task
def load(name: str) -> pd.DataFrame:
    return pd.read_csv(name)


@task
def load_slowly(name: str) -> pd.DataFrame:
    if not Path("tried.txt").exists():
        Path("tried.txt").write_text("once")
        raise OSError("not yet")
    return pd.read_csv(name)


@task
def total(table: pd.DataFrame) -> int:
    return int(table["x"].sum())


@task
def write(number: int, name: str) -> None:
    Path(name).write_text(str(number))


@task
async def write_later(number: int, name: str) -> None:
    Path(name).write_text(str(number))


def dask() -> TaskRunner[Any]:
    from prefect_dask import DaskTaskRunner

    workers = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "processes": True}
    return DaskTaskRunner(cluster_kwargs=workers)


def ray() -> TaskRunner[Any]:
    from prefect_ray import RayTaskRunner

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    return RayTaskRunner(init_kwargs={"num_cpus": 2, **quiet})


RUNNERS: dict[str, Callable[[], TaskRunner[Any]]] = {
    "thread": ThreadPoolTaskRunner,
    "process": lambda: ProcessPoolTaskRunner(max_workers=2),
    "dask": dask,
    "ray": ray,
}

EXPECTED = [
    "in.csv:v0 -> pipe.load",
    "pipe.load -> pipe.load():v0",
    "pipe.load():v0 -> pipe.total",
    "pipe.load():v0 -> pipe.write",
    "pipe.total -> pipe.total():v0",
    "pipe.total():v0 -> pipe.write",
    "pipe.total():v0 -> pipe.write_later",
    "pipe.write -> again.txt:v0",
    "pipe.write -> out.txt:v0",
    "pipe.write_later -> later.txt:v0",
]


@pytest.mark.parametrize("runner", RUNNERS)
def test_files_and_values_are_the_same_on_every_runner(
    recorded: Any, prefect_server: str, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)  # for the workers
    Path("in.csv").write_text("x\n1\n2\n")

    @flow(task_runner=RUNNERS[runner]())
    def pipe() -> None:
        table = load.submit("in.csv")
        found = total.submit(table)
        write.submit(found, "out.txt").wait()
        write_later.submit(found, "later.txt").wait()
        write.submit(table.result(), "again.txt").wait()

    pipe()
    assert recorded.edges(values=True) == EXPECTED
    (outer,) = [run for run in recorded.runs() if run.kind == "flow"]
    tasks = [run for run in recorded.runs() if run.kind == "task"]
    assert {(run.parent, run.state) for run in tasks} == {(outer.id, "Completed")}


@task
def is_killed_once(name: str) -> None:
    Path(name).write_text("whole" if Path("tried.txt").exists() else "half")
    if not Path("tried.txt").exists():
        Path("tried.txt").write_text("once")
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_a_run_that_is_done_again_after_its_worker_was_killed_is_one_run(
    recorded: Any, prefect_server: str, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)

    @flow(task_runner=RUNNERS[runner]())
    def pipe() -> None:
        is_killed_once.submit("out.txt").wait()

    pipe()
    assert Path("out.txt").read_text() == "whole"
    assert recorded.run("pipe.is_killed_once").state == "Completed"
    assert recorded.edges() == ["pipe.is_killed_once -> out.txt:v0"]
    assert not recorded.version("out.txt:v0").partial


def test_a_run_whose_pool_lost_its_process_has_crashed(
    recorded: Any, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)

    @flow(task_runner=RUNNERS["process"]())
    def pipe() -> None:
        with pytest.raises(BrokenProcessPool):
            is_killed_once.submit("out.txt").result()

    pipe()
    with Lineage(recorded.url) as lineage, Store.open(recorded.url) as opened:
        lineage.sync()  # what the process had written before it was killed
        reconcile(opened)
    assert recorded.run("pipe.is_killed_once").state == "Crashed"
    assert recorded.run("pipe").state == "Completed"
    assert recorded.edges() == []  # what was done in an attempt is told when it ends
