"""What is large is hashed after the attempt, by another thread, and is right all the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from prefect import flow, task

from prefect_lineage import hookimpl
from prefect_lineage.api.lineage import Lineage
from prefect_lineage.capture import postponing
from prefect_lineage.capture import seen as seen_module
from prefect_lineage.capture.context import current
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.capture.hashing import Hashing
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.capture.seen import see
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import Settings
from prefect_lineage.store.lines import postponed_in
from prefect_lineage.store.store import Store

LARGE = os.urandom(1 << 16) * 128  # 8 MiB, above what an attempt hashes itself


def _digest(data: bytes) -> str:
    return f"blake3:{blake3(data).hexdigest()}"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    chosen = {"url": f"sqlite:///{tmp_path}/store.db", "journal_dir": tmp_path / "journal", "root": tmp_path}
    made = Recorder(Settings(**chosen))
    yield made
    made.close()


@pytest.fixture
def held(recorder: Recorder) -> Iterator[threading.Event]:
    """Nothing is hashed before this is set."""
    go = threading.Event()
    recorder.postponing.hashing.put(lambda: go.wait(60))
    yield go
    go.set()


class _Attempt:
    """A block that is an attempt of a run."""

    def __init__(self, recorder: Recorder, run: str = "r") -> None:
        self.recorder, self.run = recorder, run

    def __enter__(self) -> None:
        self.recorder.begin_run(RunRecord(self.run, "task", job="job", state="Running"))
        self.attempt, self.token = self.recorder.begin_attempt(self.run, 1, "job")

    def __exit__(self, *exception: object) -> None:
        self.token.var.reset(self.token)
        self.recorder.end_attempt(self.attempt, RunRecord(self.run, state="Completed"), completed=True)


def _contents(recorder: Recorder) -> dict[str, tuple[str, bool]]:
    """Digest and ``raced`` of each version, by its file and direction."""
    recorder.flush(60)
    with Store.open(recorder.settings.url, readonly=True) as store:
        graph = store.graph()
    versions = {version.id: version for version in graph.versions}
    return {
        f"{edge.direction} {Path(versions[edge.version].uri).name}": (
            versions[edge.version].digest,
            versions[edge.version].raced,
        )
        for edge in graph.edges
    }


def test_the_end_of_an_attempt_does_not_wait_for_a_large_files_digest(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    (tmp_path / "in").write_bytes(LARGE)
    with _Attempt(recorder):
        data = (tmp_path / "in").read_bytes()
        (tmp_path / "out").write_bytes(data[:-1])
        (tmp_path / "small").write_bytes(b"small")
    assert recorder.journal.unsettled == 1  # the end has come, and the thread has not begun
    held.set()
    assert _contents(recorder) == {
        "input in": (_digest(LARGE), False),
        "output out": (_digest(LARGE[:-1]), False),
        "output small": (_digest(b"small"), False),
    }
    assert recorder.journal.unsettled == 0


def test_what_is_small_is_known_when_the_attempt_has_ended(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(b"small")
    assert recorder.journal.unsettled == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("elsewhere")),
        lambda path: (path.with_name("new").write_bytes(b"new"), path.with_name("new").replace(path)),
    ],
    ids=["removed", "renamed", "replaced"],
)
def test_an_output_that_is_moved_or_removed_before_it_is_hashed_has_its_digest(
    tmp_path: Path, recorder: Recorder, held: threading.Event, change
) -> None:
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(LARGE)
    change(tmp_path / "out")
    held.set()
    assert _contents(recorder)["output out"] == (_digest(LARGE), False)


def test_an_output_that_another_attempt_overwrites_before_it_is_hashed_is_hashed_before(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    with _Attempt(recorder, "first"):
        (tmp_path / "out").write_bytes(LARGE)
    with _Attempt(recorder, "second"):
        (tmp_path / "out").write_bytes(b"second")
    held.set()
    recorder.flush(60)
    with Store.open(recorder.settings.url, readonly=True) as store:
        assert {version.digest for version in store.versions()} == {_digest(LARGE), _digest(b"second")}


def test_an_output_that_changes_unseen_before_it_is_hashed_is_raced_and_has_no_digest(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(LARGE)
    times = os.stat(tmp_path / "out")
    with open(tmp_path / "out", "r+b") as file:  # outside any run
        file.write(b"other")
    os.utime(tmp_path / "out", ns=(times.st_atime_ns, times.st_mtime_ns))
    held.set()
    digest, raced = _contents(recorder)["output out"]
    assert raced
    assert digest.startswith("run:")


def test_a_directory_of_many_files_is_hashed_later(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    for number in range(postponing.INLINE_FILES + 1):
        (tmp_path / "many").mkdir(exist_ok=True)
        (tmp_path / "many" / f"{number}").write_bytes(b"%d" % number)
    with _Attempt(recorder):
        current.get().add(recorder.prepare("read", str(tmp_path / "many"), "test"))
    assert recorder.journal.unsettled == 1
    held.set()
    expected = Digester().of_file(str(tmp_path / "many"), "r")
    assert _contents(recorder)["input many"] == (expected.digest, False)


@pytest.mark.parametrize("members", [10, 1], ids=["by fingerprints", "by time"])
@pytest.mark.parametrize("change", ["none", "edit", "add", "remove"])
def test_a_directory_that_changed_since_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: int, change: str
) -> None:
    monkeypatch.setattr(seen_module, "MEMBERS", members)
    folder = tmp_path / "d"
    (folder / "below").mkdir(parents=True)
    for name in ("a", "b", "below/c"):
        (folder / name).write_text(name)
    time.sleep(0.02)  # the times of files move in steps of some milliseconds
    seen = see(str(folder), None, "")
    time.sleep(0.02)
    if change == "edit":
        (folder / "below" / "c").write_text("C")
    elif change == "add":
        (folder / "below" / "d").write_text("d")
    elif change == "remove":
        (folder / "b").unlink()
    try:
        assert Digester().of_seen(seen, "r").raced == (change != "none")
    finally:
        seen.release()


class _Listener:
    """A plugin that notes how many edges each record had that it heard of."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    @hookimpl
    def lineage_after_run(self, record: Record) -> None:
        self.heard.append(len(record.edges))


