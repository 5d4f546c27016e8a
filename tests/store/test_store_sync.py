"""Journals on their way: copied, renamed, cut short, in an object store, loaded by several at once."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store import loading
from prefect_lineage.store.journal import Journal, journal_id
from prefect_lineage.store.lines import Postponed, encode
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import SyncReport, sync


def _record(name: str, digest: str = "aa") -> Record:
    place = Location("file://h", "/shared", "file:///shared")
    edge = EdgeRecord(place, Content(f"blake3:{digest}"), "output", "observed", "open")
    return Record(RunRecord(name, "task", job="job"), 1, (edge,))


def _left_behind(directory: Path, *records: Record) -> Path:
    journal = Journal(directory)
    for record in records:
        journal.append(record)
    path = journal.path
    journal.close()
    return path


def _times(store: Store) -> dict[str, int]:
    return {edge.run: edge.times for edge in store.graph().edges}


@pytest.mark.parametrize("name", ["worker-7-{}.jsonl", "{} (1).jsonl", "{}.copy.jsonl"])
def test_a_copy_under_another_name_is_known_to_be_one(tmp_path: Path, store: Store, name: str) -> None:
    path = _left_behind(tmp_path / "one", _record("r"))
    (tmp_path / "two").mkdir()
    shutil.copy(path, tmp_path / "two" / name.format(journal_id(path)))
    assert sync(tmp_path / "one", store).records == 1
    assert sync(tmp_path / "two", store).records == 0
    assert _times(store) == {"r": 1}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 1500), max_size=4),
    batches=st.lists(st.sampled_from([1, 2, 3, 500]), min_size=5, max_size=5),
)
def test_copies_of_any_length_in_any_order_and_batches_make_the_same_store(
    tmp_path_factory, cuts: list[int], batches: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("copies")
    path = _left_behind(folder / "whole", *(_record(f"r{number}") for number in range(6)))
    data = path.read_bytes()
    with Store.open("sqlite://") as store, pytest.MonkeyPatch.context() as patch:
        for number, cut in enumerate([*cuts, len(data)]):
            patch.setattr(loading, "BATCH_RECORDS", batches[number])
            copy = folder / str(number) / path.name
            copy.parent.mkdir()
            copy.write_bytes(data[:cut])
            sync(copy.parent, store)
        assert _times(store) == {f"r{number}": 1 for number in range(6)}


def test_what_a_copy_brought_meanwhile_is_not_brought_again(tmp_path: Path, store: Store) -> None:
    path = _left_behind(tmp_path, *(_record(f"r{number}") for number in range(4)))
    ours = loading.Loaded(0)
    lines = path.read_bytes().splitlines(keepends=True)
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    copy.write_bytes(b"".join(lines[:2]))
    assert sync(copy.parent, store).records == 2
    while loading.load(store, path, ours):
        pass
    assert ours.records == 2
    assert _times(store) == {f"r{number}": 1 for number in range(4)}


@pytest.mark.parametrize(
    ("held_s", "sizes"), [(0.0, [8, 8, 8]), (1.0, [8, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])]
)
def test_a_slow_store_is_given_smaller_batches_so_that_others_wait_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_s: float, sizes: list[int]
) -> None:
    path = _left_behind(tmp_path, *(_record(f"r{number}", f"{number}") for number in range(24)))
    monkeypatch.setattr(loading, "BATCH_RECORDS", 8)
    seen: list[int] = []

    class Slow(Store):
        def apply(self, records, **rest) -> bool:
            seen.append(len(records))
            done = super().apply(records, **rest)
            self.held_s = held_s
            return done

    with Slow.open("sqlite://") as store:
        loaded = loading.Loaded(0)
        while loading.load(store, path, loaded):
            pass
        assert seen[: len(sizes)] == sizes
        assert _times(store) == {f"r{number}": 1 for number in range(24)}


def _sync_all(url: str, directory: Path) -> None:
    with Store.open(url) as store:
        for folder in sorted(directory.iterdir(), reverse=os.getpid() % 2 == 0):
            sync(folder, store)


def test_several_processes_load_copies_of_the_same_journals_at_once(tmp_path: Path) -> None:
    url, places = f"sqlite:///{tmp_path}/lineage.db", tmp_path / "places"
    for number in range(6):
        records = [_record(f"r{number}-{each}", f"{number:02x}") for each in range(40)]
        path = _left_behind(places / f"{number}", *records)
        for copy in ("a", "b"):
            (places / f"{number}{copy}").mkdir()
            shutil.copy(path, places / f"{number}{copy}")
    context = multiprocessing.get_context("spawn")
    loaders = [context.Process(target=_sync_all, args=(url, places)) for _ in range(3)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join(120)
    assert [loader.exitcode for loader in loaders] == [0, 0, 0]
    with Store.open(url, readonly=True) as store:
        assert _times(store) == {f"r{number}-{each}": 1 for number in range(6) for each in range(40)}
        assert sorted(version.number for version in store.versions()) == list(range(6))
    assert list(places.rglob("*.jsonl")) == []


def test_an_empty_file_of_a_process_that_was_killed_before_it_had_a_journal_is_removed(
    tmp_path: Path, store: Store
) -> None:
    for name in ("old.new", "young.new"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "old.new", (1, 1))
    (tmp_path / "full.new").write_bytes(encode(_record("r")))
    assert sync(tmp_path, store) == SyncReport()
    assert sorted(path.name for path in tmp_path.glob("*.new")) == ["full.new", "young.new"]


# -- records that are told twice ----------------------------------------------------------------------------


def _postponed(key: str = "k1") -> Postponed:
    return Postponed(key, _record("r", "unknown yet"), ({"edge": 0},))


def _digests(store: Store) -> list[str]:
    return [version.digest for version in store.versions()]


def test_a_postponed_record_counts_when_it_is_settled(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path)
    journal.postpone(_postponed())
    journal.append(_record("other"))
    journal.settle("k1", _record("r", "known"))
    assert journal.unsettled == 0
    journal.close()
    assert sync(tmp_path, store) == SyncReport(files=1, records=2)
    assert sorted(_digests(store)) == ["blake3:aa", "blake3:known"]
    assert _times(store) == {"r": 1, "other": 1}


def test_a_postponed_record_of_a_killed_process_counts_once_as_far_as_it_is_known(
    tmp_path: Path, store: Store
) -> None:
    journal = Journal(tmp_path / "one")
    journal.postpone(_postponed())
    path = journal.path
    journal.close()
    for name in ("two", "three"):
        (tmp_path / name).mkdir()
        shutil.copy(path, tmp_path / name)
    assert [sync(tmp_path / name, store).records for name in ("one", "two")] == [1, 0]
    with (tmp_path / "three" / path.name).open("ab") as stream:  # the copy had been made too early
        stream.write(encode(_record("r", "known"), settles="k1"))
    sync(tmp_path / "three", store)
    assert _times(store) == {"r": 1}
    assert _digests(store) == ["blake3:unknown yet"]


def test_sync_may_finish_what_was_postponed(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path)
    journal.postpone(_postponed())
    journal.close()
    seen = []

    def finish(postponed: Postponed) -> Record:
        seen.append(postponed.missing)
        return _record("r", "known")

    assert sync(tmp_path, store, finish).records == 1
    assert seen == [({"edge": 0},)]
    assert _digests(store) == ["blake3:known"]


def test_a_journal_with_postponed_records_is_not_replaced(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.postpone(_postponed())
    assert not journal.rotate(journal.size, always=True)
    journal.settle("k1", _record("r"))
    assert journal.rotate(journal.size, always=True)
    journal.close()


# -- object stores ------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A bucket of a real S3 endpoint, and a file system that speaks to it."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(port=0)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # it remembers the endpoint of the test before
    files = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True)
    s3fs.S3FileSystem.clear_instance_cache()  # what an earlier test left there speaks to its own endpoint
    try:
        files.mkdir("lineage")
        yield SimpleNamespace(files=files, url="s3://lineage/worker 7/journals")
    finally:
        urlopen(f"{endpoint}/moto-api/reset", data=b"")
        server.stop()


def test_journals_in_a_bucket_are_loaded_once_and_stay_there(
    tmp_path: Path, bucket: SimpleNamespace, url: str
) -> None:
    path = _left_behind(tmp_path / "j", _record("one"), _record("two"))
    other = _left_behind(tmp_path / "j", _record("three"))
    bucket.files.put([str(path), str(other)], bucket.url.removeprefix("s3://") + "/")
    bucket.files.pipe("lineage/worker 7/journals/notes.txt", b"no journal")
    with Lineage(url) as lineage:
        assert lineage.sync(bucket.url) == SyncReport(files=2, records=3)
        assert lineage.sync(bucket.url) == SyncReport()
        with path.open("ab") as stream:
            stream.write(encode(_record("four")))
        bucket.files.put_file(str(path), f"lineage/worker 7/journals/{path.name}")
        assert lineage.sync(f"{bucket.url}/{path.name}") == SyncReport(files=1, records=1)
        assert {run.id for run in lineage.runs()} == {"one", "two", "three", "four"}
    assert len(bucket.files.ls("lineage/worker 7/journals")) == 3


def test_a_place_that_is_not_there_is_one_sentence(url: str) -> None:
    with Lineage(url) as lineage, pytest.raises(StoreError, match=r"^There is nothing at memory://nowhere/x"):
        lineage.sync("memory://nowhere/x")


def test_a_url_that_nothing_installed_can_read_is_one_sentence(url: str) -> None:
    with Lineage(url) as lineage, pytest.raises(StoreError, match=r"^what://x cannot be read: .*what"):
        lineage.sync("what://x")
