"""The generic net: what it lets through, what it must not do to the user's calls."""

from __future__ import annotations

import builtins
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.capture.attempt import Access, Attempt, late, pending
from prefect_lineage.capture.context import current
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.net import Net
from prefect_lineage.capture.noise import Noise
from prefect_lineage.testing import captured


class NeverHashing(Digester):
    def _hash(self, path: str) -> str | None:
        raise AssertionError(f"{path} was hashed")


def caught(attempt: Attempt, net: Net) -> Any:
    """Run what follows inside the attempt; the caller takes the net in."""
    net.install()
    return current.set(attempt)


def test_removing_a_file_that_nobody_read_hashes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    attempt, net = Attempt("run"), Net(NeverHashing())
    token = caught(attempt, net)
    try:
        os.remove(tmp_path / "a")
    finally:
        current.reset(token)
        net.remove()
    assert [access.operation for access in attempt.accesses] == ["delete"]


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