def test_plugins_hear_of_an_attempt_before_they_hear_of_the_end_of_its_run(tmp_path: Path) -> None:
    listener, go = _Listener(), threading.Event()
    chosen = {"url": f"sqlite:///{tmp_path}/store.db", "journal_dir": tmp_path / "journal", "root": tmp_path}
    recorder = Recorder(Settings(**chosen), Plugins((), {"listener": listener}, discover=False))
    recorder.postponing.hashing.put(lambda: go.wait(60))
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(LARGE)
    recorder.end_run(RunRecord("r", state="Completed"))
    assert listener.heard == []
    go.set()
    recorder.flush(60)
    assert listener.heard == [1, 0]
    recorder.close()


def test_no_descriptor_is_left_open(tmp_path: Path, recorder: Recorder) -> None:
    for number in range(40):
        with _Attempt(recorder, f"r{number}"):
            (tmp_path / f"{number}.out").write_bytes(LARGE[: 5 << 20])
    recorder.flush(60)
    held = [os.readlink(f"/proc/self/fd/{number}") for number in _descriptors()]
    assert [path for path in held if path.endswith(".out")] == []


def _descriptors() -> list[int]:
    found = []
    for number in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # that of the listing itself
            os.fstat(number)
            found.append(number)
    return found


async def test_an_event_loop_goes_on_while_a_large_output_is_hashed(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly = Digester._hash

    def hash_slowly(digester: Digester, place: str | int, size: int) -> bytes | None:
        time.sleep(0.5)
        return slowly(digester, place, size)

    monkeypatch.setattr(Digester, "_hash", hash_slowly)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(LARGE)
    while recorder.postponing.hashing.is_busy:
        await asyncio.sleep(0.01)
    counting.cancel()
    assert turns > 10
    assert _contents(recorder)["output out"] == (_digest(LARGE), False)


SCRIPT = """
import os, sys, threading
from pathlib import Path
from typing import Any
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import load
os.chdir(sys.argv[1])
recorder = Recorder(load())
recorder.postponing.hashing.put(threading.Event().wait)
recorder.begin_run(RunRecord("r", "task", job="job"))
attempt, _ = recorder.begin_attempt("r", 1, "job")
Path("out").write_bytes(b"x" * (5 << 20))
recorder.end_attempt(attempt, RunRecord("r"), completed=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("meanwhile", ["nothing", "changed", "removed"])
def test_a_process_killed_while_it_hashes_loses_no_edge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_JOURNAL_DIR", str(tmp_path / "journal"))
    monkeypatch.setenv("PREFECT_LINEAGE_URL", f"sqlite:///{tmp_path}/store.db")
    code = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], check=False).returncode
    assert code == -signal.SIGKILL
    out = tmp_path / "out"
    known = fingerprint(str(out))
    if meanwhile == "changed":
        out.write_bytes(b"y" * known.size)
    elif meanwhile == "removed":
        out.unlink()
    with Lineage(f"sqlite:///{tmp_path}/store.db") as lineage:
        lineage.sync()
        (version,) = lineage.versions()
        (edge,) = lineage.graph().edges
    assert (edge.direction, edge.times) == ("output", 1)
    if meanwhile == "nothing":
        assert version.digest == _digest(b"x" * known.size)
    else:
        assert version.digest.startswith("stat:")
        assert version.covers == "none"


def test_a_journal_that_lies_about_a_file_is_loaded_without_its_digest(
    tmp_path: Path, recorder: Recorder, held: threading.Event
) -> None:
    (tmp_path / "out").write_bytes(b"")
    finish = postponing.finisher(Digester())
    with _Attempt(recorder):
        (tmp_path / "out").write_bytes(LARGE)
    line = next(line for line in recorder.journal.path.read_text().splitlines() if "postponed" in line)
    told = json.loads(line)
    for lie in ({"edge": 7}, {"known": [1]}, {"path": "zz"}, {"host": None}, {"known": "x"}):
        told["missing"] = [{**told["missing"][0], **lie}]
        (postponed,) = postponed_in([json.dumps(told, separators=(",", ":")).encode()])
        assert finish(postponed).edges[0].content.digest.startswith("stat:")
    held.set()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # 3.12 warns of what is tested here
def test_a_forked_child_leaves_its_parents_hashing_alone() -> None:
    hashing, go = Hashing(), threading.Event()
    hashing.put(lambda: go.wait(60))
    if (child := os.fork()) == 0:
        os._exit(0 if hashing.wait(1) and not hashing.is_busy else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    go.set()
    assert hashing.wait(60)


async def test_an_asynchronous_flow_with_large_data_is_recorded_with_digests(recorded: Any) -> None:
    @task
    async def write() -> None:
        Path("large.bin").write_bytes(LARGE)

    @task
    def copy() -> None:
        Path("copy.bin").write_bytes(Path("large.bin").read_bytes())

    @flow
    async def pipe() -> None:
        await write()
        copy()

    await pipe()
    assert recorded.edges() == [
        "large.bin:v0 -> pipe.copy",
        "pipe.copy -> copy.bin:v0",
        "pipe.write -> large.bin:v0",
    ]
    assert {run.state for run in recorded.runs()} == {"Completed"}
    found = {recorded.version(name).digest for name in ("large.bin:v0", "copy.bin:v0")}
    assert found == {_digest(LARGE)}
