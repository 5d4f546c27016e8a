"""Faults, with real processes and real file systems: nothing acknowledged is lost, and the work goes on."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_server import PostgresServer, PostgresUnavailable

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.times import now
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.schema import runs
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import sync

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

WORK = """
import sys, time
from pathlib import Path
import prefect_lineage
for number in range(int(sys.argv[1])):
    with prefect_lineage.run(f"work-{number}"):
        Path(f"in-{number}").write_text(str(number))
    with prefect_lineage.run(f"more-{number}"):
        Path("out").write_text(Path(f"in-{number}").read_text())
    print("done", number, flush=True)
    if len(sys.argv) > 2:
        sys.stdin.readline()
print("result", Path("out").read_text())
"""


class Work:
    """A program that records runs, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.store = folder / "store" / "lineage.db"
        self.url = f"sqlite:///{self.store}"

    def start(self, runs: int, *, stepwise: bool = False) -> subprocess.Popen[str]:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-c", WORK, str(runs), *(["stepwise"] if stepwise else [])],
            cwd=self.folder / "data",
            env={
                **os.environ,
                "PREFECT_LINEAGE_URL": self.url,
                "PREFECT_LINEAGE_JOURNAL_DIR": str(self.journal),
                "PYTHONFAULTHANDLER": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def goes_well(self, process: subprocess.Popen[str], runs: int, *, warnings: int) -> str:
        """The result is as without capture; says how often the user was warned."""
        out, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
        assert out.splitlines()[-1] == f"result {runs - 1}"
        assert len(told.splitlines()) == warnings, told
        return told

    def is_whole(self, runs: int) -> None:
        """Every run is there with all of its edges, once, and the database is sound."""
        with Lineage(self.url) as lineage:
            graph = lineage.graph()
            assert {run.name for run in lineage.runs(limit=None)} == {
                f"{kind}-{number}" for kind in ("work", "more") for number in range(runs)
            }
            assert {run.state for run in lineage.runs(limit=None)} == {"Completed"}
            assert sorted(edge.times for edge in graph.edges) == [1] * (3 * runs)
            numbers = sorted(v.number for v in lineage.versions("*/out", limit=None))
            assert numbers == list(range(runs))
        is_sound(self.url)


def is_sound(url: str) -> None:
    """What ``db check`` says."""
    with Store.open(url, readonly=True) as store:
        _, findings = store.check()
    assert findings == []


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


# -- killed ----------------------------------------------------------------------------------------


def _told_by(benchmark: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / benchmark), *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_forty_kills_at_random_moments_lose_and_double_nothing() -> None:
    told = _told_by("kill_storm.py", "--kills", "40", "--seed", str(random.randrange(10**6)))
    assert told["killed writers"] + told["killed loaders"] >= 40
    assert told["acknowledged"] > 0


def test_kills_of_writers_to_postgresql_lose_and_double_nothing(fresh_postgres_url: str) -> None:
    told = _told_by(
        "kill_storm.py", "--kills", "20", "--seed", str(random.randrange(10**6)), "--url", fresh_postgres_url
    )
    assert told["acknowledged"] > 0


# -- many at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("database", "writers"), [("sqlite", 8), ("postgresql", 16)])
def test_many_writers_lose_nothing_fail_never_and_number_without_gaps(
    request: pytest.FixtureRequest, database: str, writers: int
) -> None:
    given = ["--writers", str(writers), "--records", "100"]
    if database == "postgresql":
        given += ["--url", request.getfixturevalue("fresh_postgres_url")]
    told = _told_by("writers.py", *given)
    assert told["problems"] == told["drained"]["failed"] == told["direct"]["failed"] == 0
    assert told["journals left"] == 0


# -- the disk --------------------------------------------------------------------------------------


@contextmanager
def _disk(place: Path, options: str) -> Iterator[Path]:
    """A file system of its own."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a file system")
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "lineage-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return ballast


def test_records_that_a_full_disk_does_not_take_go_to_a_store_elsewhere(work: Work) -> None:
    with _disk(work.folder / "disk", "size=256k"):
        work.journal = work.folder / "disk" / "journal"
        work.journal.mkdir()
        _fill(work.folder / "disk")
        told = work.goes_well(work.start(5), 5, warnings=1)
    assert "Nothing can be written to" in told
    assert "No space left on device" in told
    work.is_whole(5)


def test_records_wait_in_memory_while_the_only_disk_is_full(work: Work) -> None:
    with _disk(work.folder / "disk", "size=2m"):
        work.journal = work.folder / "disk" / "journal"
        work.url = f"sqlite:///{work.folder}/disk/lineage.db"
        process = work.start(12, stepwise=True)
        for number in range(12):
            if number == 1:
                ballast = _fill(work.folder / "disk")
            elif number == 10:
                ballast.unlink()
            _step(process)
        told = work.goes_well(process, 12, warnings=1)
        with Lineage(work.url) as lineage:
            lineage.sync(work.journal)
        work.is_whole(12)
    assert "disk is full" in told or "No space left on device" in told


def _step(process: subprocess.Popen[str]) -> None:
    assert process.stdout.readline().startswith("done")
    process.stdin.write("go on\n")
    process.stdin.flush()


def test_a_read_only_directory_for_journals_is_one_warning_and_no_loss(work: Work) -> None:
    with _disk(work.folder / "disk", "size=256k"):
        work.journal = work.folder / "disk" / "journal"
        subprocess.run(["mount", "-o", "remount,ro", str(work.folder / "disk")], check=True)
        told = work.goes_well(work.start(3), 3, warnings=1)
    assert "Read-only file system" in told
    work.is_whole(3)


def test_where_neither_disk_nor_store_takes_anything_the_work_goes_on(work: Work) -> None:
    with _disk(work.folder / "disk", "size=256k"):
        work.journal = work.folder / "disk" / "journal"
        work.url = f"sqlite:///{work.folder}/disk/lineage.db"
        subprocess.run(["mount", "-o", "remount,ro", str(work.folder / "disk")], check=True)
        told = work.goes_well(work.start(3), 3, warnings=2)
    assert "lineage records are lost" in told


# -- the store -------------------------------------------------------------------------------------


def test_a_database_that_is_away_for_the_whole_time_is_one_warning_and_sync_brings_it_all(
    work: Work, fresh_postgres_url: str
) -> None:
    away = Work(work.folder)
    away.url = "postgresql://nobody@127.0.0.1:9/lineage"
    told = away.goes_well(away.start(3), 3, warnings=1)
    assert f"lineage records wait in {work.journal} for the store; `prefect-lineage sync`" in told
    work.url = fresh_postgres_url
    with Lineage(work.url) as lineage:
        assert lineage.sync(work.journal).files == 1
    work.is_whole(3)


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT], ids=["crash", "restart"])
def test_a_postgresql_that_is_restarted_in_the_middle_has_everything_once(
    work: Work, how: signal.Signals
) -> None:
    try:
        server = PostgresServer({"fsync": "on", "synchronous_commit": "on"})
    except PostgresUnavailable as error:
        pytest.skip(f"no PostgreSQL: {error}")
    try:
        work.url = server.create()
        process = work.start(6, stepwise=True)
        for number in range(6):
            if number == 2:
                server.halt(how)
            if number == 4:
                server.start()
            _step(process)
        told = work.goes_well(process, 6, warnings=1)
        assert "lineage records wait in" in told
        with Lineage(work.url) as lineage:
            lineage.sync(work.journal)
        work.is_whole(6)
    finally:
        server.stop()


def test_connections_that_are_cut_at_any_moment_double_nothing(
    postgres: PostgresServer, fresh_postgres_url: str, tmp_path: Path
) -> None:
    journal = Journal(tmp_path)
    drain = Drain(journal, lambda: Store.open(fresh_postgres_url))
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        f" AND datname = '{fresh_postgres_url.rpartition('/')[2]}'"
    )
    for number in range(300):
        journal.append(_record(f"r{number}", f"{number}"))
        if number % 30 == 0:
            drain.flush(0.2)
            postgres.execute(cut)
    assert any(drain.flush(20) == 0 for _ in range(20))
    drain.close()
    with Store.open(fresh_postgres_url, readonly=True) as store:
        graph = store.graph()
        assert sorted(edge.times for edge in graph.edges) == [1] * 300
        assert sorted(version.number for version in graph.versions) == list(range(300))


def test_a_store_that_somebody_locks_for_the_whole_time_is_one_warning(work: Work) -> None:
    Store.open(work.url).close()
    with Store.open(work.url) as store, store._database.writing():
        told = work.goes_well(work.start(1), 1, warnings=1)
    assert "locked by another process" in told
    with Lineage(work.url) as lineage:
        lineage.sync(work.journal)
    work.is_whole(1)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_store_that_goes_while_a_program_runs_is_made_anew_and_has_everything(work: Work, how: str) -> None:
    process = work.start(4, stepwise=True)
    for number in range(4):
        if number == 2:
            if how == "replaced":
                other = work.folder / "other.db"
                Store.open(f"sqlite:///{other}").close()
                other.replace(work.store)
            for file in work.store.parent.glob("lineage.db*"):
                if how == "deleted" or file != work.store:
                    file.unlink()
        _step(process)
    work.goes_well(process, 4, warnings=0)
    work.is_whole(4)
    assert list(work.journal.iterdir()) == []


def test_a_place_with_spaces_and_other_letters_is_a_place(tmp_path: Path) -> None:
    work = Work(tmp_path / "Übung 100% & 日本 #1")
    work.goes_well(work.start(2), 2, warnings=0)
    work.is_whole(2)
    assert work.store.exists()


# -- what is on the disk ---------------------------------------------------------------------------


def _record(run: str, digest: str, at: int = 0) -> Record:
    place = Location("file://h", "/shared", "file:///shared")
    edge = EdgeRecord(place, Content(f"blake3:{digest}"), "output", "observed", "open", at=at)
    return Record(RunRecord(run, "task", job="job"), 1, (edge,))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), damage=st.binary(min_size=1, max_size=200), cut=st.booleans())
def test_whatever_happens_to_a_part_of_a_journal_the_other_lines_are_loaded(
    tmp_path_factory, place: float, damage: bytes, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    journal = Journal(folder)
    ends = []
    for number in range(8):
        journal.append(_record(f"r{number}", f"{number}"))
        ends.append(journal.size)
    path = journal.path
    journal.close()
    data = bytearray(path.read_bytes())
    start = int(place * len(data))
    data[start : start + len(damage)] = damage
    path.write_bytes(data[: start + len(damage)] if cut else data)
    end_of_damage = len(data) if cut else start + len(damage)
    spans = enumerate(itertools.pairwise([0, *ends]))
    touched = {n for n, (begin, end) in spans if end > start and begin <= end_of_damage}
    with Store.open("sqlite://") as store:
        report = sync(folder, store)
        known = {run.id for run in store.runs()}
    assert {f"r{number}" for number in range(8) if number not in touched} <= known
    assert report.files == 1
    assert not path.exists()


# -- clocks ----------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_does_not_turn_the_order_of_a_process_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = now()
    records = []
    for number, clock in enumerate([1_000_000, 2_000_000, 500_000, 500_001, 3_000_000]):
        monkeypatch.setattr(time, "time_ns", lambda clock=clock: (begun + clock) * 1000)
        records.append(_record(f"r{number}", f"{number}", at=now()))
        with Store.open("sqlite://") as store:
            store.apply(reversed(records))  # as journals that come in any order
            latest = [version.digest for version in store.versions() if "latest" in version.aliases]
        assert latest == [f"blake3:{number}"]


def test_machines_whose_clocks_differ_make_one_store_in_any_order(tmp_path: Path) -> None:
    hour = 3_600_000_000
    ahead = [_record(f"ahead-{n}", f"a{n}", at=10 * hour + n) for n in range(3)]
    behind = [_record(f"behind-{n}", f"b{n}", at=9 * hour + n) for n in range(3)]
    found = []
    for order in (ahead + behind, behind + ahead):
        with Store.open("sqlite://") as store:
            for record in order:
                store.apply([record])
            versions = store.versions()
            assert sorted(version.number for version in versions) == list(range(6))
            found.append([version.digest for version in versions if "latest" in version.aliases])
    assert found == [["blake3:a2"], ["blake3:a2"]]  # by the clocks that they have


# -- the end of a process --------------------------------------------------------------------------


def test_threads_that_still_record_while_the_process_ends_lose_nothing(work: Work) -> None:
    script = """
import os, sys, threading, time
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store
from pathlib import Path
journal = Journal(Path(sys.argv[1]))
drain = Drain(journal, lambda: Store.open(sys.argv[2]))
def write(thread):
    for number in range(10**6):
        journal.append(Record(RunRecord(f"{thread}-{number}", "task")))
        os.write(1, f"{thread}-{number}\\n".encode())
for thread in range(3):
    threading.Thread(target=write, args=(thread,), daemon=True).start()
time.sleep(0.4)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, work.journal, work.url], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Store.open(work.url) as store:
        sync(work.journal, store)
        with store._database.reading() as connection:
            known = set(connection.execute(sa.select(runs.c.uuid)).scalars())
    assert set(done.stdout.splitlines()[:-1]) <= known
    assert len(known) > 3


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # 3.12 warns of what is tested here
def test_a_fork_in_the_middle_of_everything_leaves_both_processes_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lineage.db"
    journal = Journal(tmp_path / "journal")
    drain = Drain(journal, lambda: Store.open(url))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            journal.append(_record(f"parent-{number}", f"{number}"))
            number += 1
            time.sleep(0.001)

    thread = threading.Thread(target=write)
    thread.start()
    children = []
    for child in range(8):
        time.sleep(0.05)
        pid = os.fork()
        if pid == 0:
            for number in range(20):
                journal.append(_record(f"child-{child}-{number}", f"c{child}-{number}"))
            os._exit(0 if drain.close(60) == 0 else 1)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    stop.set()
    thread.join()
    assert codes == [0] * 8
    assert drain.close(60) == 0
    with Store.open(url, readonly=True) as store:
        ids = {run.id for run in store.runs()}
        assert {f"child-{child}-{number}" for child in range(8) for number in range(20)} <= ids
        assert all(edge.times == 1 for edge in store.graph().edges)


def test_two_threads_that_fork_at_once_leave_the_drain_at_work(work) -> None:
    # what is registered first is called last before a fork: this thread waits there while the other one forks
    script = """
import os, sys, threading
from pathlib import Path

inside, go_on = threading.Event(), threading.Event()

def wait() -> None:
    if threading.current_thread() is slow:
        inside.set()
        go_on.wait(30)

os.register_at_fork(before=wait)

from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store

def fork() -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)

journal = Journal(Path(sys.argv[1]))
drain = Drain(journal, lambda: Store.open(sys.argv[2]))
slow = threading.Thread(target=fork)
slow.start()
inside.wait(30)
fork()
go_on.set()
slow.join()
journal.append(Record(RunRecord("after", "task", job="j"), 1))
print(drain.close(20))
"""
    quiet = ["-W", "ignore::DeprecationWarning"]  # 3.12 warns of what is tested here
    command = [sys.executable, *quiet, "-c", script, work.journal, work.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    with Store.open(work.url, readonly=True) as store:
        assert [run.id for run in store.runs()] == ["after"]
