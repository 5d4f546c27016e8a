"""Statements over many rows, for both databases.

Building a statement takes SQLAlchemy longer than SQLite takes to run it, and binding a row by name longer than
storing it. So statements are built once, many values travel as one, and rows that are written are plain tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, registry, sqlite
from sqlalchemy.engine import Connection, Row
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from prefect_lineage.store.lines import dump_json
from prefect_lineage.store.packed import Packed

__all__ = [
    "BYTES_OF",
    "CHUNK",
    "chunks",
    "execute_in",
    "execute_pairs",
    "insert_all",
    "insert_rows",
    "intern",
    "next_id",
    "pairs_table",
    "select_in",
    "select_pairs",
    "update_all",
    "upsert",
    "within",
    "write_rows",
]

CHUNK = 10_000
"""Values in one statement."""

BYTES_OF = "lineage_bytes"
"""The function that our connections to SQLite have beyond its own: bytes of their hexadecimal text."""

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The values in sequences of at most ``size``."""
    whole = list(values)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


class _Values(sa.types.TypeDecorator[Any]):
    """Many values of one type, bound as one: an array, or in SQLite a JSON text, where bytes are in hexadecimal."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return sa.Text()
        if isinstance(self.kind, Packed):
            return postgresql.ARRAY(sa.LargeBinary())
        return postgresql.ARRAY(sa.Text() if isinstance(self.kind, sa.String) else sa.BigInteger())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        if isinstance(self.kind, Packed):
            values = [self.kind.pack(one) for one in values]
        if dialect.name != "sqlite":
            return values
        return dump_json([one.hex() if isinstance(one, bytes) else one for one in values])


class _Within(FunctionElement[bool]):
    """``column IN (the values)``, spelt as each database searches its indexes."""

    inherit_cache = True
    type = sa.Boolean()
    name = "within"

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Itself: SQLAlchemy would write ``(column IN …) = 1`` for SQLite, which then scans the table."""
        return self


@compiles(_Within, "sqlite")
def _in_json(element: _Within, compiler: SQLCompiler, **how: Any) -> str:
    column, values = element.clauses
    value = f"{BYTES_OF}(value)" if isinstance(column.type, Packed) else "value"
    return f"({compiler.process(column, **how)} IN (SELECT {value} FROM json_each({compiler.process(values, **how)})))"


@compiles(_Within)
def _in_array(element: _Within, compiler: SQLCompiler, **how: Any) -> str:
    column, values = element.clauses
    return f"({compiler.process(column, **how)} = ANY ({compiler.process(values, **how)}))"


