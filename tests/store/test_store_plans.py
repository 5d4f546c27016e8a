"""Whatever a store is asked in the course of a flow or of a question, no statement reads a whole table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from prefect_lineage.model.records import EdgeRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.bulk import BYTES_OF
from prefect_lineage.store.engine import Database
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

TABLES = "|".join(table.name for table in metadata.sorted_tables)
_SCAN = re.compile(rf"SCAN ({TABLES})\b(?!.*USING)")
_SAID: dict[str, Any] = {"direction": "input", "how": "observed", "via": "cache"}


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to any database meanwhile, with its parameters, each text once."""
    seen: dict[str, Any] = {}

    def note(*told: Any) -> None:
        _, _, statement, parameters, _, many = told
        seen.setdefault(statement, parameters[0] if many and parameters else parameters)

    found: list[tuple[str, Any]] = []
    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)
        found.extend(seen.items())


def _scans(path: Path, statements: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    told = []
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function(BYTES_OF, 1, bytes.fromhex)
        for statement, parameters in statements:
            if statement.startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                told += [(line[3], statement) for line in plan if _SCAN.search(line[3])]
    return told


@pytest.fixture
def store(sqlite_url: str, make: Any) -> Iterator[Store]:
    with Store.open(sqlite_url) as opened:
        opened.apply([make.run(f"r{n}", make.write(f"/f{n}", f"{n:04x}", at=n + 1)) for n in range(50)])
        yield opened


def test_writing_reads_no_whole_table(store: Store, tmp_path: Path, make: Any) -> None:
    with _statements() as seen:
        for number in (3, 4):
            store.apply(
                [
                    make.run("p", make.read("/f1", "0001", at=90), make.write("/f2", f"aa{number}", at=91,
                             aliases=("best",), name="two", tokens=("result:k",)), parent="r1"),
                    make.run("q", EdgeRecord.referring("result:k", at=92 + number, **_SAID), state="Running"),
                    make.run("q", EdgeRecord.referring("result:none", at=92 + number, **_SAID), state="Failed"),
                ],
                journal="j", position=number,
            )  # fmt: skip
    assert len(seen) > 20
    assert _scans(tmp_path / "lineage.db", seen) == []


def test_asking_reads_no_whole_table(store: Store, tmp_path: Path, make: Any) -> None:
    store.apply([make.run("q", make.read("/f1", "0001", at=90), make.write("/g", "0099", at=91))])
    with _statements() as seen:
        version = store.version(Reference.parse("/f1"))
        store.version(Reference.parse("/f1:v0"))
        store.version(Reference.parse("/f1@0001"))
        run = store.run(Reference.parse("run:r1"))
        for node in (version, run):
            for depth in (None, 2):
                store.neighbourhood(node, depth)
                store.closure(node, "downstream", depth, as_of=200)
        assert (len(store.producers_of(version)), len(store.consumers_of(version))) == (1, 1)
        assert len(store.outputs_of(run)) == 1
    assert len(seen) > 15
    assert _scans(tmp_path / "lineage.db", seen) == []


def test_the_newest_come_from_an_index(url: str, make: Any) -> None:
    with Store.open(url) as store:
        store.apply([make.run(f"r{n}", make.write(f"/f{n}", f"{n:04x}", at=n + 1)) for n in range(50)])
        with _statements() as seen:
            newest = Filter(limit=5)
            assert [len(store.runs(newest)), len(store.versions(newest)), len(store.artifacts(newest))] == [
                5
            ] * 3
    database = Database(url)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    plans = {}
    with database.reading() as connection:
        if not database.is_sqlite:  # of so few rows PostgreSQL reads all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in seen:
            if order := re.search(r"ORDER BY \w+\.(started|created|updated)_at DESC", statement):
                lines = connection.exec_driver_sql(f"{explain} {statement}", parameters)
                plans[order[1]] = " ".join(str(line) for line in lines)
    database.close()
    assert len(plans) == 3
    # an incremental sort only puts rows of one time in order
    assert [
        name for name, plan in plans.items() if re.search(r"(?<!Incremental )Sort  |USE TEMP B-TREE", plan)
    ] == []
