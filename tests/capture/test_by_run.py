"""What runs returned is kept small, and is the same whoever asks."""

from __future__ import annotations

import uuid
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.capture import digests
from prefect_lineage.capture.by_run import ByRun
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import Fingerprint
from prefect_lineage.capture.values import Returned

RUNS = st.uuids().map(str) | st.text(min_size=1, max_size=5)


@given(st.lists(st.tuples(RUNS, st.integers(1, 3), st.sampled_from("xy"), st.booleans())))
def test_what_is_asked_for_is_what_was_told_last(told: list[tuple[str, int, str, bool]]) -> None:
    found, plain = ByRun(), {}
    for run, attempt, root, alone in told:
        plain[run] = (run, attempt, "job", root, alone)
        found[run] = Returned(run, attempt, "job", root=root, alone=alone)
    for run, expected in plain.items():
        returned = found.get(run)
        assert returned is not None
        assert (returned.run, returned.attempt, returned.job, returned.root, returned.alone) == expected
        assert found.get(run) is returned  # that it was recorded is noted on it
    found.forget("x")
    assert {run for run in plain if run in found} == {run for run in plain if plain[run][3] != "x"}


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
        digester._remember(file, f"blake3:{file.inode:064x}")
    assert digester.recall(files[0]) == f"blake3:{0:064x}"
    digester._remember(files[8], f"blake3:{8:064x}")
    known = [file.inode for file in files if digester.recall(file)]
    assert known == [0, 3, 4, 5, 6, 7, 8]
