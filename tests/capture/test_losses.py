"""What could not be seen or understood is counted with the run, and told once."""

from __future__ import annotations

import _thread
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from prefect_lineage import hookimpl
from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current
from prefect_lineage.interceptors import Interceptor, reads
from prefect_lineage.model.records import Record
from prefect_lineage.testing import captured


class Told:
    """The details of the run as its last record has them."""

    def __init__(self) -> None:
        self.details: dict[str, Any] = {}

    @hookimpl
    def lineage_after_run(self, record: Record) -> None:
        self.details = dict(record.run.details)


def _in_a_bare_thread(work: Any) -> None:
    """Threads of ``_thread`` are started by nobody whom capture could follow."""
    done = threading.Lock()
    done.acquire()

    def run() -> None:
        try:
            work()
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    assert done.acquire(timeout=20)


def test_what_a_thread_does_that_belongs_to_no_run_is_counted_and_guessed_of_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    told = Told()
    with captured(told, root=tmp_path) as seen:
        _in_a_bare_thread((tmp_path / "a").read_text)
        (tmp_path / "b").write_text("x")
    assert seen.lines == ["W b"]
    assert told.details["unattributed"] == {"pathlib.Path.read_text": 1}


def test_what_is_opened_while_no_run_goes_on_is_nobodys_business(tmp_path: Path) -> None:
    told = Told()
    assert Attempt.running == 0
    with captured(told, root=tmp_path):
        pass
    assert Attempt.running == 0
    _in_a_bare_thread(lambda: (tmp_path / "a").write_text("x"))
    with captured(told, root=tmp_path):
        (tmp_path / "b").write_text("x")
    assert "unattributed" not in told.details


def test_what_comes_after_the_end_is_told_with_the_next_run_of_the_process(tmp_path: Path) -> None:
    go, gone = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(20)
        (tmp_path / "late").write_text("x")
        gone.set()

    told = Told()
    with captured(told, root=tmp_path):
        attempt = current.get()
        threading.Thread(target=work, daemon=True).start()
    assert attempt is not None
    assert "late" not in told.details
    with captured(told, root=tmp_path):
        go.set()
        assert gone.wait(20)
        (tmp_path / "b").write_text("x")
    assert told.details["late"] == {"captured": 1}
    with captured(told, root=tmp_path):
        (tmp_path / "b").write_text("y")
    assert "late" not in told.details


def test_programs_are_told_with_their_arguments_and_without_secrets(tmp_path: Path) -> None:
    told = Told()
    with captured(told, root=tmp_path):
        subprocess.run(["true", "--password=hunter2"], check=True)
        os.system("true postgresql://me:hunter2@db/x")
    said = str(told.details["programs"])
    assert "hunter2" not in said
    assert [program["via"] for program in told.details["programs"]] == ["subprocess.run", "os.system"]


def test_a_library_of_compiled_code_that_nobody_watches_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pysam", "osgeo"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))

    class Watching(Told):
        @hookimpl
        def lineage_interceptors(self) -> list[Interceptor]:
            return [Interceptor("osgeo", "open", reads("path"), optional=True)]

    told = Watching()
    with captured(told, root=tmp_path):
        (tmp_path / "b").write_text("x")
    assert "pysam" in told.details["native"]
    assert "osgeo" not in told.details["native"]


def test_an_adapter_that_failed_is_told_with_the_run(tmp_path: Path) -> None:
    def broken(call: Any) -> Any:
        raise RuntimeError("broken")

    class Watching(Told):
        @hookimpl
        def lineage_interceptors(self) -> list[Interceptor]:
            return [Interceptor("os", "getcwd", broken)]

    told = Watching()
    with captured(told, root=tmp_path):
        os.getcwd()
        (tmp_path / "b").write_text("x")
    assert "broken" in told.details["problems"]["os.getcwd"]
    assert told.details["misses"]["adapter failed: os.getcwd"] >= 1


def test_a_run_of_which_all_was_understood_has_nothing_to_say(tmp_path: Path) -> None:
    told = Told()
    began = time.time_ns()
    with captured(told, root=tmp_path) as seen:
        (tmp_path / "b").write_text("x")
    assert seen.lines == ["W b"]
    assert told.details.keys() <= {"native"}  # what other tests of this process have imported
    assert time.time_ns() > began


def test_a_cap_says_what_it_has_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    with captured(told, root=tmp_path, settings={"max_edges_per_run": 3}) as seen:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            for number in range(5):
                (tmp_path / folder / str(number)).write_text(f"{folder}{number}")
    assert len(seen.edges) == 3
    assert told.details["dropped"] == 7
    below = {path.rpartition("/")[2]: times for path, times in told.details["dropped_below"].items()}
    assert below == {"a": 2, "b": 5}
    assert "MAX_EDGES_PER_RUN is 3" in caplog.text


def test_far_beyond_the_cap_only_some_folders_are_named(tmp_path: Path) -> None:
    attempt = Attempt("run")
    for number in range(100):
        attempt.leave_out(f"/data/{number}/x")
    assert attempt.dropped == sum(attempt.left_out.values()) == 100
    assert attempt.left_out[""] == 80
