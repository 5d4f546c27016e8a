"""A statement's first words: does it ask for a change?"""

from __future__ import annotations

import sqlite3

import pytest

from prefect_lineage_hooks.sql_words import asks_for_change

READS = (
    "select * from t",
    "  SELECT 1 -- insert",
    "/* update */ select a from t;",
    "(select 1)",
    "select(1)",
    "values (1)",
    "with x as (select 1) select * from x",
    "explain select 1",
    "PRAGMA main.table_info('t')",
    "begin",
    "commit",
    "from t",
    "summarize t",
)
CHANGES = (
    "insert into t values (1)",
    "INSERT OR IGNORE INTO t SELECT 1",
    "update t set a = 1",
    "delete from t",
    "replace into t values (1)",
    "create table u (a)",
    "drop table u",
    "alter table t add column b",
    "-- why\ninsert into t values (1);",
)
UNKNOWN = (
    "",
    "create table if not exists u (a)",
    "drop table if exists u",
    "select 1; insert into t values (1)",
    "select ';' from t",
    "select '--'; delete from t",
    "select '/*'; delete from t -- */",
    "with x as (select 1) insert into t select * from x",
    "explain analyze insert into t values (1)",
    "pragma user_version = 3",
    "pragma journal_mode(wal)",
    "vacuum",
    "attach 'x.db' as x",
    "selectx",
)


@pytest.mark.parametrize(
    ("sql", "asks"),
    [*((sql, False) for sql in READS), *((sql, True) for sql in CHANGES), *((sql, None) for sql in UNKNOWN)],
)
def test_the_first_words_tell(sql: str, asks: bool | None) -> None:
    assert asks_for_change(sql) is asks


_NOT_OF_SQLITE = ("from", "summarize", "(", "commit")


@pytest.mark.parametrize("sql", [sql for sql in READS if not sql.startswith(_NOT_OF_SQLITE)])
def test_what_is_said_to_read_changes_nothing_in_sqlite(sql: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    before = list(connection.iterdump())
    connection.execute(sql).fetchall()
    assert list(connection.iterdump()) == before
    connection.close()
