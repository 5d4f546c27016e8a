from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord


@pytest.fixture
def gaps(home: Path, make: SimpleNamespace) -> Path:
    """A flow run with two tasks that did what can go wrong, and a later one of which all is known."""
    flow = {"kind": "flow", "job": "etl", "flow": "etl", "state": "Completed", "attempt": 1}
    start = make.start
    unhashed = EdgeRecord(
        Location("file://host", "/data/huge.bin", "file:///data/huge.bin"),
        Content("stat:1", covers="none", size=1 << 40),
        "input", "observed", "open", at=start,
    )  # fmt: skip
    raced = EdgeRecord(
        Location("file://host", "/data/log.txt", "file:///data/log.txt"),
        Content("run:x:1", covers="none", raced=True),
        "output", "observed", "open", at=start,
    )  # fmt: skip
    guessed = EdgeRecord(
        Location("file://host", "/data/a.csv", "file:///data/a.csv"),
        Content("blake3:" + "a" * 64), "input", "inferred", "subprocess.run", at=start,
    )  # fmt: skip
    program = {"via": "subprocess.run", "arguments": ["sort", "/data/a.csv"]}
    first = {
        "misses": {"not seen inside: Popen": 3, "adapter failed: x.read": 2, "duckdb.sql: no parser": 1},
        "programs": [program],
        "dropped": 7,
        "dropped_below": {"/data/many": 5},
    }
    second = {"misses": {"not seen inside: Popen": 1, "not seen inside: loky": 1}, "programs": [program]}
    whole = {
        "problems": {"pandas": "pandas 9.0 is outside the tested range <4: x", "x.read": "ValueError()"},
        "late": {"etl.load": 2},
        "unattributed": {"pandas.read_csv": 1},
        "native": ["pysam"],
    }
    records = [
        Record(RunRecord(make.uuid(900), name="amber-otter", flow_run=make.uuid(900), started_at=start,
                         ended_at=start + 9, details=whole, **flow)),
        make.record(1, "etl.extract", unhashed, guessed, details=first),
        make.record(2, "etl.load", raced, make.edge("/data/b.csv", "output"), details=second),
        Record(RunRecord(make.uuid(901), name="calm-crab", flow_run=make.uuid(901), started_at=start + 10**9,
                         ended_at=start + 10**9 + 9, **flow)),
    ]  # fmt: skip
    (home / "prefect").mkdir()
    return Path(make.store(home / "prefect" / "lineage.db", records))


def test_every_kind_of_gap_is_told_with_its_runs_and_advice(gaps: Path, cli: Callable[..., Any]) -> None:
    answer = cli("coverage", "amber-otter", "--json").json
    assert answer["run"]["name"] == "amber-otter"
    assert answer["runs"] == 3
    assert answer["edges"] == {"observed": 3, "declared": 0, "inferred": 1}
    assert answer["complete"] is False
    told = {(gap["kind"], gap["what"]): (gap["times"], gap["jobs"]) for gap in answer["gaps"]}
    assert told == {
        ("program", "sort /data/a.csv"): (2, ["etl.load", "etl.extract"]),
        ("program", "Popen"): (2, ["etl.extract"]),
        ("process", "loky"): (1, ["etl.load"]),
        ("adapter", "x.read"): (2, ["etl.extract"]),
        ("adapter", "x.read: ValueError()"): (1, ["etl"]),
        ("library", "pandas: pandas 9.0 is outside the tested range <4: x"): (1, ["etl"]),
        ("call", "duckdb.sql: no parser"): (1, ["etl.extract"]),
        ("native", "pysam"): (1, ["etl"]),
        ("dropped", "reads and writes below /data/many"): (5, ["etl.extract"]),
        ("dropped", "reads and writes beyond the limit"): (2, ["etl.extract"]),
        ("late", "accesses after etl.load had ended"): (2, ["etl.load"]),
        ("unattributed", "pandas.read_csv"): (1, ["etl"]),
        ("unhashed", "file:///data/huge.bin:v0"): (1, ["etl.extract"]),
        ("raced", "file:///data/log.txt:v0"): (1, ["etl.load"]),
        ("inferred", "file:///data/a.csv:v0 (input of subprocess.run)"): (1, ["etl.extract"]),
    }
    assert all(gap["advice"] for gap in answer["gaps"])


def test_without_a_run_the_last_one_is_told(gaps: Path, cli: Callable[..., Any]) -> None:
    answer = cli("coverage", "--json").json
    assert answer["run"]["name"] == "calm-crab"
    assert (answer["complete"], answer["gaps"]) == (True, [])
    assert "Nothing that these runs did was left" in cli("coverage").out


def test_a_task_run_is_told_alone(gaps: Path, cli: Callable[..., Any]) -> None:
    answer = cli("coverage", "load-2", "--json").json
    assert answer["runs"] == 1
    assert {gap["kind"] for gap in answer["gaps"]} == {"program", "process", "raced"}


def test_people_read_titles_and_what_to_do(gaps: Path, cli: Callable[..., Any]) -> None:
    said = cli("coverage", "run:amber-otter").out
    assert "2 x sort /data/a.csv" in said
    assert "use_artifact" in said
    assert "PREFECT_LINEAGE_HASH_LIMIT" in said


def test_a_run_that_is_not_there_is_one_sentence(gaps: Path, cli: Callable[..., Any]) -> None:
    answer = cli("coverage", "no-such-run")
    assert answer.code == 2
    assert "no-such-run" in answer.sentence


def test_a_store_without_runs_is_one_sentence(
    home: Path, make: SimpleNamespace, cli: Callable[..., Any]
) -> None:
    (home / "prefect").mkdir()
    make.store(home / "prefect" / "lineage.db", [])
    answer = cli("coverage")
    assert answer.code == 2
    assert "no run yet" in answer.sentence
