from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prefect_lineage.store.journal as journal_module
from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal, read_lines
from prefect_lineage.store.lines import NewerLine, decode, encode
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import SyncReport, sync


@pytest.fixture(autouse=True)
def every_warning_is_the_first():
    journal_module._warned.clear()
    yield
    journal_module._warned.clear()


@pytest.fixture
def place(tmp_path: Path) -> SimpleNamespace:
    return SimpleNamespace(
        directory=tmp_path / "journal", url=f"sqlite:///{tmp_path}/store/lineage.db", path=tmp_path
    )


def _left_behind(directory: Path, *records: Record, tail: bytes = b"") -> Path:
    """A journal whose process is gone."""
    journal = Journal(directory)
    for record in records:
        journal.append(record)
    path = journal.path
    journal.close()
    with path.open("ab") as stream:
        stream.write(tail)
    return path


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_details_make_a_line_that_can_be_read(details: object) -> None:
    line = encode(Record(RunRecord("r", details={"value": details})))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line).run.id == "r"


def test_a_record_comes_back_from_its_line_as_it_was(make) -> None:
    record = make.run(
        "r", make.write("/x", "aa", schema=(("a", "int"),), aliases=("b",), metadata={"k": [1]}), attempt=2
    )
    assert decode(encode(record)) == record


def test_things_that_json_lacks_become_text() -> None:
    record = Record(
        RunRecord("r", details={"path": Path("/x"), "big": 2**80, "lone": "\udc80", "set": {2, 1}})
    )
    assert decode(encode(record)).run.details == {
        "path": "/x",
        "big": str(2**80),
        "lone": "\\udc80",
        "set": [1, 2],
    }


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"null", b"rubbish", b'{"run": {}, "attempt": 1, "edges": []}', b""]
)
def test_a_line_without_a_record_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several causes, one meaning
        decode(line)


def test_a_line_of_a_newer_release_is_told_apart() -> None:
    with pytest.raises(NewerLine):
        decode(b'{"format": 99, "something": "else"}')


def test_no_file_is_made_before_the_first_record(place) -> None:
    Journal(place.directory).close()
    assert not place.directory.exists()


