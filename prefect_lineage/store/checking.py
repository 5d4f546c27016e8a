"""Is a store whole? What must hold between its rows, asked of the database itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from prefect_lineage.store.engine import Database
from prefect_lineage.store.schema import (
    aliases,
    artifacts,
    edges,
    history,
    journals,
    metadata,
    referrals,
    tokens,
    versions,
)

__all__ = ["Finding", "check"]

_EXAMPLES = 5
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
Question = tuple[str, str, sa.Select[*tuple[Any, ...]]]
"""The name of a check, what is wrong with the rows that it finds, and how to find them: a text for each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold.

    Attributes:
        check: the name of the check, for programs.
        problem: what is wrong, for people.
        rows: how many rows are concerned.
        examples: some of them.
    """

    check: str
    problem: str
    rows: int
    examples: tuple[str, ...]


def check(database: Database) -> tuple[int, list[Finding]]:
    """Look at every row of a store.

    Returns:
        How many checks were made, and what they found.

    Raises:
        StoreError: the store cannot be read at all.
    """
    with database.reading() as connection:
        found = list(_damages(connection)) if database.is_sqlite else []
        questions = [
            *_dangling(),
            *_repeated(),
            *_numbered(),
            *_named(),
            *_referred(),
            *_texts(database.is_sqlite),
        ]
        for name, problem, statement in questions:
            found.extend(_answer(connection, name, problem, statement))
        return len(questions) + database.is_sqlite, found


def _answer(
    connection: Connection, name: str, problem: str, statement: sa.Select[*tuple[Any, ...]]
) -> Iterator[Finding]:
    bad = statement.subquery()
    try:
        rows = int(connection.execute(sa.select(sa.func.count()).select_from(bad)).scalar_one())
        if rows:
            texts = connection.execute(sa.select(bad).limit(_EXAMPLES)).all()
            yield Finding(name, problem, rows, tuple(" ".join(map(str, row)) for row in texts))
    except exc.DatabaseError as error:
        if not _is_damage(error.orig):
            raise
        yield Finding(name, "the rows cannot be read: the file is damaged", 0, (str(error.orig),))


def _is_damage(error: BaseException | None) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def _damages(connection: Connection) -> Iterator[Finding]:
    """What SQLite itself finds: pages that are broken, indexes that differ from their tables."""
    try:
        told = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(100)")]
    except exc.DatabaseError as error:
        if not _is_damage(error.orig):
            raise
        told = [str(error.orig)]
    if told != ["ok"]:
        yield Finding("integrity", "the file is damaged", len(told), tuple(told[:_EXAMPLES]))


def _dangling() -> Iterator[Question]:
    """Rows that point at others which are not there."""
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            column, there = key.parent, key.column.table.alias("there")
            missing = ~sa.exists().where(there.c[key.column.name] == column)
            name = f"{table.name}.{column.name}"
            problem = f"rows of {table.name} whose {column.name} is no row of {key.column.table.name}"
            yield name, problem, sa.select(column).where(column.is_not(None), missing)
    means = f"rows of {tokens.name} whose meaning is gone"
    no_version = ~sa.exists().where(versions.c.id == tokens.c.means)
    no_referral = ~sa.exists().where(referrals.c.id == -tokens.c.means)
    nothing = sa.or_(sa.and_(tokens.c.means > 0, no_version), sa.and_(tokens.c.means < 0, no_referral))
    yield "tokens.means", means, sa.select(tokens.c.token).where(sa.or_(nothing, tokens.c.means == 0))
    known = sa.select(sa.literal("artifact-") + sa.cast(artifacts.c.id, sa.Text))
    gone = sa.and_(
        history.c.subject.startswith("artifact-", autoescape=True), history.c.subject.not_in(known)
    )
    problem = "lines of history about an artifact that is not there"
    yield "history.subject", problem, sa.select(history.c.subject).where(gone)


def _repeated() -> Iterator[Question]:
    """What is there once only: one digest in an artifact, one number, one UUID, one name."""
    for table in metadata.sorted_tables:
        keys = [key for key in table.constraints if isinstance(key, sa.UniqueConstraint)]
        for key in sorted(keys, key=lambda key: str(key.name)):
            columns = list(key.columns)
            names = ", ".join(column.name for column in columns)
            grouped = sa.select(*columns).group_by(*columns).having(sa.func.count() > 1)
            yield f"{table.name}.{key.name}", f"rows of {table.name} with the same {names}", grouped


def _numbered() -> Iterator[Question]:
    """Numbers of versions have no gaps, and the counter stands behind the last."""
    counted = (
        sa.select(
            artifacts.c.name,
            artifacts.c.next_number,
            sa.func.count(versions.c.id),
            sa.func.min(versions.c.number),
            sa.func.max(versions.c.number),
        )
        .outerjoin(versions, versions.c.artifact_id == artifacts.c.id)
        .group_by(artifacts.c.id, artifacts.c.name, artifacts.c.next_number)
    )
    total = sa.func.count(versions.c.id)
    gap = sa.or_(
        total != artifacts.c.next_number,
        sa.func.coalesce(sa.func.min(versions.c.number), 0) != 0,
        sa.func.coalesce(sa.func.max(versions.c.number), -1) != artifacts.c.next_number - 1,
    )
    yield "versions.numbers", "artifacts whose versions are not numbered without gaps", counted.having(gap)


def _named() -> Iterator[Question]:
    """An alias names a version of its own artifact."""
    strangers = (
        sa.select(aliases.c.alias, aliases.c.version_id)
        .join(versions, versions.c.id == aliases.c.version_id)
        .where(versions.c.artifact_id != aliases.c.artifact_id)
    )
    yield "aliases.version_id", "aliases that name a version of another artifact", strangers


def _referred() -> Iterator[Question]:
    """Every referral that means a version has its edge, and every edge by referral has its referral."""
    same = sa.and_(
        edges.c.run_id == referrals.c.run_id,
        edges.c.direction == referrals.c.direction,
        edges.c.version_id == referrals.c.version_id,
        edges.c.attempt == -referrals.c.attempt,
    )
    lost = sa.select(referrals.c.token).where(referrals.c.version_id.is_not(None), ~sa.exists().where(same))
    yield "referrals.edges", "referrals that mean a version and have no edge", lost
    unfounded = sa.select(edges.c.run_id, edges.c.version_id).where(
        edges.c.attempt < 0, ~sa.exists().where(same)
    )
    yield "edges.referrals", "edges by referral without a referral", unfounded
    odd = sa.select(edges.c.run_id, edges.c.version_id).where(
        sa.or_(
            edges.c.attempt == 0,
            edges.c.times < 1,
            ~edges.c.direction.in_((0, 1)),
            ~edges.c.how.in_((0, 1, 2)),
        )
    )
    yield "edges.values", "edges with a direction, an attempt or a count that means nothing", odd
    wrong = sa.select(journals.c.id).where(journals.c.position < 0)
    yield "journals.position", "journals that were read to before their beginning", wrong


def _texts(is_sqlite: bool) -> Iterator[Question]:
    """JSON that is none; PostgreSQL does not take such in the first place."""
    if not is_sqlite:
        return
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                text = sa.type_coerce(column, sa.Text)
                broken = sa.select(sa.func.substr(text, 1, 60)).where(
                    text.is_not(None), sa.func.json_valid(text) == 0
                )
                yield f"{table.name}.{column.name}", f"{table.name} whose {column.name} is no JSON", broken
