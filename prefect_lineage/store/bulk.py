"""Statements over many rows: bounded ``IN`` lists, bulk inserts and upserts for both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from prefect_lineage.store.lines import dump_json

__all__ = [
    "CHUNK",
    "changed_values",
    "chunks",
    "execute_pairs",
    "insert_all",
    "intern",
    "pairs_table",
    "select_in",
    "select_pairs",
    "update_by_id",
    "upsert",
    "within",
]

CHUNK = 500
"""Values in one ``IN``: SQLite allowed 999 bound values for long."""

T = TypeVar("T")


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The values in sequences of at most ``size``."""
    whole = list(values)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def within(column: Any) -> ColumnElement[bool]:
    """The condition that a column, or a tuple of columns, is among the values given to :func:`select_in`."""
    condition: ColumnElement[bool] = column.in_(sa.bindparam("values", expanding=True))
    return condition


def select_in(
    connection: Connection, statement: sa.Select[*tuple[Any, ...]], values: Iterable[Any], size: int = CHUNK
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a statement that has a :func:`within`. Statements that a writer needs are built once, at
    import: building one takes SQLAlchemy longer than running it."""
    for chunk in chunks(values, size):
        yield from connection.execute(statement, {"values": chunk})


def pairs_table(dialect: str, first: Any, second: Any) -> tuple[sa.TableValuedAlias, Any, Any]:
    """A table of pairs, bound as ``pairs``, and its two columns, of the types of the given ones.

    The pairs travel as one JSON text: SQLite searches no index for ``(a, b) IN (…)``, it scans the table.
    """
    text = sa.bindparam("pairs", type_=sa.Text)
    if dialect == "sqlite":
        pair = sa.func.json_each(text).table_valued("value", name="pair")
        return pair, sa.func.json_extract(pair.c.value, "$[0]"), sa.func.json_extract(pair.c.value, "$[1]")
    pair = sa.func.json_array_elements(sa.cast(text, postgresql.JSON)).table_valued("value", name="pair")
    value = sa.type_coerce(pair.c.value, postgresql.JSON)
    return pair, sa.cast(value[0].astext, first.type), sa.cast(value[1].astext, second.type)


@cache
def paired(
    dialect: str, first: Any, second: Any, statement: sa.Select[*tuple[Any, ...]]
) -> sa.Select[*tuple[Any, ...]]:
    """The rows of a statement whose two columns are one of the pairs given to :func:`select_pairs`."""
    pair, one, other = pairs_table(dialect, first, second)
    return statement.join(pair, sa.and_(first == one, second == other))


def select_pairs(
    connection: Connection,
    statement: sa.Select[*tuple[Any, ...]],
    columns: tuple[Any, Any],
    pairs: Iterable[tuple[Any, Any]],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows whose two columns are one of the pairs."""
    query = paired(connection.dialect.name, *columns, statement)
    yield from execute_pairs(connection, query, pairs)


def execute_pairs(
    connection: Connection, query: sa.Select[*tuple[Any, ...]], pairs: Iterable[tuple[Any, Any]]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a query that has a :func:`pairs_table`."""
    for chunk in chunks(sorted(pairs), 5_000):
        yield from connection.execute(query, {"pairs": dump_json(chunk)})


def insert_all(
    connection: Connection, table: sa.Table, rows: list[dict[str, Any]], key: tuple[str, ...]
) -> dict[Any, int]:
    """Insert rows and tell their new ids by ``key``. Needs the write lock: whatever has an id above the
    highest before is ours. (RETURNING would do the same where SQLite is newer than 3.35.)"""
    newest = connection.execute(_newest(table)).scalar() or 0
    connection.execute(table.insert(), rows)
    added = connection.execute(_added(table, key), {"newest": newest})
    return {tuple(row[1:]): row[0] for row in added}


@cache
def _newest(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(sa.func.max(table.c.id))


@cache
def _added(table: sa.Table, key: tuple[str, ...]) -> sa.Select[*tuple[Any, ...]]:
    columns = [table.c[column] for column in key]
    return sa.select(table.c.id, *columns).where(table.c.id > sa.bindparam("newest"))


def upsert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows ``on_conflict_do_update``: both dialects have the same, SQLAlchemy has two."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@cache
def update_by_id(table: sa.Table, columns: tuple[str, ...]) -> sa.Update:
    """An UPDATE of these columns, for :func:`changed_values`."""
    values: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in columns}
    return table.update().where(table.c.id == sa.bindparam("row_id")).values(values)


def changed_values(row_id: int | None, columns: tuple[str, ...], values: Iterable[Any]) -> dict[str, Any]:
    """The parameters of :func:`update_by_id`: a column's own name would clash with its value's."""
    return {
        "row_id": row_id,
        **{f"new_{column}": value for column, value in zip(columns, values, strict=True)},
    }


def intern(connection: Connection, table: sa.Table, names: Iterable[str]) -> dict[str, int]:
    """Ids of names in a table (id, name), adding those that are new. Needs the write lock."""
    wanted = list(dict.fromkeys(names))
    known = {row.name: row.id for row in select_in(connection, _ids_of_names(table), wanted)}
    missing = [name for name in wanted if name not in known]
    if missing:
        added = insert_all(connection, table, [{"name": name} for name in missing], ("name",))
        known |= {name: row_id for (name,), row_id in added.items()}
    return known


@cache
def _ids_of_names(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(table.c.name, table.c.id).where(within(table.c.name))
