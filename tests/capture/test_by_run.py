"""What runs returned is kept small, and is the same whoever asks."""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prefect_lineage.capture import digests
from prefect_lineage.capture.by_run import ByRun
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import Fingerprint
from prefect_lineage.capture.spilled import Spilled
from prefect_lineage.capture.values import Returned
from prefect_lineage.model.records import Content

RUNS = st.uuids().map(str) | st.text(min_size=1, max_size=5)


@given(
    st.lists(st.tuples(RUNS, st.integers(1, 3), st.sampled_from("xy"), st.booleans() | st.none())),
    st.integers(2, 6),
)
@example(
    [
        ("a", 1, "x", None),
        ("b", 1, "x", None),
        ("b", 2, "y", False),
        ("c", 1, "x", None),
        ("b", 3, "x", None),
    ],
    2,
)
def test_what_is_asked_for_is_what_was_told_last(
    told: list[tuple[str, int, str, bool | None]], in_memory: int
) -> None:
    found, plain = ByRun(in_memory), {}
    for run, attempt, root, alone in told:
        plain[run] = None if alone is None else (run, attempt, "job", root, alone)
        found[run] = None if alone is None else Returned(run, attempt, "job", root=root, alone=alone)
    for run, expected in plain.items():
        assert run in found
        returned = found.get(run)
        assert found.get(run) is returned  # that it was recorded is noted on it
        if returned is not None:
            returned.recorded = True
            returned = (returned.run, returned.attempt, returned.job, returned.root, returned.alone)
        assert returned == expected
    assert all(found.get(run).recorded for run, expected in plain.items() if expected is not None)
    found.forget("x")
    left = {run for run, expected in plain.items() if expected is not None and expected[3] != "x"}
    assert {run for run in plain if run in found} == left
    for run in left:
        found.drop(run)
    assert not any(run in found for run in plain)


def test_of_many_runs_those_told_last_are_in_memory_and_all_are_known() -> None:
    found = ByRun(100)
    for number in range(1_000):
        content = Content(f"blake3:{number:064x}")
        found[f"{number:032x}"] = Returned(f"{number:032x}", 1, "job", root="flow", content=content)
    assert len(found._found) <= 100
    assert [found.get(f"{number:032x}").content.digest for number in (0, 500, 999)] == [
        f"blake3:{number:064x}" for number in (0, 500, 999)
    ]
    assert len(found._found) <= 100


def test_what_runs_without_a_flow_returned_leaves_nothing_when_it_is_dropped() -> None:
    found = ByRun()
    for number in range(3_000):
        run = f"{number:032x}"
        found[run] = Returned(run, 1, "job", root=run, alone=True)
        found.drop(run)
    assert len(found._found) == 0
    assert len(found._alone) <= 1_001


def test_what_somebody_holds_stays_the_object_that_it_is() -> None:
    found, held = ByRun(10), Returned("1" * 32, 1, "job", root="flow")
    found[held.run] = held
    for number in range(100):
        found[f"{number:032x}"] = Returned(f"{number:032x}", 1, "job", root="flow")
    assert found.get(held.run) is held


def test_a_full_disk_leaves_what_runs_returned_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Spilled, "put", full)
    found = ByRun(10)
    for number in range(100):
        found[f"{number:032x}"] = Returned(f"{number:032x}", 1, "job", root="flow")
    assert all(found.get(f"{number:032x}") is not None for number in range(100))


def test_a_forked_child_knows_what_is_in_memory_and_leaves_the_disk_to_its_parent() -> None:
    found = ByRun(10)
    for number in range(100):
        found[f"{number:032x}"] = Returned(f"{number:032x}", 1, "job", root="flow")
    child = os.fork()
    if not child:
        known = found.get(f"{99:032x}") is not None and f"{0:032x}" not in found
        for number in range(200, 300):
            found[f"{number:032x}"] = Returned(f"{number:032x}", 1, "job", root="flow")
        os._exit(0 if known and f"{200:032x}" in found else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert f"{0:032x}" in found
    assert f"{200:032x}" not in found


def test_a_run_of_which_nothing_is_to_be_known_is_known_to_be_such() -> None:
    found, run = ByRun(), str(uuid.uuid4())
    assert run not in found
    found[run] = None
    assert run in found
    assert found.get(run) is None


def test_a_digester_forgets_the_files_it_has_not_met_for_longest(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(digests, "_REMEMBERED", 8)
    digester = Digester()
    files = [Fingerprint(1, number, 3, 1, 1) for number in range(9)]
    for file in files[:8]:
        digester._remember(file, file.inode.to_bytes(32, "big"))
    assert digester.recall(files[0]) == f"blake3:{0:064x}"
    digester._remember(files[8], (8).to_bytes(32, "big"))
    known = [file.inode for file in files if digester.recall(file)]
    assert known == [0, 3, 4, 5, 6, 7, 8]
