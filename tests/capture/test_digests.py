"""A digest covers everything or says that it does not."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage.capture.attempt import Access, pending
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.model.records import Content


def of_file(path: Path, digester: Digester | None = None) -> Content:
    found = (digester or Digester()).of_file(str(path), "run")
    assert found is not None
    return found


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 22) + 1])
def test_a_file_is_digested_by_all_of_its_bytes(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    assert of_file(tmp_path / "a") == Content(f"blake3:{blake3(data).hexdigest()}", size=size)
    sha256 = of_file(tmp_path / "a", Digester("sha256"))
    assert sha256.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_one_changed_byte_of_a_large_file_is_another_digest(tmp_path: Path) -> None:
    data = bytearray(5 << 20)
    (tmp_path / "a").write_bytes(data)
    before = of_file(tmp_path / "a")
    data[3_333_333] = 1
    (tmp_path / "a").write_bytes(data)
    assert of_file(tmp_path / "a").digest != before.digest


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=5))
def test_the_digest_of_bytes_is_that_of_their_concatenation(chunks: list[bytes]) -> None:
    assert Digester().of_bytes(*chunks) == Digester().of_bytes(b"".join(chunks))


def test_a_larger_file_than_the_limit_is_not_hashed_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    small = Digester(limit=4)
    found = of_file(tmp_path / "a", small)
    assert (found.covers, found.size) == ("none", 5)
    assert of_file(tmp_path / "a", small) == found  # the same for its producer and for its consumers
    assert of_file(tmp_path / "a", Digester(limit=5)).covers == "all"


def test_what_is_not_there_has_no_content(tmp_path: Path) -> None:
    assert Digester().of_file(str(tmp_path / "missing"), "run") is None
    os.mkfifo(tmp_path / "pipe")
    assert Digester().of_file(str(tmp_path / "pipe"), "run") is None


def _tree(folder: Path, members: dict[str, str]) -> Path:
    for name, text in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_directory_is_its_members_whatever_their_order_and_place(tmp_path: Path) -> None:
    members = {"b": "2", "a": "1", "c/d": "3"}
    one = of_file(_tree(tmp_path / "one", members))
    other = of_file(_tree(tmp_path / "other", dict(reversed(members.items()))))
    assert one == other
    assert (one.size, one.format, one.covers) == (3, "directory", "all")


@pytest.mark.parametrize(
    "members", [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "x": "2"}, {"a": "2", "b": "1"}, {"a/b": "2"}]
)
def test_any_other_member_is_another_directory(members: dict[str, str], tmp_path: Path) -> None:
    one = of_file(_tree(tmp_path / "one", {"a": "1", "b": "2"}))
    assert one.digest != of_file(_tree(tmp_path / "other", members)).digest


def test_a_directory_with_a_member_that_is_not_hashed_says_so(tmp_path: Path) -> None:
    _tree(tmp_path / "d", {"a": "1", "b": "12345"})
    assert of_file(tmp_path / "d", Digester(limit=3)).covers == "none"


def test_a_directory_that_holds_itself_by_a_link_has_a_digest(tmp_path: Path) -> None:
    _tree(tmp_path / "d", {"a": "1"})
    (tmp_path / "d" / "loop").symlink_to(tmp_path / "d")
    assert of_file(tmp_path / "d").covers == "all"


def test_a_known_file_is_not_read_again(tmp_path: Path) -> None:
    path, digester = tmp_path / "a", Digester()
    path.write_bytes(b"x" * 1000)
    time.sleep(0.05)  # younger files are not remembered
    first = of_file(path, digester)
    before = os.stat(path).st_atime_ns
    digester._hash = None  # type: ignore[assignment,method-assign] - it would fail if it were called
    assert of_file(path, digester) == first
    assert os.stat(path).st_atime_ns == before


def test_a_change_that_restores_size_and_time_is_noticed(tmp_path: Path) -> None:
    path, digester = tmp_path / "a", Digester()
    path.write_text("one")
    time.sleep(0.05)
    first, times = of_file(path, digester), os.stat(path)
    path.write_text("two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert of_file(path, digester).digest != first.digest


def test_a_file_that_changes_while_it_is_hashed_is_raced_and_has_no_wrong_digest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")

    class Meddling(Digester):
        def _hash(self, place: str | int, size: int) -> bytes | None:
            digest = super()._hash(place, size)
            path.write_bytes(b"afterwards")
            return digest

    found = Meddling().of_file(str(path), "run")
    assert found is not None
    assert found.raced
    assert found.covers == "none"


def test_fingerprints_tell_files_apart_and_nothing_else_has_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    assert fingerprint(str(tmp_path / "a")) == fingerprint(str(tmp_path / "a"))
    assert fingerprint(str(tmp_path / "a")) != fingerprint(str(tmp_path / "b"))
    assert fingerprint(str(tmp_path)) is None
    assert fingerprint(str(tmp_path / "missing")) is None
    assert fingerprint("a\0b") is None


def test_a_file_that_shrinks_while_it_is_hashed_does_not_kill_the_process(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(256 << 20)
    cutter = threading.Timer(0.02, os.truncate, (path, 10))
    cutter.start()
    found = of_file(path)
    cutter.join()
    assert found.raced or found.size in {10, 256 << 20}


def test_a_known_content_is_recalled_and_an_unknown_one_is_not_hashed(tmp_path: Path) -> None:
    path, digester = tmp_path / "a", Digester()
    path.write_text("one")
    time.sleep(0.05)
    assert digester.known(str(path)) is None
    assert digester.known(str(tmp_path)) is None
    first = of_file(path, digester)
    assert digester.known(str(path)) == first
    path.write_text("two")
    assert digester.known(str(path)) is None


@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # it forks while threads run: on purpose
def test_a_child_forked_while_a_lock_is_held_still_hashes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    digester, held, done = Digester(), threading.Event(), threading.Event()

    def hold() -> None:
        with digester._lock, pending._lock:
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # its default action ends a child that hangs
        pending.expect(Access("read", "/a", "open"))
        os._exit(0 if digester.of_file(str(tmp_path / "a"), "run") else 1)
    done.set()
    holder.join()
    assert os.waitpid(child, 0)[1] == 0
