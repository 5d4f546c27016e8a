"""Whose a journal is: while its owner may live nobody deletes it, and nobody else's file is written to."""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import operator
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_lineage.store.journal import Journal, owner_may_live
from prefect_lineage.store.lines import encode
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import SyncReport, sync


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network file systems answer."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_deleted_journal_is_begun_anew(tmp_path: Path, store: Store, make) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(make.run("lost with the file"))
    journal.path.unlink()
    journal.append(make.run("kept"))
    journal.close()
    assert sync(journal.directory, store) == SyncReport(files=1, records=1)
    assert [run.id for run in store.runs()] == ["kept"]


def test_a_descriptor_that_became_somebody_elses_is_neither_written_to_nor_closed(
    tmp_path: Path, store: Store, make
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(make.run("before"))
    path, descriptor = journal.path, journal._fd
    os.close(descriptor)  # as os.closerange(3, …) does in many a daemon
    theirs = os.open(tmp_path / "theirs", os.O_CREAT | os.O_RDWR)
    assert theirs == descriptor
    journal.append(make.run("after"))
    assert journal.path == path
    os.write(theirs, b"still open")
    os.close(theirs)
    journal.close()
    assert (tmp_path / "theirs").read_bytes() == b"still open"
    assert sync(journal.directory, store) == SyncReport(files=1, records=2)


def test_a_journal_that_lost_its_lock_and_was_loaded_goes_on_in_a_new_file(
    tmp_path: Path, store: Store, make
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(make.run("before"))
    os.close(journal._fd)
    assert sync(journal.directory, store) == SyncReport(files=1, records=1)
    journal.append(make.run("after"))
    assert sync(journal.directory, store) == SyncReport(busy=1)
    journal.close()
    assert sync(journal.directory, store) == SyncReport(files=1, records=1)


def test_a_file_has_no_journals_name_before_it_is_locked(tmp_path: Path, make, monkeypatch) -> None:
    journal, lock = Journal(tmp_path / "journal"), fcntl.flock
    seen: list[list[Path]] = []

    def watched(*arguments: int) -> None:
        seen.append(list(journal.directory.glob("*.jsonl")))
        lock(*arguments)

    monkeypatch.setattr(fcntl, "flock", watched)
    journal.append(make.run("r"))
    journal.close()
    assert seen == [[]]


def test_without_locks_the_journal_of_a_living_process_is_busy(
    tmp_path: Path, store: Store, make, no_locks: None
) -> None:
    journal = Journal(tmp_path / "journal")
    for name in ("one", "two"):
        journal.append(make.run(name))
        assert sync(journal.directory, store) == SyncReport(busy=1)
    os.close(journal._fd)
    journal.append(make.run("three"))
    assert len(journal.path.read_bytes().splitlines()) == 3
    journal.close()


def test_without_locks_a_journal_of_a_process_that_is_gone_is_loaded(
    tmp_path: Path, store: Store, make, no_locks: None
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = os.uname().nodename
    path = tmp_path / "journal" / f"some.{gone.pid}@{host}.jsonl"
    path.parent.mkdir()
    path.write_bytes(encode(make.run("r")))
    assert sync(path.parent, store) == SyncReport(files=1, records=1)


def test_without_locks_nobody_knows_whether_an_unnamed_or_foreign_owner_lives(
    tmp_path: Path, store: Store, make, no_locks: None
) -> None:
    for name in ("some.jsonl", "some.1@elsewhere.jsonl"):
        (tmp_path / name).write_bytes(encode(make.run("r")))
        assert owner_may_live(tmp_path / name, locked=False)
        assert not owner_may_live(tmp_path / name, locked=True)
    assert sync(tmp_path, store) == SyncReport(busy=2)


@pytest.mark.parametrize(
    "spoilt",
    [
        (("run", "state"), 5),
        (("edges", 0, "times"), "many"),
        (("edges", 0, "content", "digest"), [1]),
        (("edges", 0, "at"), "noon"),
        (("run", "details"), 3),
        (("edges", 0, "metadata"), [1]),
        (("edges", 0, "aliases"), [{}]),
        (("edges", 0, "content", "covers"), {}),
        (("edges", 0, "content", "format"), []),
        (("edges", 0, "content"), None),
        (("run", "novelty"), 1),
    ],
)
def test_one_line_of_the_wrong_types_does_not_block_the_rest(
    tmp_path: Path, store: Store, make, spoilt: tuple[tuple[str | int, ...], object]
) -> None:
    bad = json.loads(encode(make.run("bad", make.write("/x", "aa"))))
    (*way, last), value = spoilt
    functools.reduce(operator.getitem, way, bad)[last] = value
    lines = [encode(make.run("one")), json.dumps(bad).encode() + b"\n", encode(make.run("two"))]
    path = tmp_path / "journal" / "some.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"".join(lines))
    assert sync(path.parent, store) == SyncReport(files=1, records=2, rejected=1)
    assert {run.id for run in store.runs()} == {"one", "two"}
    rejected = path.with_suffix(".rejected")
    assert rejected.read_bytes() == lines[1]
    assert rejected.stat().st_mode & 0o777 == 0o600
