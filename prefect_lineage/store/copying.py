"""A store, moved: every row as it is, from one database into another of either kind.

Rows go over in the order of their keys, page by page, each page in a transaction, and the copy bears a mark until it
is whole. So a copy that was interrupted goes on where it stopped. What lies there already is compared first: if the
store has changed since, the copy begins again, because a store is copied as it was at one moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.errors import StoreError
from prefect_lineage.store.bulk import update_all, write_rows
from prefect_lineage.store.engine import Database
from prefect_lineage.store.migrate import COPYING, create, revision_of
from prefect_lineage.store.schema import REVISIONS, alembic_version, metadata, runs

__all__ = ["PAGE", "CopyReport", "Tell", "copy"]

PAGE = 5_000
"""Rows in one transaction."""

_LINKS = ("flow_run", "parent")
"""Columns of ``runs`` that point at other runs, perhaps later ones: they follow when all runs are there."""

Tell = Callable[[str, int, int], None]
"""Called with a table's name, how many of its rows are there, and how many there will be."""

Row = tuple[Any, ...]


@dataclass(slots=True)
class CopyReport:
    """What a copy did.

    Attributes:
        rows: in the copy, by table.
        found: rows that an interrupted copy had brought over before.
        restarted: the store had changed since the interruption, so that the copy began again.
    """

    rows: dict[str, int] = field(default_factory=dict)
    found: int = 0
    restarted: bool = False


def copy(source: Database, target: Database, tell: Tell = lambda *_: None) -> CopyReport:
    """Copy a store into an empty database, or go on with a copy that was interrupted.

    Args:
        source: an up-to-date store; what is written to it meanwhile is not copied.
        target: an empty database, an empty store, or an unfinished copy of ``source``.
        tell: of the progress.

    Raises:
        StoreError: the target holds something else, or one of both cannot be used.
    """
    if source.url == target.url:
        raise StoreError(f"The store {source} cannot be copied onto itself: name another database.")
    report = CopyReport()
    with source.reading() as old:
        _mark(source, target)
        if not _is_beginning(old, target, report):
            _wipe(target)
            report.found, report.restarted = 0, True
        for table in metadata.sorted_tables:
            report.rows[table.name] = _copy_table(old, target, table, tell)
        _link_runs(old, target)
        _finish(old, target)
    return report


def _mark(source: Database, target: Database) -> None:
    mark = COPYING + hashlib.blake2b(str(source).encode(), digest_size=12).hexdigest()
    with target.writing() as new:
        revision = revision_of(new, target, copying=True)
        if revision is None:
            create(new, mark)
        elif revision.startswith(COPYING) and revision != mark:
            raise StoreError(
                f"The store {target} is an unfinished copy of another store: name an empty database."
            )
        elif not revision.startswith(COPYING):
            if revision != REVISIONS[-1] or not all(
                _is_empty(new, table) for table in metadata.sorted_tables
            ):
                raise StoreError(f"The store {target} holds lineage of its own: name an empty database.")
            new.execute(alembic_version.update().values(version_num=mark))


def _is_empty(connection: Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).scalar() is None


def _is_beginning(old: Connection, target: Database, report: CopyReport) -> bool:
    """Whether all that the target has is the beginning of what the source has."""
    with target.reading() as new:
        for table in metadata.sorted_tables:
            columns = _plain(table)
            theirs = _rows(old, table, columns)
            for page in _pages(_rows(new, table, columns)):
                if list(islice(theirs, len(page))) != page:
                    return False
                report.found += len(page)
    return True


def _wipe(target: Database) -> None:
    with target.writing() as new:
        for table in reversed(metadata.sorted_tables):
            new.execute(table.delete())


def _copy_table(old: Connection, target: Database, table: sa.Table, tell: Tell) -> int:
    columns = _plain(table)
    with target.reading() as new:
        done = _count(new, table)
        last = new.execute(sa.select(*_key(table)).order_by(*_backwards(table)).limit(1)).first()
    total = _count(old, table)
    tell(table.name, done, total)
    for page in _pages(_rows(old, table, columns, tuple(last) if last else None)):
        with target.writing() as new:
            write_rows(new, _insert(table), columns, page)
        done += len(page)
        tell(table.name, done, total)
    return done


def _link_runs(old: Connection, target: Database) -> None:
    linked = sa.or_(*(runs.c[name].is_not(None) for name in _LINKS))
    statement = sa.select(*(runs.c[name] for name in (*_LINKS, "id"))).where(linked).order_by(runs.c.id)
    for page in _pages(_streamed(old, statement)):
        with target.writing() as new:
            update_all(new, runs, _LINKS, page)


def _finish(old: Connection, target: Database) -> None:
    """Say that the copy is whole; from here on it is a store."""
    with target.writing() as new:
        for table in metadata.sorted_tables:
            if _count(old, table) != _count(new, table):
                raise StoreError(f"The copy in {target} has not all rows of {table.name}: copy again.")
            if not target.is_sqlite and "id" in table.c and isinstance(table.c.id.type, sa.BigInteger):
                newest = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0) + 1).scalar_subquery()
                sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                new.execute(sa.select(sa.func.setval(sequence, newest, sa.false())))
        new.execute(alembic_version.update().values(version_num=REVISIONS[-1]))


def _rows(
    connection: Connection, table: sa.Table, columns: Sequence[str], after: Row | None = None
) -> Iterator[Row]:
    """The rows of a table in the order of its key, after a key."""
    key = _key(table)
    statement = sa.select(*(table.c[name] for name in columns)).order_by(*key)
    if after is not None:
        statement = statement.where(sa.tuple_(*key) > after if len(key) > 1 else key[0] > after[0])
    yield from _streamed(connection, statement)


def _streamed(connection: Connection, statement: sa.Select[*tuple[Any, ...]]) -> Iterator[Row]:
    with connection.execute(statement, execution_options={"yield_per": PAGE}) as found:
        for row in found:
            yield tuple(row)


def _pages(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _plain(table: sa.Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if table is not runs or column.name not in _LINKS)


def _key(table: sa.Table) -> list[sa.Column[Any]]:
    return list(table.primary_key.columns)


def _backwards(table: sa.Table) -> list[sa.UnaryExpression[Any]]:
    return [column.desc() for column in _key(table)]


def _count(connection: Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return table.insert()
