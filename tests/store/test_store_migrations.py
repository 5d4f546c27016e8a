from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import prefect_lineage.store.migrate as migrate
from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import EdgeRecord
from prefect_lineage.store.engine import Database
from prefect_lineage.store.past import aliases_at
from prefect_lineage.store.schema import REVISIONS, metadata, moves
from prefect_lineage.store.store import Store

SCRIPTS = Path(migrate.__file__).with_name("migrations")
_CACHED: dict[str, Any] = {"direction": "output", "how": "observed", "via": "cache", "at": 8}


def _shape(path: Path) -> dict[str, object]:
    """Tables and indexes as SQLite sees them: columns in order, keys, WITHOUT ROWID."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, wr, strict FROM pragma_table_list ORDER BY name").fetchall()
        shape: dict[str, object] = {"tables": tables}
        for name, *_ in tables:
            shape[name] = (
                connection.execute(f"PRAGMA table_info({name})").fetchall(),
                # but for their numbers, which follow the order in which they are written down
                sorted(key[2:] for key in connection.execute(f"PRAGMA foreign_key_list({name})").fetchall()),
                # those of constraints are numbered in the order in which SQLAlchemy wrote them down
                sorted(
                    (
                        re.sub(r"autoindex_.*", "autoindex", index[1]),
                        *index[2:4],
                        tuple(connection.execute(f"PRAGMA index_info({index[1]})").fetchall()),
                    )
                    for index in connection.execute(f"PRAGMA index_list({name})").fetchall()
                ),
            )
        return shape


def test_all_migrations_make_what_a_new_store_has(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    migrated = Database(f"sqlite:///{tmp_path}/migrated.db")
    with migrated.writing() as connection:
        migrate.upgrade(connection)
    migrated.close()
    assert _shape(tmp_path / "migrated.db") == _shape(tmp_path / "new.db")


def test_the_migrations_leave_nothing_to_generate(old_url: str) -> None:
    Store.open(old_url).close()
    database = Database(old_url)
    with database.reading() as connection:
        other = {"sqlite": "ix_runs_newest", "postgresql": "ix_runs_started_at"}[connection.dialect.name]
        known = {"include_object": lambda _, name, *told: told[1] or name != other}
        found = compare_metadata(MigrationContext.configure(connection, opts=known), metadata)
    database.close()
    assert found == []


def test_the_revisions_in_the_code_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    walked = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS
    assert scripts.get_current_head() == REVISIONS[-1]


_ROWS = """
    INSERT INTO jobs VALUES (1, 'flow.task');
    INSERT INTO vias VALUES (1, 'open');
    INSERT INTO runs VALUES (1, 'r', 'task', 'r-name', 1, NULL, NULL, NULL, 'Cached', 5, 9, 2, '{"a":1}');
    INSERT INTO artifacts VALUES (1, 'file://h', '/x', 'file:///x', 'file', 'file:///x', 2, NULL, 1, 2);
    INSERT INTO locations VALUES (1, 'file://h', '/x', 'file:///x', 1);
    INSERT INTO versions VALUES
        (1, 1, 0, 'blake3:aa', 'all', 7, 'csv', 3, NULL, NULL, NULL, 1, FALSE, FALSE, 1, NULL),
        (2, 1, 1, 'blake3:bb', 'all', 8, 'csv', 3, NULL, NULL, NULL, 1, TRUE, FALSE, 2, NULL);
    INSERT INTO edges VALUES (1, 0, 1, 1, 0, 1, 4, 6, 0), (1, 1, 2, 2, 0, 1, 1, 7, 2);
    INSERT INTO aliases VALUES (1, 'latest', 1, 1);
    INSERT INTO journals VALUES ('j', 100, 1)
