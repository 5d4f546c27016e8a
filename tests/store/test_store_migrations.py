from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import prefect_lineage.store.migrate as migrate
from prefect_lineage.errors import StoreError
from prefect_lineage.store.engine import Database
from prefect_lineage.store.schema import REVISIONS, metadata
from prefect_lineage.store.store import Store

SCRIPTS = Path(migrate.__file__).with_name("migrations")


def _shape(path: Path) -> dict[str, object]:
    """Tables and indexes as SQLite sees them: columns in order, keys, WITHOUT ROWID."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, wr, strict FROM pragma_table_list ORDER BY name").fetchall()
        shape: dict[str, object] = {"tables": tables}
        for name, *_ in tables:
            shape[name] = (
                connection.execute(f"PRAGMA table_info({name})").fetchall(),
                sorted(connection.execute(f"PRAGMA foreign_key_list({name})").fetchall()),
                sorted(
                    (index[1:4], tuple(connection.execute(f"PRAGMA index_info({index[1]})").fetchall()))
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


def test_the_migrations_leave_nothing_to_generate(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/migrated.db")
    with database.writing() as connection:
        migrate.upgrade(connection)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_revisions_in_the_code_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    walked = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS
    assert scripts.get_current_head() == REVISIONS[-1]


def test_an_older_store_is_upgraded_where_it_may_be_written(url: str, make, monkeypatch) -> None:
    # There is one revision so far, so the store becomes older by a release that knows one more.
    with Store.open(url) as store:
        store.apply([make.run("r", make.write("/x", "aa"))])
    monkeypatch.setattr(migrate, "REVISIONS", (*REVISIONS, "next"))
    with pytest.raises(StoreError, match="prefect-lineage db upgrade"):
        Store.open(url, readonly=True)
    with Store.open(url) as store:  # alembic runs, and finds every script applied
        assert len(store.versions()) == 1
