from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import PostgresServer

from prefect_lineage.errors import StoreError, StoreForeign, StoreMissing, StoreNewer
from prefect_lineage.store.engine import parse_url
from prefect_lineage.store.schema import REVISIONS, alembic_version
from prefect_lineage.store.store import Store


def _execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _listing(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/a/b/lineage.db").close()
    assert (tmp_path / "a/b/lineage.db").is_file()


def test_a_new_store_is_private_and_an_old_one_keeps_its_mode(tmp_path: Path, make) -> None:
    umask = os.umask(0)
    try:
        with Store.open(f"sqlite:///{tmp_path}/lineage.db") as store:
            store.apply([make.run("r")])
            assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
            assert len(list(tmp_path.iterdir())) == 3
    finally:
        os.umask(umask)
    (tmp_path / "lineage.db").chmod(0o664)
    Store.open(f"sqlite:///{tmp_path}/lineage.db").close()
    assert (tmp_path / "lineage.db").stat().st_mode & 0o777 == 0o664


_CHANGES = pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE versions DROP COLUMN deleted_at",
        "ALTER TABLE edges RENAME COLUMN at TO moment",
        "DROP TABLE history",
    ],
)


def _assert_is_told_as_unusable(url: str, make) -> None:
    written = make.run("r", make.write("/x", "aa", name="x"), make.write("/x", "bb", aliases=("best",)))
    with (
        pytest.raises(StoreError, match=r"no such|no column|does not exist") as caught,
        Store.open(url) as store,
    ):
        store.apply([written])
    assert "cannot be used" in str(caught.value)
    assert "\n" not in str(caught.value)


@_CHANGES
def test_a_store_of_another_layout_is_told_as_a_store_that_cannot_be_used(
    tmp_path: Path, make, change: str
) -> None:
    url = f"sqlite:///{tmp_path}/lineage.db"
    Store.open(url).close()
    _execute(tmp_path / "lineage.db", change)
    _assert_is_told_as_unusable(url, make)


def test_a_store_of_another_layout_in_postgresql_is_told_as_well(
    postgres: PostgresServer, fresh_postgres_url: str, make
) -> None:
    Store.open(fresh_postgres_url).close()
    postgres.execute("ALTER TABLE versions DROP COLUMN deleted_at", fresh_postgres_url.rpartition("/")[2])
    _assert_is_told_as_unusable(fresh_postgres_url, make)


def test_a_missing_store_opened_read_only_is_missing_and_stays_so(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="no lineage store at"):
        Store.open(f"sqlite:///{tmp_path}/sub/lineage.db", readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_opened_read_only_is_a_missing_store(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreMissing, match="no lineage in"):
        Store.open(f"sqlite:///{tmp_path}/empty.db", readonly=True)
    assert _listing(tmp_path) == {"empty.db": b""}


def test_reading_read_only_leaves_the_directory_as_it_was(tmp_path: Path, make) -> None:
    url = f"sqlite:///{tmp_path}/lineage.db"
    with Store.open(url) as store:
        store.apply([make.run("r", make.write("/x", "aa"))])
    before = _listing(tmp_path)
    with Store.open(url, readonly=True) as store:
        assert len(store.versions()) == 1
    assert _listing(tmp_path) == before


def test_a_read_only_store_refuses_to_be_written_to(url: str, make) -> None:
    Store.open(url).close()
    with Store.open(url, readonly=True) as store, pytest.raises(StoreError, match="read-only"):
        store.apply([make.run("r")])


def test_a_store_is_read_while_another_connection_writes(url: str, make) -> None:
    with Store.open(url) as writer, Store.open(url, readonly=True) as reader:
        writer.apply([make.run("r", make.write("/x", "aa"))])
        assert [str(version) for version in reader.versions()] == ["file:///x:v0"]


def test_a_text_file_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("This is no database, though it is longer than a header.")
    with pytest.raises(StoreForeign, match="not an SQLite database"):
        Store.open(f"sqlite:///{tmp_path}/notes.txt")


def test_a_file_with_a_database_header_and_rubbish_behind_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00" + b"rubbish" * 200)
    with pytest.raises(StoreError):
        Store.open(f"sqlite:///{tmp_path}/broken.db")


def test_a_directory_is_foreign(tmp_path: Path) -> None:
    with pytest.raises(StoreForeign, match="is a directory"):
        Store.open(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("readonly", [True, False])
def test_somebody_elses_database_is_foreign_and_not_touched(tmp_path: Path, readonly: bool) -> None:
    path = tmp_path / "app.db"
    # The same revision name as ours: many projects begin with it.
    _execute(
        path,
        "CREATE TABLE alembic_version (version_num TEXT)",
        f"INSERT INTO alembic_version VALUES ('{REVISIONS[-1]}')",
        "CREATE TABLE users (id INTEGER)",
    )
    with pytest.raises(StoreForeign, match="no lineage"):
        Store.open(f"sqlite:///{path}", readonly=readonly)
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert tables == {"alembic_version", "users"}


@pytest.mark.parametrize("readonly", [True, False])
def test_a_newer_store_says_that_it_is_newer(url: str, readonly: bool) -> None:
    Store.open(url).close()
    engine = sa.create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(alembic_version.update().values(version_num="9999"))
    try:
        _assert_is_told_as_newer(url, readonly)
    finally:
        with engine.begin() as connection:  # the database is shared
            connection.execute(alembic_version.update().values(version_num=REVISIONS[-1]))
        engine.dispose()


def _assert_is_told_as_newer(url: str, readonly: bool) -> None:
    with pytest.raises(StoreNewer, match=r"newer release.*upgrade prefect-lineage"):
        Store.open(url, readonly=readonly)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "cannot be read"),
        ("lineage.db", "cannot be read"),
        ("mysql://host/db", "not supported"),
        ("sqlite+aiosqlite:///x.db", "not supported"),
        ("postgresql+asyncpg://host/db", "not supported"),
        ("sqlite://host/x.db", "more than a path"),
        ("postgresql://user:hunter2@host:port/db", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot be used"):
            Store.open(f"sqlite:///{tmp_path}/sub/lineage.db")
    finally:
        tmp_path.chmod(0o700)


def test_a_parent_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        Store.open(f"sqlite:///{tmp_path}/file/lineage.db")


def test_a_store_in_memory_serves_several_threads(make) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Store.open("sqlite://") as store, ThreadPoolExecutor(4) as pool:
        records = [make.run(f"r{number}", make.write("/x", f"{number:02x}")) for number in range(20)]
        list(pool.map(lambda record: store.apply([record]), records))
        assert sorted(version.number for version in store.versions()) == list(range(20))


def test_opening_an_up_to_date_store_imports_no_alembic_and_a_journal_no_sqlalchemy(url: str) -> None:
    Store.open(url).close()
    code = (
        "import sys, prefect_lineage.store.drain, prefect_lineage.store.journal\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "from prefect_lineage.store.store import Store\n"
        f"Store.open({url!r}).close()\n"
        "assert 'sqlalchemy' in sys.modules and 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
