"""SQLAlchemy over SQLite: whoever asks has read, whoever changes has written, also by a connection that is not new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import sqlalchemy_io, sqlite_io


@pytest.fixture(params=["in.db", "file:in.db?uri=true"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlalchemy.Engine]:
    monkeypatch.chdir(tmp_path)
    made = sqlalchemy.create_engine(f"sqlite:///{request.param}")
    with made.begin() as connection:
        connection.execute(sqlalchemy.text("create table t (a integer)"))
    yield made
    made.dispose()


def run(engine: sqlalchemy.Engine, *statements: str) -> Captured:
    with captured(sqlite_io, sqlalchemy_io, root=".") as seen, engine.begin() as connection:
        for statement in statements:
            connection.execute(sqlalchemy.text(statement))
    assert not seen.problems
    return seen


def test_a_pooled_connection_is_seen_in_every_run_that_uses_it(engine: sqlalchemy.Engine) -> None:
    assert run(engine, "select * from t").lines == ["R in.db"]
    assert run(engine, "insert into t values (1)", "select * from t").lines == ["R in.db", "W in.db"]
    assert run(engine, "select * from t").lines == ["R in.db"]


def test_many_rows_are_one_edge(engine: sqlalchemy.Engine) -> None:
    table = sqlalchemy.table("t", sqlalchemy.column("a"))
    with captured(sqlite_io, sqlalchemy_io, root=".") as seen, engine.begin() as connection:
        for _ in range(3):
            connection.execute(sqlalchemy.insert(table), [{"a": number} for number in range(100)])
    assert seen.lines == ["R in.db", "W in.db"]


def test_a_database_in_memory_is_no_file(tmp_path: Path) -> None:
    memory = sqlalchemy.create_engine("sqlite://")
    assert run(memory, "select 1").lines == []
    memory.dispose()
