"""A store as a small pipeline leaves it behind, and the ways to call the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_lineage.cli.main import main
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.store import Store

START = 1_795_000_000_000_000  # 2026-11-18
SECOND = 1_000_000


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def edge(
    path: str,
    direction: str,
    content: str = "a",
    *,
    name: str | None = None,
    via: str = "pandas.read_csv",
    at: int = START,
    **more: Any,
) -> EdgeRecord:
    location = Location("file://host", path, f"file://{path}")
    held = Content(f"blake3:{content * 64}"[:71], size=1_234_567)
    return EdgeRecord(location, held, direction, "observed", via, name=name, at=at, **more)


def record(number: int, job: str, *edges: EdgeRecord, state: str = "Completed", **more: Any) -> Record:
    start = START + number * 60 * SECOND
    run = RunRecord(
        uuid(number),
        kind="task",
        name=f"{job.rpartition('.')[2]}-{number}",
        job=job,
        flow=job.partition(".")[0],
        flow_run=uuid(900),
        parent=uuid(900),
        state=state,
        started_at=start,
        ended_at=start + 2 * SECOND,
        attempt=1,
        **more,
    )
    return Record(run, edges=edges)


def zoo_records() -> list[Record]:
    """Raw data, split twice into the same dataset, trained into two versions of a model, evaluated; one failure."""
    raw, split, model = "/data/raw.csv", "/data/split.parquet", "/data/model.pkl"
    flow = RunRecord(uuid(900), kind="flow", name="amber-otter", job="zoo", flow="zoo", flow_run=uuid(900),
                     state="Completed", started_at=START, ended_at=START + 9 * SECOND, attempt=1)  # fmt: skip
    named = {"name": "split", "type": "dataset", "typed": True}
    return [
        Record(flow),
        record(
            1,
            "zoo.split",
            edge(raw, "input", "1"),
            edge(split, "output", "2", **named),
            details={"tags": ["nightly"]},
        ),
        record(2, "zoo.split", edge(raw, "input", "1"), edge(split, "output", "2", **named)),
        record(
            3,
            "zoo.train",
            edge(split, "input", "2", via="use_artifact", times=2),
            edge(model, "output", "3", name="model", type="model", aliases=("candidate",), typed=True),
            details={"parameters": {"rate": 0.5}, "code": {"commit": "abc"}},
        ),
        record(4, "zoo.train", edge(split, "input", "2"), edge(model, "output", "4", name="model")),
        record(5, "zoo.evaluate", edge(model, "input", "4"), edge("/data/report.json", "output", "5")),
        record(6, "zoo.evaluate", edge(model, "input", "4"), state="Failed"),
    ]


def make_store(path: Path, records: list[Record]) -> Path:
    with Store.open(f"sqlite:///{path}") as store:
        store.apply(records)
    return path


@pytest.fixture
def make() -> SimpleNamespace:
    """The makers of stores and records, for tests that need others than the zoo."""
    return SimpleNamespace(store=make_store, record=record, edge=edge, uuid=uuid, start=START, second=SECOND)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place to work in, with Prefect's home inside it."""
    for name in [name for name in os.environ if name.startswith("PREFECT_LINEAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))  # for processes of their own
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def zoo(home: Path) -> Path:
    """The SQLite file of a store with the zoo in it; also the store of the settings."""
    (home / "prefect").mkdir()
    return make_store(home / "prefect" / "lineage.db", zoo_records())


@pytest.fixture(name="zoo_records")
def records_of_the_zoo() -> list[Record]:
    """What :func:`zoo` holds, for a store elsewhere."""
    return zoo_records()


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What a failure said: one line on standard error, nothing on standard output."""
        assert self.out == ""
        assert self.err.startswith("prefect-lineage: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.removeprefix("prefect-lineage: ").rstrip("\n")


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Call a command in this process."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture
def shell(home: Path) -> Callable[..., Answer]:
    """Call a command in a process of its own."""

    def call(*arguments: str, before: Sequence[str] = (), **environment: str) -> Answer:
        done = subprocess.run(
            [*before, sys.executable, "-m", "prefect_lineage", *arguments],
            capture_output=True,
            text=True,
            cwd=home,
            env={**os.environ, **environment},
            timeout=120,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call
