"""Kill writers, and those who load what the killed leave, at random moments; then count what is lost or doubled.

    python tests/benchmarks/kill_storm.py --kills 400 --records 100000
    python tests/benchmarks/kill_storm.py --kills 200 --url postgresql://user@host/database

Every writer is a process with a journal and a drain of its own. It tells a record through a pipe once the record's
append has returned: from then on the record must be in the store in the end, once. Ends with exit code 1 if one is not,
or if versions have gaps, twins or a wrong ``latest``. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.times import now
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.lines import Postponed
from prefect_lineage.store.schema import aliases, artifacts, edges, runs, versions
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import sync

_SHARED = 5
"""Artifacts that every writer writes."""


@dataclass
class Storm:
    """What was asked for, and what happened."""

    url: str
    directory: Path
    kills: int
    writers: int
    records: int
    seed: int
    acknowledged: list[str] = field(default_factory=list)
    killed: int = 0
    killed_loaders: int = 0
    ended: int = 0


def record_of(writer: int, number: int) -> Record:
    """Two outputs, of which one has a content that every writer writes, and an input."""

    def edge(place: str, digest: str, direction: Any) -> EdgeRecord:
        location = Location("file://storm", place, f"file://{place}")
        return EdgeRecord(location, Content(f"blake3:{digest}"), direction, "observed", "open", at=now())

    return Record(
        RunRecord(f"{writer}-{number}", "task", job=f"job-{number % 3}", state="Completed"),
        1,
        (
            edge(f"/common/{number % _SHARED}", f"c{number % 11}", "output"),
            edge(f"/shared/{number % _SHARED}", f"{writer}-{number}", "output"),
            edge("/in", "in", "input"),
        ),
    )


def _write(storm: Storm, writer: int, told: int) -> None:
    chance = random.Random(f"{storm.seed} {writer}")
    journal = Journal(storm.directory)
    drain = Drain(journal, lambda: Store.open(storm.url))
    for number in range(storm.records):
        record = record_of(writer, number)
        if chance.random() < 0.02:
            journal.postpone(Postponed(f"{writer}-{number}", record, ()))
            os.write(told, f"{record.run.id}\n".encode())
            journal.settle(f"{writer}-{number}", record)
        else:
            journal.append(record)
            os.write(told, f"{record.run.id}\n".encode())
        if chance.random() < 0.01:
            drain.flush(chance.choice([0.01, 1.0]))
        elif chance.random() < 0.05:
            time.sleep(chance.random() / 500)
    drain.close(60)


def _load(storm: Storm) -> None:
    with Store.open(storm.url) as store:
        sync(storm.directory, store)


def _child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def _rage(storm: Storm) -> None:
    chance = random.Random(storm.seed)
    selector = selectors.DefaultSelector()
    living: dict[int, float] = {}
    pipes: dict[int, bytearray] = {}
    begun = 0
    while living or storm.killed + storm.killed_loaders < storm.kills:
        while len(living) < storm.writers and storm.killed + storm.killed_loaders < storm.kills:
            if chance.random() < 0.15:
                child = _child(lambda: _load(storm))
                living[child] = -(time.monotonic() + chance.random() * 0.15)
                continue
            begun += 1
            reading, writing = os.pipe()
            child = _child(lambda n=begun, fd=writing: _write(storm, n, fd))
            os.close(writing)
            os.set_blocking(reading, False)
            selector.register(reading, selectors.EVENT_READ)
            pipes[reading] = bytearray()
            living[child] = time.monotonic() + chance.random() * 0.8
        _hear(selector, pipes, storm)
        _reap(living, storm)
    while pipes:
        _hear(selector, pipes, storm)


def _hear(selector: selectors.BaseSelector, pipes: dict[int, bytearray], storm: Storm) -> None:
    for key, _ in selector.select(0.002):
        pipe = key.fd
        with suppress(BlockingIOError):
            while data := os.read(pipe, 1 << 16):
                pipes[pipe] += data
            selector.unregister(pipe)
            os.close(pipe)
            storm.acknowledged += pipes.pop(pipe).decode().splitlines()


def _reap(living: dict[int, float], storm: Storm) -> None:
    for child, deadline in list(living.items()):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            del living[child]
            code = os.waitstatus_to_exitcode(status)
            if code == -signal.SIGKILL:
                storm.killed += deadline > 0
                storm.killed_loaders += deadline < 0
            elif code == 0:
                storm.ended += 1
            else:
                raise SystemExit(f"a process ended with exit code {code}")
        elif time.monotonic() > abs(deadline):
            os.kill(child, signal.SIGKILL)


def _calm(storm: Storm) -> None:
    """Load what is left, three at a time, until nothing is."""
    while list(storm.directory.glob("*.jsonl")):
        for child in [_child(lambda: _load(storm)) for _ in range(3)]:
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                raise SystemExit("a loader that nobody killed failed")


def problems_of(storm: Storm) -> Iterator[str]:
    with Store.open(storm.url, readonly=True) as store, store._database.reading() as connection:
        known = set(connection.execute(sa.select(runs.c.uuid)).scalars())
        yield from (f"lost: {run}" for run in storm.acknowledged if run not in known)
        twice = connection.execute(
            sa.select(runs.c.uuid).join(edges, edges.c.run_id == runs.c.id).where(edges.c.times != 1)
        ).scalars()
        yield from (f"doubled: {run}" for run in twice)
        counts = sa.select(edges.c.run_id, sa.func.count().label("n")).group_by(edges.c.run_id).subquery()
        halves = connection.execute(
            sa.select(runs.c.uuid).join(counts, counts.c.run_id == runs.c.id).where(counts.c.n != 3)
        )
        yield from (f"half a record: {run}" for run in halves.scalars())
        yield from _misnumbered(connection)
    with Store.open(storm.url, readonly=True) as store:
        yield from (f"db check: {finding}" for finding in store.check()[1])


def _misnumbered(connection: sa.Connection) -> Iterator[str]:
    for artifact in connection.execute(sa.select(artifacts)):
        mine = versions.c.artifact_id == artifact.id
        rows = list(connection.execute(sa.select(versions).where(mine).order_by(versions.c.number)))
        if [row.number for row in rows] != list(range(len(rows))) or artifact.next_number != len(rows):
            yield f"gaps in {artifact.uri}"
        if len({row.digest for row in rows}) != len(rows):
            yield f"twins in {artifact.uri}"
        last = connection.execute(
            sa.select(edges.c.version_id)
            .join(versions, versions.c.id == edges.c.version_id)
            .where(mine, edges.c.direction == 1)
            .order_by(edges.c.at.desc(), versions.c.number.desc())
        ).scalar()
        latest = connection.execute(
            sa.select(aliases.c.version_id).where(
                aliases.c.artifact_id == artifact.id, aliases.c.alias == "latest"
            )
        ).scalar()
        if last is not None and latest != last:
            yield f"latest of {artifact.uri} is {latest}, not {last}"


def _storm(folder: Path) -> Storm:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--writers", type=int, default=4, help="at a time")
    parser.add_argument("--records", type=int, default=5_000, help="of a writer that nobody kills")
    parser.add_argument("--url", default=f"sqlite:///{folder / 'lineage.db'}")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return Storm(given.url, folder / "journal", given.kills, given.writers, given.records, given.seed)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kill-storm-") as folder:
        storm = _storm(Path(folder))
        begun = time.monotonic()
        _rage(storm)
        waiting = len(list(storm.directory.glob("*.jsonl")))
        _calm(storm)
        problems = list(problems_of(storm))
    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    told = {
        "killed writers": storm.killed,
        "killed loaders": storm.killed_loaders,
        "ended by themselves": storm.ended,
        "acknowledged": len(storm.acknowledged),
        "journals left behind": waiting,
        "problems": len(problems),
        "seconds": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(told))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