def within(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The condition that a column is among the values given to :func:`select_in`."""
    return _Within(column, sa.bindparam("values", type_=_Values(column.type)))


def select_in(
    connection: Connection, statement: sa.Select[*tuple[Any, ...]], values: Iterable[Any], size: int = CHUNK
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a statement that has a :func:`within`."""
    for chunk in chunks(values, size):
        yield from connection.execute(statement, {"values": chunk}).all()  # one call, not one a row


def execute_in(connection: Connection, statement: sa.Delete | sa.Update, values: Iterable[Any]) -> None:
    """Run a statement that has a :func:`within`."""
    for chunk in chunks(values):
        connection.execute(statement, {"values": chunk})


def pairs_table(dialect: str, first: Any, second: Any) -> tuple[sa.TableValuedAlias, Any, Any]:
    """A table of pairs, bound as ``pairs``, and its two columns, of the types of the given ones.

    The pairs travel as one JSON text: SQLite searches no index for ``(a, b) IN (…)``, it scans the table.
    """
    text = sa.bindparam("pairs", type_=sa.Text)
    is_packed = isinstance(second.type, Packed)
    if dialect == "sqlite":
        pair = sa.func.json_each(text).table_valued("value", name="pair")
        members: list[Any] = [sa.func.json_extract(pair.c.value, f"$[{place}]") for place in (0, 1)]
        return pair, members[0], getattr(sa.func, BYTES_OF)(members[1]) if is_packed else members[1]
    pair = sa.func.json_array_elements(sa.cast(text, postgresql.JSON)).table_valued("value", name="pair")
    value = sa.type_coerce(pair.c.value, postgresql.JSON)
    words = value[1].astext
    other: Any = sa.func.decode(words, "hex") if is_packed else sa.cast(words, second.type)
    return pair, sa.cast(value[0].astext, first.type), other


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
    query, kind = paired(connection.dialect.name, *columns, statement), columns[1].type
    if isinstance(kind, Packed):
        pairs = [(one, kind.pack(other).hex()) for one, other in pairs]
    yield from execute_pairs(connection, query, pairs)


def execute_pairs(
    connection: Connection, query: sa.Select[*tuple[Any, ...]], pairs: Iterable[tuple[Any, Any]]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a query that has a :func:`pairs_table`."""
    for chunk in chunks(sorted(pairs), 5_000):
        yield from connection.execute(query, {"pairs": dump_json(chunk)}).all()


def write_rows(connection: Connection, statement: Any, columns: tuple[str, ...], rows: Rows) -> None:
    """Run an INSERT, an UPDATE or an upsert once for each row.

    Args:
        connection: in a transaction.
        statement: one that lives as long as the process: a module's own, or one of a cached function.
        columns: the names of the statement's parameters, as the members of a row.
        rows: what to write.
    """
    if not rows:
        return
    name = f"{connection.dialect.name}.{connection.dialect.driver}"
    text, order, stored = _positional(name, statement, columns)
    for chunk in chunks(rows):
        ready = [_as_stored(row, stored) for row in chunk] if stored else chunk
        connection.exec_driver_sql(text, list(map(order, ready)) if order else list(ready))


Order = Callable[[tuple[Any, ...]], tuple[Any, ...]]
Stored = tuple[int, Callable[[Any], Any]]
"""The place of a member that is not stored as it is, and how it is stored."""


@cache
def _positional(
    name: str, statement: Any, columns: tuple[str, ...]
) -> tuple[str, Order | None, tuple[Stored, ...]]:
    """The statement as the driver takes it, the order that it wants of a row, and which members are JSON or packed."""
    dialect: Any = registry.load(name)
    style = dialect(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    compiled = statement.compile(dialect=style, column_keys=list(columns))
    order = [columns.index(parameter) for parameter in compiled.positiontup]
    stored: list[Stored] = []
    for place, column in enumerate(columns):
        kind = compiled.binds[column].type
        if isinstance(kind, (sa.JSON, Packed)):
            stored.append((place, dump_json if isinstance(kind, sa.JSON) else kind.pack))
    return str(compiled), None if order == list(range(len(columns))) else itemgetter(*order), tuple(stored)


def _as_stored(row: tuple[Any, ...], stored: tuple[Stored, ...]) -> tuple[Any, ...]:
    members = list(row)
    for place, store in stored:
        if members[place] is not None:
            members[place] = store(members[place])
    return tuple(members)


def insert_all(connection: Connection, table: sa.Table, columns: tuple[str, ...], rows: Rows) -> range:
    """Insert rows, and tell their ids in the order of the rows. Needs the write lock: ids are given out here,
    since no database tells those of many rows in one order and one way."""
    if not rows:
        return range(0)
    first = next_id(connection, table)
    ids = range(first, first + len(rows))
    with_ids = [(row_id, *row) for row_id, row in zip(ids, rows, strict=True)]
    write_rows(connection, _insert(table), ("id", *columns), with_ids)
    return ids


def insert_rows(
    connection: Connection, table: sa.Table, columns: Mapping[str, str], rows: Sequence[Any]
) -> None:
    """Give ids to objects that have none, and insert a row for each. Needs the write lock, as :func:`insert_all`.

    Args:
        columns: and the attributes that hold their values.
        rows: objects whose ``id`` is to be set.
    """
    if not rows:
        return
    for row_id, row in enumerate(rows, next_id(connection, table)):
        row.id = row_id
    values = attrgetter("id", *columns.values())
    write_rows(connection, _insert(table), ("id", *columns), list(map(values, rows)))


def next_id(connection: Connection, table: sa.Table) -> int:
    """The first row id that is free. Needs the write lock."""
    return (connection.execute(_newest(table)).scalar() or 0) + 1


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return table.insert()


@cache
def _newest(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(sa.func.max(table.c.id))


def update_all(connection: Connection, table: sa.Table, columns: tuple[str, ...], rows: Rows) -> None:
    """Update rows by their id, which is the last member of a row."""
    names = (*(f"new_{column}" for column in columns), "row_id")
    write_rows(connection, _update(table, columns), names, rows)


@cache
def _update(table: sa.Table, columns: tuple[str, ...]) -> sa.Update:
    # A column's own name would clash with its value's.
    values: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in columns}
    return table.update().where(table.c.id == sa.bindparam("row_id")).values(values)


def upsert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows ``on_conflict_do_update``: both dialects have the same, SQLAlchemy has two."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def intern(connection: Connection, table: sa.Table, names: Iterable[str]) -> dict[str, int]:
    """Ids of names in a table (id, name), adding those that are new. Needs the write lock."""
    wanted = list(dict.fromkeys(names))
    known = {row.name: row.id for row in select_in(connection, _ids_of_names(table), wanted)}
    missing = [name for name in wanted if name not in known]
    ids = insert_all(connection, table, ("name",), [(name,) for name in missing])
    return known | dict(zip(missing, ids, strict=True))


@cache
def _ids_of_names(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(table.c.name, table.c.id).where(within(table.c.name))
