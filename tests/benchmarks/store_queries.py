"""What questions cost, against the best SQL for them, in stores of 10,000 edges and more.

    python tests/benchmarks/store_queries.py [--edges 10000 100000 1000000] [--postgres] [--rounds 7]

Stores are filled by SQL in a temporary directory (10,000,000 edges take about 2 GB and some minutes), in SQLite or
with ``--postgres`` in a PostgreSQL server of the benchmark's own. Every figure is
the median of a ratio measured in turn, ours against raw SQL on the same file (SQLite: of CPU time; PostgreSQL: of
wall time); absolute times say more about the machine. *nodes* is the recursive query alone, *graph* is what a user
gets: every node and edge with all its fields, against raw SQL that fetches the same columns as tuples.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from postgres_server import PostgresServer, PostgresUnavailable

from prefect_lineage.model.entities import Version
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.bulk import BYTES_OF
from prefect_lineage.store.closure import _nodes
from prefect_lineage.store.engine import Database
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.store import Store

CHAIN = 7_000
"""Runs of the one long pipeline that the questions are about; all others are of fifty runs."""

ANSWERS = {"7 nodes": 2, "50 nodes": 16, "700 nodes": 232, "7,000 nodes": 2_332}
"""How many runs lie before the version that is asked of."""

# Run n reads the two versions that run n-1 wrote, and writes two of its own.
_FILL = """
INSERT INTO jobs SELECT n, 'flow.task' || n FROM {series:1:7};
INSERT INTO vias SELECT n, 'pandas.read_' || n FROM {series:1:4};
INSERT INTO artifacts (id, namespace, key, name, type, uri, next_number, created_at, updated_at)
  SELECT n, 'file://h', '/data/part-' || n, 'file:///data/part-' || n, 'file', 'file:///data/part-' || n,
         1 + (2 * {runs} - n) / 1000, n, 2 * {runs} - n FROM {series:1:1000};
INSERT INTO locations SELECT id, namespace, key, uri, id FROM artifacts;
INSERT INTO runs (id, uuid, kind, name, job_id, flow_id, state, started_at, ended_at, attempt)
  SELECT n + 1, {uuid}, 'task', 'load-' || n, 1 + n % 7, 1, 'Completed', n, n + 1, 1 FROM {series:0:last};
INSERT INTO versions (id, artifact_id, number, digest, covers, size, location_id, partial, raced, created_at)
  SELECT n + 1, 1 + n % 1000, n / 1000, {digest}, 'all', n, 1 + n % 1000, FALSE, FALSE, n FROM {series:0:last2};