"""


def _make_store(url: str, revision: str, rows: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        migrate.upgrade(connection, revision)
        for statement in rows.strip().removesuffix(";").split(";"):
            connection.exec_driver_sql(statement)
    database.close()


def _make_store_of_0001(url: str) -> None:
    """A store as the first release left it: one run that wrote one version and read another."""
    _make_store(url, "0001", _ROWS)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("fresh_postgres_url"))
    return f"sqlite:///{tmp_path}/old.db"


@pytest.fixture
def old_url(empty_url: str) -> str:
    _make_store_of_0001(empty_url)
    return empty_url


def test_a_store_of_the_first_revision_keeps_its_data(old_url: str, make) -> None:
    with Store.open(old_url) as store:
        (run,) = store.runs()
        assert (run.state, run.attempt, run.cached_from, run.details) == ("Cached", 2, None, {"a": 1})
        assert [str(version) for version in store.versions()] == ["file:///x:v1", "file:///x:v0"]
        assert [(edge.direction, edge.attempt, edge.times) for edge in store.graph().edges] == [
            ("input", 1, 4),
            ("output", 2, 1),
        ]
        assert (store.position("j"), store.stats()["revision"]) == (100, REVISIONS[-1])
        store.apply([make.run("p", make.write("/y", "cc", at=1, tokens=("result:k",)), result_key="k")])
        store.apply([make.run("r", EdgeRecord.referring("result:k", **_CACHED), result_key="k")])
        assert len(store.graph().edges) == 4


_UUID, _SHA, _BLAKE = "01a21d9e-b05d-7151-86de-8c3eefd1378f", "sha256:" + "0a" * 32, "blake3:" + "f1" * 32
_ROWS_OF_0005 = f"""
    INSERT INTO jobs VALUES (1, 'flow.task');
    INSERT INTO runs VALUES
        (1, '{_UUID}', 'task', 'a', 1, NULL, NULL, NULL, 'Completed', 5, 9, 1,
         '{{"n":1,"code":{{"line":3}},"process":{{"pid":7}}}}', NULL),
        (2, 'odd', 'task', 'b', 1, NULL, NULL, NULL, 'Completed', 6, 9, 1, '{{"code":{{"line":3}}}}', NULL),
        (3, 'none', 'task', 'c', 1, NULL, NULL, NULL, 'Completed', 7, 9, 1, NULL, NULL);
    INSERT INTO artifacts VALUES (1, 'file://h', '/x', 'file:///x', 'file', 'file:///x', 3, NULL, 1, 2);
    INSERT INTO locations VALUES (1, 'file://h', '/x', 'file:///x', 1);
    INSERT INTO versions VALUES
        (1, 1, 0, '{_BLAKE}', 'all', 7, NULL, NULL, NULL, NULL, NULL, 1, FALSE, FALSE, 1, NULL),
        (2, 1, 1, '{_SHA}', 'all', 8, NULL, NULL, NULL, NULL, NULL, 1, FALSE, FALSE, 2, NULL),
        (3, 1, 2, 'stat:ab', 'none', 8, NULL, NULL, NULL, NULL, NULL, 1, FALSE, FALSE, 3, NULL);
"""


def test_what_was_text_in_a_store_of_0005_is_told_alike(empty_url: str) -> None:
    _make_store(empty_url, "0005", _ROWS_OF_0005)
    with Store.open(empty_url) as store:
        assert {run.id: run.details for run in store.runs()} == {
            _UUID: {"n": 1, "code": {"line": 3}, "process": {"pid": 7}},
            "odd": {"code": {"line": 3}},
            "none": {},
        }
        assert [version.digest for version in store.versions()] == ["stat:ab", _SHA, _BLAKE]
        assert store.check()[1] == []


_ROWS_OF_0006 = """
    INSERT INTO artifacts VALUES (1, 'file://h', '/x', 'file:///x', 'file', 'file:///x', 3, NULL, 1, 2);
    INSERT INTO locations VALUES (1, 'file://h', '/x', 'file:///x', 1);
    INSERT INTO versions VALUES
        (1, 1, 0, {aa}, 'all', 7, NULL, NULL, NULL, NULL, NULL, 1, FALSE, FALSE, 10, NULL),
        (2, 1, 1, {bb}, 'all', 8, NULL, NULL, NULL, NULL, NULL, 1, FALSE, FALSE, 20, NULL),
        (3, 1, 2, {cc}, 'all', 8, NULL, NULL, NULL, NULL, NULL, 1, TRUE, FALSE, 40, NULL);
    INSERT INTO aliases VALUES (1, 'latest', 1, 30), (1, 'best', 2, 20);
    INSERT INTO moves VALUES (1, 'latest', 10, 1), (1, 'latest', 25, 2), (1, 'latest', 30, 1), (1, 'best', 20, 2);
"""


def test_what_aliases_meant_in_a_store_of_0006_is_told_alike(empty_url: str) -> None:
    letters = "'\\x{}'" if empty_url.startswith("postgresql") else "X'{}'"
    digests = {two: letters.format("01" + two * 32) for two in ("aa", "bb", "cc")}
    _make_store(empty_url, "0006", _ROWS_OF_0006.format(**digests))
    with Store.open(empty_url) as store:
        with store._database.reading() as connection:
            meant = {at: aliases_at(connection, at) for at in (9, 10, 24, 25, 30, 50)}
            rows = connection.execute(moves.select().order_by(moves.c.at)).all()
        first, second = {(1, "latest"): 1}, {(1, "latest"): 2, (1, "best"): 2}
        assert meant[9] == {}
        assert meant[10] == first
        assert meant[24] == first | {(1, "best"): 2}
        assert meant[25] == second
        assert meant[30] == meant[50] == second | first
        assert [(row.alias, row.at) for row in rows] == [("best", 20), ("latest", 25), ("latest", 30)]
        assert store.check()[1] == []


def test_an_upgraded_store_is_shaped_as_a_new_one(tmp_path: Path) -> None:
    _make_store_of_0001(f"sqlite:///{tmp_path}/old.db")
    Store.open(f"sqlite:///{tmp_path}/old.db").close()
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert _shape(tmp_path / "old.db") == _shape(tmp_path / "new.db")


def test_an_older_store_is_not_upgraded_by_reading(old_url: str) -> None:
    with pytest.raises(StoreError, match="prefect-lineage db upgrade"):
        Store.open(old_url, readonly=True)
