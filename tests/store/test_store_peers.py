"""The benchmark that sets us beside other systems: what it records as ours is whole, and who is missing is named."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_lineage.store.store import Store

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def recorded(name: str, folder: Path) -> set[tuple[str, str, str, str]]:
    """What a process of the benchmark left in its store after two blocks of runs: its edges, and its runs' states."""
    command = [sys.executable, str(BENCHMARKS / "peer_adapters.py"), name, str(folder)]
    done = subprocess.run(command, input="2\n3\n", capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    took = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(took) == 2
    assert all(0 < block["cpu"] < 60 and 0 < block["wall"] < 60 for block in took)
    with Store.open(f"sqlite:///{folder}/lineage.db", readonly=True) as store:
        graph = store.graph()
    states = {run.id: run.state for run in graph.runs}
    digests = {version.id: version.digest for version in graph.versions}
    return {(edge.run, states[edge.run], edge.direction, digests[edge.version]) for edge in graph.edges}


def test_ours_tells_the_same_in_three_lines_as_in_one(tmp_path: Path) -> None:
    (tmp_path / "three").mkdir()
    (tmp_path / "one").mkdir()
    three = recorded("ours", tmp_path / "three")
    assert three == recorded("ours_at_once", tmp_path / "one")
    assert {state for _, state, *_ in three} == {"Completed"}
    assert [sum(edge[2] == way for edge in three) for way in ("input", "output")] == [8, 10]


def test_a_peer_that_cannot_record_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("ml_metadata"):
        pytest.skip("ml-metadata is installed here")
    monkeypatch.syspath_prepend(BENCHMARKS)
    from peers import working

    with (
        pytest.raises(LookupError, match="No module named 'ml_metadata'"),
        working("mlmd", sys.executable, tmp_path / "mlmd") as worker,
    ):
        worker.warm()
