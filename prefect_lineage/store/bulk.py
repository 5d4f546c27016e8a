"""Statements over many rows: bounded ``IN`` lists, bulk inserts and upserts for both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

__all__ = ["CHUNK", "changed_values", "chunks", "intern", "select_in", "update_by_id", "upsert", "within"]

CHUNK = 500
"""Values in one ``IN``: SQLite allowed 999 bound values for long, and a pair takes two."""

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
    connection: Connection, statement: sa.Select[Any], values: Iterable[Any], size: int = CHUNK
) -> Iterator[Row[Any]]:
    """The rows of a statement that has a :func:`within`. Statements that a writer needs are built once, at
    import: building one takes SQLAlchemy longer than running it."""
    for chunk in chunks(values, size):
        yield from connection.execute(statement, {"values": chunk})


def upsert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows ``on_conflict_do_update``: both dialects have the same, SQLAlchemy has two."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@cache
def update_by_id(table: sa.Table, columns: tuple[str, ...]) -> sa.Update:
    """An UPDATE of these columns, for :func:`changed_values`."""
    values = {column: sa.bindparam(f"new_{column}") for column in columns}
    return table.update().where(table.c.id == sa.bindparam("row_id")).values(values)


def changed_values(row_id: int | None, columns: tuple[str, ...], values: Iterable[Any]) -> dict[str, Any]:
    """The parameters of :func:`update_by_id`: a column's own name would clash with its value's."""
    return {
        "row_id": row_id,
        **{f"new_{column}": value for column, value in zip(columns, values, strict=True)},
    }


def intern(connection: Connection, table: sa.Table, names: Iterable[str]) -> dict[str, int]:
    """Ids of names in a table (id, name), adding those that are new. Needs the write lock."""
    wanted = sorted(set(names))
    known = {row.name: row.id for row in select_in(connection, _ids_of_names(table), wanted)}
    missing = [name for name in wanted if name not in known]
    if missing:
        connection.execute(table.insert(), [{"name": name} for name in missing])
        known |= {row.name: row.id for row in select_in(connection, _ids_of_names(table), missing)}
    return known


@cache
def _ids_of_names(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table.c.name, table.c.id).where(within(table.c.name))
