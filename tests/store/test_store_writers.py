from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store

PROCESSES, BATCHES, RECORDS = 4, 12, 5


def _record(writer: int, number: int) -> Record:
    """Everybody writes the same artifact; every third content is everybody's."""
    digest = f"blake3:{number:04x}" if number % 3 == 0 else f"blake3:{writer:02x}{number:04x}"
    place = Location("file://h", "/shared", "file:///shared")
    edge = EdgeRecord(place, Content(digest), "output", "observed", "open", name="shared")
    return Record(RunRecord(f"run-{writer}-{number}", "task", job=f"job-{number % 4}"), 1, (edge,))


def _write(url: str, writer: int) -> None:
    with Store.open(url) as store:
        for batch in range(BATCHES):
            numbers = range(batch * RECORDS, (batch + 1) * RECORDS)
            store.apply([_record(writer, number) for number in numbers])


def _all_ended(processes: list[multiprocessing.process.BaseProcess]) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def _assert_complete(url: str) -> None:
    total = BATCHES * RECORDS
    shared = len([number for number in range(total) if number % 3 == 0])
    with Store.open(url, readonly=True) as store:
        versions = store.versions()
        assert sorted(version.number for version in versions) == list(range(len(versions)))
        assert (
            len({version.digest for version in versions})
            == len(versions)
            == shared + PROCESSES * (total - shared)
        )
        assert len(store.runs()) == len(store.graph().edges) == PROCESSES * total
        assert {len(v.producer_ids) for v in versions} == {1, PROCESSES}


def test_four_processes_make_one_store_and_write_it_without_gaps_or_losses(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/lineage.db"
    context = multiprocessing.get_context("spawn")
    _all_ended([context.Process(target=_write, args=(url, writer)) for writer in range(PROCESSES)])
    _assert_complete(url)


def _fork(folder: Path) -> None:
    url = f"sqlite:///{folder}/lineage.db"
    journal = Journal(folder / "journal")
    drain = Drain(journal, lambda: Store.open(url))
    journal.append(_record(0, 0))
    assert drain.flush(30) == 0
    context = multiprocessing.get_context("fork")
    numbers = range(1, BATCHES * RECORDS)
    with Store.open(url) as store:
        assert len(store.runs()) == 1

        def write(writer: int) -> None:
            assert len(store.runs()) >= 1
            for number in numbers if writer == 0 else (0, *numbers):
                journal.append(_record(writer, number))

        _all_ended([context.Process(target=write, args=(writer,)) for writer in range(PROCESSES)])
        assert len(store.runs()) == PROCESSES * BATCHES * RECORDS
    drain.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork by default")
def test_forked_children_use_the_parents_store_and_drain(tmp_path: Path) -> None:
    # Where Prefect has run a flow, every forked child ends with exit code 1, ours or not: so in a clean process.
    _all_ended([multiprocessing.get_context("spawn").Process(target=_fork, args=(tmp_path,))])
    _assert_complete(f"sqlite:///{tmp_path}/lineage.db")
    assert list((tmp_path / "journal").iterdir()) == []
