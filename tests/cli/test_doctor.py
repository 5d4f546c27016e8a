"""``doctor``: what it says of this machine, and the ways that it tries, which are really run."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from prefect_lineage.capture.liveness import this_process
from prefect_lineage.cli.doctor import try_all
from prefect_lineage.cli.doctoring.checks import TESTED, Check, checks
from prefect_lineage.cli.doctoring.ways import WAYS, Way
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
APART = ("ProcessPool", "Dask", "Ray")
"""Task runners: other tests run them, with more to see."""


def way(words: str) -> Way:
    (found,) = [way for way in WAYS if words in way.name]
    return found


@pytest.mark.timeout(600)
def test_every_way_to_run_tasks_works(prefect_server: str) -> None:
    tried = [way for way in WAYS if not any(word in way.name for word in APART)]
    outcomes = try_all(tried, api=prefect_server)
    assert [(outcome.way, outcome.reason) for outcome in outcomes if outcome.state != "works"] == []
    assert len(outcomes) == 7


def test_a_way_without_capture_is_found_out(prefect_server: str) -> None:
    def without(place: Any) -> None:
        place.environment["PREFECT_LINEAGE_ENABLED"] = "0"
        way("enable()").attempt(place)

    (outcome,) = try_all([replace(way("enable()"), attempt=without)], api=prefect_server)
    assert outcome.state == "does not work"
    assert outcome.reason is not None
    assert outcome.reason.startswith("no run was recorded: capture was not on")
    assert outcome.advice


def test_a_program_that_fails_is_told_with_its_last_words(prefect_server: str) -> None:
    def failing(place: Any) -> None:
        place.run("-c", "raise SystemExit('the disk is full')")

    (outcome,) = try_all([replace(way("enable()"), attempt=failing)], api=prefect_server)
    assert outcome.reason == "it ended with exit code 1; printed last: the disk is full"


def test_a_program_that_hangs_is_ended(prefect_server: str) -> None:
    def hanging(place: Any) -> None:
        place.run("-c", "import time; time.sleep(600)")

    (outcome,) = try_all([replace(way("enable()"), attempt=hanging, seconds=0.5)], api=prefect_server)
    assert outcome.reason == "it had not ended after 0 s"


def test_what_is_not_installed_is_not_tried_and_told_how_to_be(prefect_server: str) -> None:
    (outcome,) = try_all([replace(way("Dask"), needs="surely-missing")], api=prefect_server)
    assert (outcome.state, outcome.advice) == ("not tried", "pip install surely-missing")


def by_name(found: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_the_range_of_prefect_is_the_one_that_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (prefect,) = [text for text in declared if text.startswith("prefect>")]
    oldest, newest = (".".join(map(str, bound)) for bound in TESTED)
    assert prefect == f"prefect>={oldest},<{TESTED[1][0] + 1}"
    assert f"prefect=={oldest}\n" in (ROOT / "tests" / "versions" / "oldest.txt").read_text()
    readme = (ROOT / "README.md").read_text()
    assert f"Prefect {oldest} and newer {TESTED[1][0]}.x" in readme
    assert f"and {newest} is the newest series that was tried" in readme


def test_checks_say_what_is_set_and_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (home / "prefect.toml").write_text("[plugins]\nenabled = true\n")
    found = by_name(checks(None))
    assert found["plugin switch"].text.startswith("on, from prefect.toml")
    assert re.match(r"3\.\d+\.\d+, tested from 3\.6\.29 to ", found["Prefect"].text)
    assert "not there yet" in found["store"].text
    assert {check.state for check in found.values()} == {"fine"}


def test_checks_tell_what_keeps_lineage_from_being_recorded(
    zoo: Path, home: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_ENABLED", "0")
    monkeypatch.setenv("PREFECT_LINEAGE_URL", "sqlite:////dev/null/lineage.db")
    monkeypatch.setenv("PREFECT_LINEAGE_JOURNAL_DIR", "/proc/none")
    found = by_name(checks(None))
    assert [found[name].state for name in ("settings", "store", "journal directory")] == ["problem"] * 3
    assert "PREFECT_LINEAGE_ENABLED=0" in found["settings"].text
    assert found["plugin switch"].state == "note"


def test_checks_tell_what_waits_and_what_is_open(zoo: Path, home: Path, make: Any) -> None:
    journal = Journal(home / "prefect" / "lineage-journal")
    journal.append(make.record(11, "f.t", make.edge("/a", "output")))
    journal.close()
    with Store.open(f"sqlite:///{zoo}") as store:
        details = {"process": this_process()}
        begun = make.record(12, "f.t", state="Running", details=details)
        store.apply([structs.replace(begun, run=structs.replace(begun.run, ended_at=None))])
    found = by_name(checks(None))
    assert "1 record of ended processes" in found["journals"].text
    assert "1 run has begun and not ended" in found["runs"].text