INSERT INTO edges SELECT n + 1, 0, 2 * n - 1, 1, 0, 1, 1, n, 0 FROM {series:0:last} WHERE n > 0 AND (n < 7000 OR n % 50 > 0);
INSERT INTO edges SELECT n + 1, 0, 2 * n, 1, 0, 2, 1, n, 0 FROM {series:0:last} WHERE n > 0 AND (n < 7000 OR n % 50 > 0);
INSERT INTO edges SELECT n + 1, 1, 2 * n + 1, 1, 0, 3, 1, n, 0 FROM {series:0:last};
INSERT INTO edges SELECT n + 1, 1, 2 * n + 2, 1, 0, 4, 1, n, 0 FROM {series:0:last};
INSERT INTO aliases SELECT artifact_id, 'latest', max(id), max(created_at) FROM versions GROUP BY artifact_id
"""  # noqa: E501

_FOUND = """
WITH RECURSIVE found(node) AS (
  SELECT CAST({0} AS BIGINT)
  UNION
  SELECT CASE WHEN found.node > 0 THEN -edges.run_id ELSE edges.version_id END
  FROM found JOIN edges ON (edges.version_id = found.node AND edges.direction = 1)
                        OR (edges.run_id = -found.node AND edges.direction = 0)
)"""
RAW_NODES = _FOUND + " SELECT node FROM found"
RAW_PARTS = (
    _FOUND + " SELECT edges.*, runs.uuid, vias.name FROM found JOIN edges ON edges.run_id = -found.node"
    " JOIN runs ON runs.id = edges.run_id JOIN vias ON vias.id = edges.via_id",
    _FOUND
    + " SELECT versions.*, artifacts.name, locations.uri FROM found JOIN versions ON versions.id = found.node"
    " JOIN artifacts ON artifacts.id = versions.artifact_id JOIN locations ON locations.id = versions.location_id",
    _FOUND
    + " SELECT runs.*, jobs.name FROM found JOIN runs ON runs.id = -found.node JOIN jobs ON jobs.id = job_id",
)


def fill(url: str, edges: int) -> None:
    """A store of about so many edges, made by SQL."""
    Store.open(url).close()
    runs = edges // 4
    database = Database(url)
    words = {
        name: f"{BYTES_OF}('01' || hex(randomblob({size})))" for name, size in (("uuid", 16), ("digest", 32))
    }
    series = "(WITH RECURSIVE s(n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM s WHERE n < {1}) SELECT n FROM s) AS s"
    if not database.is_sqlite:
        words = {
            "uuid": "decode('01' || md5(n::text), 'hex')",
            "digest": "decode('01' || md5(n::text) || md5((n + 1)::text), 'hex')",
        }
        series = "generate_series({0}, {1}) AS s(n)"
    with database.writing() as connection:
        for statement in _FILL.split(";"):
            for first, last in ((1, 7), (1, 4), (1, 1000)):
                statement = statement.replace(f"{{series:{first}:{last}}}", series.format(first, last))
            statement = statement.replace("{series:0:last2}", series.format(0, 2 * runs - 1))
            statement = statement.replace("{series:0:last}", series.format(0, runs - 1))
            for name, value in {**words, "runs": runs}.items():
                statement = statement.replace(f"{{{name}}}", str(value))
            connection.exec_driver_sql(statement if database.is_sqlite else statement.replace("%", "%%"))
    if not database.is_sqlite:
        with database.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


CLOCKS = {True: time.thread_time, False: time.perf_counter}
"""SQLite works in our own thread, so that its CPU time can be told whatever else the machine does."""


def ratio(
    ours: Callable[[], Any], raw: Callable[[], Any], rounds: int, *, is_sqlite: bool
) -> tuple[float, float]:
    """Median of ours/raw, and the median of ours in milliseconds; the first round warms up."""
    clock, pairs = CLOCKS[is_sqlite], []
    for _ in range(rounds + 1):
        begun = clock()
        ours()
        middle = clock()
        raw()
        pairs.append((middle - begun, clock() - middle))
    pairs = pairs[1:]
    return statistics.median(a / b for a, b in pairs), 1000 * statistics.median(a for a, _ in pairs)


def fetch(connection: sa.Connection, *statements: str) -> int:
    return sum(len(connection.exec_driver_sql(statement).fetchall()) for statement in statements)


def measure(url: str, empty: str, rounds: int) -> None:
    database = Database(url, readonly=True)
    is_sqlite = database.is_sqlite
    with Store.open(url, readonly=True) as store, database.reading() as connection:
        for name, before in ANSWERS.items():
            version = store.version(Reference.parse(f"version-{2 * before}"))
            _closure(store, connection, version, name, rounds)
        for name, listing, raw in (
            ("versions", lambda: store.versions(Filter(limit=50)), "versions ORDER BY created_at DESC"),
            ("runs", lambda: store.runs(Filter(limit=50)), "runs ORDER BY started_at DESC"),
            ("artifacts", lambda: store.artifacts(Filter(limit=50)), "artifacts ORDER BY updated_at DESC"),
        ):
            found = ratio(
                listing,
                lambda raw=raw: fetch(connection, f"SELECT * FROM {raw} LIMIT 50"),
                rounds,
                is_sqlite=is_sqlite,
            )
            print(f"  newest 50 {name:21} {found[0]:6.1f} x raw SQL, {found[1]:8.2f} ms", flush=True)
    database.close()
    opened = ratio(
        lambda: Store.open(url).close(), lambda: Store.open(empty).close(), rounds, is_sqlite=is_sqlite
    )
    print(f"  opening it {'':20} {opened[0]:6.2f} x an empty one, {opened[1]:6.2f} ms", flush=True)


def _closure(store: Store, connection: sa.Connection, version: Version, name: str, rounds: int) -> None:
    start = int(version.id.removeprefix("version-"))
    is_sqlite = connection.dialect.name == "sqlite"
    nodes, _ = _nodes("upstream", False)
    asked = {"start": start, "most": 1_000_000, "as_of": None}
    raw = RAW_NODES.format(start)
    assert (
        len(connection.execute(nodes, asked).all())
        == fetch(connection, raw)
        == len(store.closure(version, "upstream"))
    )
    alone = ratio(
        lambda: connection.execute(nodes, asked).all(),
        lambda: fetch(connection, raw),
        rounds,
        is_sqlite=is_sqlite,
    )
    parts = [part.format(start) for part in RAW_PARTS]
    whole = ratio(
        lambda: store.closure(version, "upstream"),
        lambda: fetch(connection, *parts),
        rounds,
        is_sqlite=is_sqlite,
    )
    print(
        f"  upstream, {name:12} nodes {alone[0]:5.2f} x raw SQL, {alone[1]:8.2f} ms;"
        f"  graph {whole[0]:5.2f} x, {whole[1]:8.2f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edges", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    (on_postgres if given.postgres else on_sqlite)(given.edges, given.rounds)


def on_sqlite(sizes: list[int], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = f"sqlite:///{folder}/empty.db"
        Store.open(empty).close()
        for edges in sizes:
            path = Path(folder) / "full.db"
            fill(f"sqlite:///{path}", edges)
            taken = path.stat().st_size / edges
            print(f"SQLite, {edges:,} edges, {taken:.0f} bytes an edge with runs and versions")
            measure(f"sqlite:///{path}", empty, rounds)
            path.unlink()


def on_postgres(sizes: list[int], rounds: int) -> None:
    try:
        server = PostgresServer()
    except PostgresUnavailable as error:
        print(f"PostgreSQL left out: {error}")
        return
    try:
        empty = server.create()
        Store.open(empty).close()
        for edges in sizes:
            url = server.create()
            fill(url, edges)
            print(f"PostgreSQL, {edges:,} edges")
            measure(url, empty, rounds)
            server.drop(url)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
