"""Workers of Dask and Ray that are killed, and a real flow whose database is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import sync

Told = tuple[int, list[str]]


def _working(folder: Path) -> Any:
    """A function that records, for other processes: pickled by value, since they cannot import this module."""
    place, url = str(folder / "journal"), f"sqlite:///{folder}/lineage.db"

    def work(name: str) -> Told:
        import builtins
        import os
        from pathlib import Path

        from prefect_lineage.model.records import Record, RunRecord
        from prefect_lineage.store.drain import Drain
        from prefect_lineage.store.journal import Journal
        from prefect_lineage.store.store import Store

        kept = vars(builtins).setdefault("_lineage_of_this_worker", [])
        if not kept:
            journal = Journal(Path(place))
            kept += [journal, Drain(journal, lambda: Store.open(url))]
        ids = [f"{name}-{number}" for number in range(40)]
        for run in ids:
            kept[0].append(Record(RunRecord(run, "task")))
        return os.getpid(), ids

    return work


def _nothing_is_lost(folder: Path, told: list[Told]) -> None:
    """After a kill -9 of every worker that has told anything."""
    for pid in {pid for pid, _ in told}:
        os.kill(pid, signal.SIGKILL)
    with Store.open(f"sqlite:///{folder}/lineage.db") as store:
        deadline = time.monotonic() + 120
        while sync(folder / "journal", store).busy:  # until the kernel has cleared the killed ones away
            assert time.monotonic() < deadline
            time.sleep(0.05)
        known = {run.id for run in store.runs()}
    assert {run for _, ids in told for run in ids} == known


def test_workers_of_dask_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**options, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        work = _working(tmp_path)
        told = client.gather([client.submit(work, f"r{number}", pure=False) for number in range(8)])
        _nothing_is_lost(tmp_path, told)


def test_workers_of_ray_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        work = ray.remote(_working(tmp_path))
        told = ray.get([work.remote(f"r{number}") for number in range(8)])
        _nothing_is_lost(tmp_path, told)
    finally:
        ray.shutdown()


FLOW = """
import asyncio, sys
from pathlib import Path
from prefect import flow, task

@task
def write(number: int) -> str:
    Path(f"{number}.txt").write_text(str(number))
    return f"{number}.txt"

@task
async def read(name: str) -> int:
    return int(Path(name).read_text())

@flow
async def pipe() -> int:
    names = [write(number) for number in range(3)]
    return sum(await asyncio.gather(*(read(name) for name in names)))

print("result", asyncio.run(pipe()))
"""


@pytest.mark.parametrize("trouble", ["database away", "read-only directory"])
def test_a_flow_goes_on_as_if_nothing_were_with_one_warning(
    tmp_path: Path, prefect_server: str, trouble: str
) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    url, journal = "postgresql://nobody@127.0.0.1:9/lineage", tmp_path / "journal"
    if trouble == "read-only directory":
        url, journal = f"sqlite:///{tmp_path}/lineage.db", Path("/proc/lineage-journal")
    done = subprocess.run(
        [sys.executable, "-m", "prefect_lineage", "run", "flow.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PREFECT_API_URL": prefect_server,
            "PREFECT_LINEAGE_URL": url,
            "PREFECT_LINEAGE_JOURNAL_DIR": str(journal),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "result 3\n")
    assert done.stderr.count("lineage records wait") + done.stderr.count("Lineage waits") == 1, done.stderr
    with Lineage(f"sqlite:///{tmp_path}/lineage.db") as lineage:
        if trouble == "database away":
            assert lineage.sync(journal).files == 1
        assert sorted(run.state for run in lineage.runs()) == ["Completed"] * 7
        files = [f"{number}.txt" for number in range(3)]
        edges = lineage.graph().edges
        assert {Path(v.uri).name for v in lineage.versions("*.txt")} == set(files)
        assert sum(edge.direction == "input" for edge in edges) == 3
