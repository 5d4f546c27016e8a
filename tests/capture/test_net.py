"""The generic net: what it lets through, what it must not do to the user's calls."""

from __future__ import annotations

import builtins
import io
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.capture.attempt import Access, Attempt, late, pending
from prefect_lineage.capture.context import current
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.net import FAREWELL_LIMIT, FAREWELLS, Net
from prefect_lineage.capture.noise import Noise
from prefect_lineage.testing import captured


class NeverHashing(Digester):
    def _hash(self, place: str | int, size: int) -> bytes | None:
        raise AssertionError(f"{place} was hashed")


def caught(attempt: Attempt, net: Net) -> Any:
    """Run what follows inside the attempt; the caller takes the net in."""
    net.install()
    return current.set(attempt)


def test_removing_what_is_large_or_was_just_made_hashes_nothing(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(FAREWELL_LIMIT + 1)
    attempt, net = Attempt("run"), Net(NeverHashing())
    token = caught(attempt, net)
    try:
        os.remove(tmp_path / "large")
        (tmp_path / "made").write_text("x")
        os.remove(tmp_path / "made")
    finally:
        current.reset(token)
        net.remove()
    assert [access.operation for access in attempt.accesses] == ["delete", "write", "delete"]
    assert [access.before for access in attempt.accesses] == [None, None, None]


def test_what_was_there_before_is_known_by_its_content_when_it_is_removed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(FAREWELLS + 2):
        (tmp_path / "folder" / f"{number:03}").write_text("x")
    attempt, net = Attempt("run"), Net(Digester())
    token = caught(attempt, net)
    try:
        shutil.rmtree(tmp_path / "folder")  # it names files by their open folder
    finally:
        current.reset(token)
        net.remove()
    assert {access.operation for access in attempt.accesses} == {"delete"}
    assert {os.path.dirname(access.target) for access in attempt.accesses} == {str(tmp_path / "folder")}
    known = [access for access in attempt.accesses if access.before is not None]
    assert len(attempt.accesses) == FAREWELLS + 2
    assert len(known) == FAREWELLS


def test_files_are_known_by_the_open_folder_that_they_are_named_in(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    with captured(root=tmp_path) as seen:
        os.close(os.open("a", os.O_RDONLY, dir_fd=folder))
        os.rename("a", "b", src_dir_fd=folder, dst_dir_fd=folder)
        os.close(os.open("c", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
        os.remove("c", dir_fd=folder)
    os.close(folder)
    assert seen.lines == ["R a", "W b"]


def _read(path: Path, opening: Any = open, *, other: Any = open) -> str:
    with opening(path) as first, other(path) as second:
        return str(first.read() + second.read())


class Reader:
    def read(self, path: Path, opening: Any = io.open) -> str:
        with opening(path) as file:
            return str(file.read())


def test_open_is_seen_where_it_is_the_default_of_an_argument_and_is_put_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = (_read.__defaults__, _read.__kwdefaults__, Reader.read.__defaults__)
    with captured(root=tmp_path) as seen:
        _read(tmp_path / "a")
        Reader().read(tmp_path / "a")

        def made_meanwhile(opening: Any = open) -> Any:
            return opening

        globals()["made_meanwhile"] = made_meanwhile
    assert seen.edge("R a").times == 3
    assert (_read.__defaults__, _read.__kwdefaults__, Reader.read.__defaults__) == before
    assert globals().pop("made_meanwhile")() is open


def test_a_raw_file_is_seen_and_is_what_it_always_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    original = io.FileIO
    with captured(root=tmp_path) as seen:
        with io.FileIO(tmp_path / "a") as file, io.FileIO(str(tmp_path / "b"), mode="w") as made:
            made.write(file.read())
            assert type(file) is original
        with open(tmp_path / "a", "rb", buffering=0) as raw:
            assert isinstance(raw, io.FileIO)
        with pytest.raises(FileNotFoundError):
            io.FileIO(tmp_path / "absent")
    assert io.FileIO is original
    assert seen.vias == {"R a": "io.FileIO", "W b": "io.FileIO"}
    assert seen.edge("R a").times == 2


def test_renaming_a_directory_hashes_nothing(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("x")
    attempt, net = Attempt("run"), Net(NeverHashing())
    token = caught(attempt, net)
    try:
        os.rename(tmp_path / "d", tmp_path / "e")
    finally:
        current.reset(token)
        net.remove()
    assert [access.operation for access in attempt.accesses] == ["rename"]


def test_a_renamed_directory_is_an_input_without_a_digest_and_an_output_with_one(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("x")
    with captured(root=tmp_path) as seen:
        (tmp_path / "d").rename(tmp_path / "e")
    assert seen.lines == ["R d", "W e"]
    assert seen.edge("R d").content.covers == "none"
    assert seen.edge("W e").content.covers == "all"


def test_what_comes_after_the_end_of_an_attempt_is_only_counted(tmp_path: Path) -> None:
    attempt, before = Attempt("run", job="late.job"), late["late.job"]
    attempt.closed = True
    read = Access("read", str(tmp_path / "a"), "open")
    pending.expect(read)
    attempt.add(read)
    pending.settle(read.target, lambda path: pytest.fail("somebody still waits"))
    assert attempt.accesses == []
    assert late["late.job"] == before + 1


def test_each_open_is_wrapped_upon_its_own_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("x")
    seen, original = [], io.open
    monkeypatch.setattr(
        builtins, "open", lambda *args, **kwargs: seen.append("builtins") or original(*args, **kwargs)
    )
    net = Net(Digester())
    net.install()
    try:
        io.open(tmp_path / "a").close()  # noqa: UP020 - the other name of it, on purpose
        assert seen == []
        open(tmp_path / "a").close()
        assert seen == ["builtins"]
    finally:
        net.remove()


def test_an_odd_original_does_not_keep_the_net_from_being_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        __dict__ = 7  # type: ignore[assignment]

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return io.FileIO(*args)

    monkeypatch.setattr(builtins, "open", Odd())
    net = Net(Digester())
    net.install()
    net.remove()
    assert isinstance(builtins.open, Odd)


@pytest.mark.parametrize(
    ("path", "noise"),
    [
        ("/dev/shm/a.parquet", False),
        ("/run/media/anna/disk/a.csv", False),
        ("/data/model.pth", False),
        ("/dev/sda", True),
        ("/run/lock/x", True),
        (os.__file__, True),
    ],
)
def test_users_data_in_odd_places_is_no_noise(path: str, noise: bool) -> None:
    assert Noise()(path, write=True) is noise


def test_ending_an_attempt_that_read_one_file_many_times_takes_linear_time() -> None:
    reads = [Access("read", "/d/a", "open") for _ in range(40_000)]
    for read in reads:
        pending.expect(read)
    started = time.process_time()
    pending.forget(reads)
    assert time.process_time() - started < 1
    pending.settle("/d/a", lambda path: pytest.fail("somebody still waits"))