def test_threads_append_whole_lines(place, make) -> None:
    journal = Journal(place.directory)
    records = [make.run(f"{thread}", name="x" * 5000) for thread in range(8)]
    threads = [threading.Thread(target=lambda r=r: [journal.append(r) for _ in range(50)]) for r in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch = read_lines(journal.path, 0, 1 << 30)
    assert len(batch.lines) == 400
    assert batch.rest == 0
    assert batch.lines[-1][0] == journal.size
    assert {decode(line).run.id for _, line in batch.lines} == {str(n) for n in range(8)}
    journal.close()


def test_only_the_owner_may_read_the_file(place, make) -> None:
    path = _left_behind(place.directory, make.run("r"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_lines_are_read_in_blocks_and_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b"first line\n" + b"second\n" + b"torn")
    assert read_lines(path, 0, 3).lines == [(11, b"first line\n")]
    assert read_lines(path, 11, 100).lines == [(18, b"second\n")]
    assert read_lines(path, 18, 100) == journal_module.Batch([], 4)


@contextmanager
def _file_size_limit(size: int):
    """As on a full disk: a write gets in part of what it was given, then nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_a_full_disk_did_not_take_comes_to_it_later_with_one_warning(place, make, caplog) -> None:
    journal = Journal(place.directory)
    journal.append(make.run("before"))
    with _file_size_limit(journal.size + 20):
        journal.append(make.run("kept"))
        journal.append(make.run("kept too"))
    assert journal.kept == 2
    journal.append(make.run("after"))
    assert journal.close() == 0
    with Store.open(place.url) as store:
        report = sync(place.directory, store)
        assert {run.id for run in store.runs()} == {"before", "kept", "kept too", "after"}
    assert (report.records, report.rejected) == (4, 0)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_a_directory_that_cannot_be_made_is_one_warning_and_no_exception(
    tmp_path: Path, make, caplog
) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal")
    for _ in range(3):
        journal.append(make.run("r"))
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_the_drain_brings_records_into_the_store(place, make) -> None:
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    for number in range(1200):
        journal.append(make.run(f"r{number}"))
    assert drain.flush(60) == 0
    with Store.open(place.url, readonly=True) as store:
        assert len(store.runs()) == 1200
    journal.append(make.run("later"))
    assert drain.close() == 0
    assert list(place.directory.iterdir()) == []
    with Store.open(place.url, readonly=True) as store:
        assert len(store.runs()) == 1201


def test_a_drain_without_records_opens_nothing(place) -> None:
    drain = Drain(Journal(place.directory), lambda: Store.open(place.url))
    assert drain.flush(5) == 0
    assert drain.close() == 0
    assert list(place.path.iterdir()) == []


def _flushed(drain: Drain) -> bool:
    """A flush waits for a store that has failed before only a little, and this machine may be slow."""
    return any(drain.flush(30) == 0 for _ in range(20))


def test_a_store_that_is_away_keeps_the_journal_and_warns_once(place, make, caplog) -> None:
    (place.path / "store").write_text("a file where the directory should be")
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    for number in range(3):
        journal.append(make.run(f"r{number}"))
    for _ in range(2):
        drain.complain(drain.flush(0.6))
    assert f"3 lineage records wait in {place.directory} for the store" in caplog.text
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    (place.path / "store").unlink()
    assert _flushed(drain)
    with Store.open(place.url, readonly=True) as store:
        assert len(store.runs()) == 3
    drain.close()


def test_a_locked_store_is_waited_for(place, make) -> None:
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    with Store.open(place.url) as store:
        with store._database.writing():
            journal.append(make.run("r"))
            assert drain.flush(0.3) == 1
        assert drain.flush(30) == 0
    drain.close()


def test_a_drain_is_usable_after_it_was_closed(place, make) -> None:
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    for name in ("one", "two"):
        journal.append(make.run(name))
        assert drain.close() == 0
    with Store.open(place.url, readonly=True) as store:
        assert {run.id for run in store.runs()} == {"one", "two"}


def test_a_large_drained_journal_is_replaced(place, make, monkeypatch) -> None:
    monkeypatch.setattr(journal_module, "ROTATE_BYTES", 500)
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    for number in range(40):
        journal.append(make.run(f"r{number}"))
        if number % 10 == 9:
            assert drain.flush(30) == 0
    deadline = time.monotonic() + 10
    while journal.size and time.monotonic() < deadline:  # it is replaced right after the flush
        time.sleep(0.01)
    assert list(place.directory.iterdir()) == []
    drain.close()
    with Store.open(place.url, readonly=True) as store:
        assert len(store.runs()) == 40


def test_a_record_that_the_store_refuses_is_set_aside_and_the_others_are_kept(place, make, caplog) -> None:
    bad = make.run("bad", make.write("/x", "aa", times=2**63 - 1), make.write("/x", "aa", times=2**63 - 1))
    path = _left_behind(place.directory, make.run("one"), bad, make.run("two"))
    with Store.open(place.url) as store:
        report = sync(place.directory, store)
        assert {run.id for run in store.runs()} == {"one", "two"}
    assert (report.records, report.rejected, report.files) == (2, 1, 1)
    assert path.with_suffix(".rejected").read_bytes() == encode(bad)
    assert "cannot be stored" in caplog.text


def test_sync_loads_what_ended_processes_left_and_deletes_it(place, make) -> None:
    _left_behind(place.directory, make.run("one"), make.run("two"))
    _left_behind(place.directory, make.run("three"), tail=b'{"run": {"id": "to')
    with Store.open(place.url) as store:
        assert sync(place.directory, store) == SyncReport(files=2, records=3, torn=1)
        assert {run.id for run in store.runs()} == {"one", "two", "three"}
        assert sync(place.directory, store) == SyncReport()
    assert list(place.directory.iterdir()) == []


def test_sync_of_a_copy_changes_nothing(place, make, tmp_path: Path) -> None:
    path = _left_behind(place.directory, make.run("r", make.read("/x", "aa")))
    carried = tmp_path / "carried" / path.name
    carried.parent.mkdir()
    carried.write_bytes(path.read_bytes())
    with Store.open(place.url) as store:
        assert sync(place.directory, store).records == 1
        assert sync(carried.parent, store) == SyncReport(files=1, records=0)
        assert store.graph().edges[0].times == 1


def test_sync_leaves_the_journal_of_a_living_process_alone(place, make) -> None:
    journal = Journal(place.directory)
    journal.append(make.run("r"))
    with Store.open(place.url) as store:
        assert sync(place.directory, store) == SyncReport(busy=1)
        assert store.runs() == []
        journal.close()
        assert sync(place.directory, store).records == 1


def test_sync_stops_at_a_line_of_a_newer_release(place, make) -> None:
    path = _left_behind(place.directory, make.run("one"), tail=b'{"format": 99}\n' + encode(make.run("two")))
    with Store.open(place.url) as store:
        assert sync(place.directory, store) == SyncReport(records=1, newer=1)
        assert [run.id for run in store.runs()] == ["one"]
    assert path.exists()


def test_sync_past_rubbish_in_the_middle(place, make) -> None:
    _left_behind(
        place.directory, make.run("one"), tail=b"\x00\xff \r rubb\r\nish\n\n" + encode(make.run("two"))
    )
    with Store.open(place.url) as store:
        assert sync(place.directory, store) == SyncReport(files=1, records=2, rejected=2)


def test_sync_of_a_directory_that_is_not_there_finds_nothing(place) -> None:
    with Store.open(place.url) as store:
        assert sync(place.path / "nowhere", store) == SyncReport()


def test_a_store_that_fails_keeps_the_journal(place, make) -> None:
    path = _left_behind(place.directory, make.run("one"))
    Store.open(place.url).close()
    with Store.open(place.url, readonly=True) as store, pytest.raises(StoreError):
        sync(place.directory, store)
    assert path.exists()


SCRIPT = """
import os, sys
from pathlib import Path
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store
directory, url, how = sys.argv[1:]
journal = Journal(Path(directory))
drain = Drain(journal, lambda: Store.open(url))
for number in range(300):
    journal.append(Record(RunRecord(f"r{number}", "task")))
if how == "killed":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_nothing_that_was_appended_is_lost_when_the_process_ends(place, how: str) -> None:
    code = subprocess.run(
        [sys.executable, "-c", SCRIPT, place.directory, place.url, how], check=False
    ).returncode
    assert code == (0 if how == "ended" else -signal.SIGKILL)
    with Store.open(place.url) as store:
        if how == "killed":
            sync(place.directory, store)
        assert len(store.runs()) == 300
    assert os.listdir(place.directory) == []


def test_a_flush_does_not_wait_for_what_is_no_lineage_store(tmp_path: Path, make) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("not a database")
    journal = Journal(tmp_path / "journal")
    drain = Drain(journal, lambda: Store.open(f"sqlite:///{foreign}"))
    journal.append(make.run("a"))
    try:
        assert drain.flush(timeout=3_600) == 1
    finally:
        drain.close(timeout=1)
    assert foreign.read_text() == "not a database"


_WAITING = """
import itertools, random, sys, threading
from pathlib import Path
from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal

tried_again, tries = threading.Event(), itertools.count()

def open_store():
    if next(tries) == 2:
        tried_again.set()
    raise StoreError("it is away")

journal = Journal(Path(sys.argv[1]))
drain = Drain(journal, open_store)
before = random.getstate()
journal.append(Record(RunRecord("r", kind="task", name="r", job="flow.task")))
assert drain.flush(timeout=1) == 1
assert tried_again.wait(60)
drain.close(timeout=1)
assert random.getstate() == before
"""


def test_waiting_for_a_store_takes_none_of_the_users_random_numbers(tmp_path: Path) -> None:
    # a process of its own: here, threads of Prefect that outlive other tests draw random numbers
    command = [sys.executable, "-c", _WAITING, str(tmp_path / "journal")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_flush_returns_after_one_try_of_a_store_that_cannot_be_used(place, make) -> None:
    (place.path / "store").write_text("a file where the directory should be")
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    journal.append(make.run("r"))
    try:
        assert drain.flush(timeout=3_600) == 1
        begun = time.monotonic()
        assert drain.flush(timeout=3_600) == 1
        assert time.monotonic() - begun < 5
    finally:
        drain.close(timeout=1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # 3.12 warns of what is tested here
def test_neither_a_fork_nor_the_end_waits_long_for_a_locked_store(place, make) -> None:
    journal = Journal(place.directory)
    drain = Drain(journal, lambda: Store.open(place.url))
    with Store.open(place.url) as store, store._database.writing():
        journal.append(make.run("r"))
        assert drain.flush(0.3) == 1
        begun = time.monotonic()
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert time.monotonic() - begun < 1
        begun = time.monotonic()
        assert drain.close(1) == 1
        assert time.monotonic() - begun < 2
