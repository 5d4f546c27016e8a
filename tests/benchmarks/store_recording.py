"""What recording costs the writer, and what it takes on disk, against the limit: the same rows by raw SQL.

    python tests/benchmarks/store_recording.py [--runs 5000] [--batch 500] [--rounds 5] [--postgres]

A run reads two versions and writes two. In *again* the outputs are new versions of 200 artifacts, as pipelines make
them that run every day; in *fresh* every output is a new artifact. Raw SQL inserts the very rows that our writer
made, by ``executemany`` (SQLite) or COPY (PostgreSQL), in batches of the same size, knowing all ids beforehand. Each
round measures both in turn; printed is the median of the ratios, of the CPU time of the thread and of the wall time.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from postgres_server import PostgresServer, PostgresUnavailable

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.engine import Database
from prefect_lineage.store.loading import BATCH_RECORDS
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

START = 1_795_000_000_000_000
ARTIFACTS = 200
BY_RUN = {"runs": "id", "edges": "run_id"}
Cost = tuple[float, float]
"""Milliseconds a run: of CPU, and of wall time."""


def record(number: int, *, fresh: bool, briefly: bool = False) -> Record:
    """A run with its edges.

    Args:
        fresh: what it writes are new artifacts.
        briefly: without code, environment and process.
    """
    at = START + number * 1_000
    written = (2 * number, 2 * number + 1)
    edges = [
        _edge(n, "input", "pandas.read_parquet", at, fresh)
        for n in (2 * number - 2, 2 * number - 1)
        if n >= 0
    ]
    edges += [_edge(n, "output", "pandas.DataFrame.to_parquet", at, fresh) for n in written]
    flow_run = f"{number // 50:08x}-1111-4000-8000-{number // 50:012x}"
    run = RunRecord(
        f"{number:08x}-0000-4000-8000-{number:012x}", "task", f"load-{number}", f"flow.task{number % 7}", "flow",
        flow_run, flow_run, "Completed", at, at + 500, 1,
        {"parameters": {"n": number}, **({} if briefly else _circumstances(number))},
    )  # fmt: skip
    return Record(run, 1, tuple(edges))


def _circumstances(number: int) -> dict[str, Any]:
    """What capture says of each run of a function in a process."""
    code = f"{number % 7:064x}"
    return {
        "code": {
            "function": f"flow.task{number % 7}",
            "file": "/data/flow.py",
            "line": 7,
            "digest": f"sha256:{code}",
        },
        "environment": {
            "host": "worker-1",
            "user": "etl",
            "python": "3.12.1",
            "packages": {"prefect": "3.9.1"},
        },
        "process": {"host": "worker-1", "pid": number // 50, "started": number // 50 * 1_000},
    }


def _edge(number: int, direction: Any, via: str, at: int, fresh: bool) -> EdgeRecord:
    artifact = number if fresh else number % ARTIFACTS
    key = f"/data/project/part-{artifact:06d}.parquet"
    # As scattered as digests are: one after the other they would fill an index better.
    digest = hashlib.blake2s(f"{artifact} {number}".encode()).hexdigest()
    content = Content(f"blake3:{digest}", size=12_345 + number, format="parquet")
    return EdgeRecord(
        Location("file://worker-1", key, f"file://{key}"), content, direction, "observed", via, at=at
    )


def timed(work: Callable[[], None], runs: int) -> Cost:
    cpu, wall = time.thread_time(), time.perf_counter()
    work()
    return 1000 * (time.thread_time() - cpu) / runs, 1000 * (time.perf_counter() - wall) / runs


def ours(url: str, records: Sequence[Record], batch: int) -> Cost:
    with Store.open(url) as store:
        store.apply(records[:batch])  # statements are built and connections made

        def work() -> None:
            for start in range(batch, len(records), batch):
                store.apply(records[start : start + batch])

        return timed(work, len(records) - batch)


def batches_of(url: str, batch: int) -> list[dict[str, list[tuple[Any, ...]]]]:
    """The rows of a store, as they came in batches: by the runs that they belong to."""
    database = Database(url)
    with database.reading() as connection:
        rows = {
            table.name: connection.execute(sa.text(f'SELECT * FROM "{table.name}"')).all() for table in TABLES
        }
    database.close()
    made: list[dict[str, list[tuple[Any, ...]]]] = [
        defaultdict(list) for _ in range(1 + len(rows["runs"]) // batch)
    ]
    for name, found in rows.items():
        share = 1 + len(found) // len(made)
        for number, row in enumerate(found):
            made[min(number // share, len(made) - 1)][name].append(tuple(row))
    return made


TABLES = metadata.sorted_tables


def raw_sqlite(path: str, batches: list[dict[str, list[tuple[Any, ...]]]], runs: int) -> Cost:
    Store.open(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=NORMAL")

        def work() -> None:
            for part in batches:
                connection.execute("BEGIN IMMEDIATE")
                for name, rows in part.items():
                    marks = ",".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
                connection.execute("COMMIT")

        return timed(work, runs)


def raw_copy(url: str, batches: list[dict[str, list[tuple[Any, ...]]]], runs: int) -> Cost:
    import psycopg
    from psycopg.types.json import Json

    Store.open(url).close()
    plain = [
        {
            name: [
                tuple(Json(member) if isinstance(member, (dict, list)) else member for member in row)
                for row in rows
            ]
            for name, rows in part.items()
        }
        for part in batches
    ]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # rows of one batch may point at the next

        def work() -> None:
            for part in plain:
                for name, rows in part.items():
                    with cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
                        for row in rows:
                            copy.write_row(row)
                connection.commit()

        return timed(work, runs)


def told(name: str, pairs: list[tuple[Cost, Cost]]) -> None:
    cpu, wall = (statistics.median(mine[n] / limit[n] for mine, limit in pairs) for n in (0, 1))
    spent = statistics.median(mine[0] for mine, _ in pairs)
    print(
        f"{name:34} {cpu:5.2f} x the raw CPU, {wall:5.2f} x the raw wall; {spent:.3f} ms CPU a run",
        flush=True,
    )


def texts_of(records: Sequence[Record]) -> int:
    """Letters that a user put in: each name, path, digest and document once."""
    known = {
        text
        for record in records
        for edge in record.edges
        for text in (edge.location.key, edge.content.digest)
    }
    known |= {f"{kind}{one.run.details[kind]}" for one in records for kind in _circumstances(0)}
    runs = (f"{one.run.id}{one.run.name}{one.run.state}{one.run.details['parameters']}" for one in records)
    return sum(map(len, known)) + sum(map(len, runs))


def compare_sqlite(records: Sequence[Record], batch: int, rounds: int, kind: str) -> None:
    pairs, size = [], 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            mine = ours(f"sqlite:///{folder}/ours.db", records, batch)
            size = Path(f"{folder}/ours.db").stat().st_size
            limit = raw_sqlite(
                f"{folder}/raw.db", batches_of(f"sqlite:///{folder}/ours.db", batch), len(records)
            )
            pairs.append((mine, limit))
    told(f"SQLite, {kind}, batches of {batch}", pairs)
    edges = sum(len(record.edges) for record in records)
    beside = (size - texts_of(records)) / edges
    print(
        f"{'':34} {size / edges:.0f} bytes an edge with its run and versions, {beside:.0f} beside what users put in"
    )


def bytes_of_an_edge(records: Sequence[Record]) -> None:
    """An edge's own rows: what one more edge between a run and a version that are there takes."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/edges.db"
        with Store.open(url) as store:
            store.apply(records)
        with closing(sqlite3.connect(f"{folder}/edges.db")) as connection:
            connection.execute("VACUUM")
            own = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('edges', 'ix_edges_back')"
            try:
                size = connection.execute(own).fetchone()[0]
            except sqlite3.OperationalError:
                print("The bytes of an edge's own rows are left out: this SQLite has no dbstat")
                return
            count = connection.execute("SELECT count(*) FROM edges").fetchone()[0]
    print(f"{'SQLite, an edge by itself':34} {size / count:.0f} bytes, its index included")


def compare_postgres(records: Sequence[Record], batch: int, rounds: int, kind: str) -> None:
    try:
        server = PostgresServer()
    except PostgresUnavailable as error:
        print(f"PostgreSQL left out: {error}")
        return
    try:
        pairs = []
        for _ in range(rounds):
            first, second = server.create(), server.create()
            mine = ours(first, records, batch)
            pairs.append((mine, raw_copy(second, batches_of(first, batch), len(records))))
            server.drop(first)
            server.drop(second)
        told(f"PostgreSQL, {kind}, batches of {batch}", pairs)
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument(
        "--batch", type=int, default=BATCH_RECORDS, help="runs in one transaction, as the drain does"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    for kind in ("again", "fresh"):
        records = [record(number, fresh=kind == "fresh") for number in range(given.runs)]
        compare_sqlite(records, given.batch, given.rounds, kind)
        if given.postgres:
            compare_postgres(records, given.batch, given.rounds, kind)
    bytes_of_an_edge(records)


if __name__ == "__main__":
    main()
