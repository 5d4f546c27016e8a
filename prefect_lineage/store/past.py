"""What could be changed since, as it was at a time: the meaning of aliases, metadata, descriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.store.schema import history, moves, versions
from prefect_lineage.store.versioning import LATEST

__all__ = ["Words", "aliases_at", "words_at"]


@dataclass(slots=True)
class Words:
    """What users had said of a version."""

    metadata: dict[str, Any] = field(default_factory=dict)
    description: str | None = None


def aliases_at(connection: Connection, at: int) -> dict[tuple[int, str], int]:
    """The row ids of the versions that aliases meant, by the row id of the artifact and the alias."""
    found = connection.execute(_last_moves(), {"until": at})
    return {(row.artifact_id, row.alias): row.version_id for row in found}


def words_at(connection: Connection, at: int) -> dict[tuple[int, int], Words]:
    """Metadata and descriptions, by the row id of the artifact and the number of the version."""
    said: dict[tuple[int, int], Words] = {}
    for row in connection.execute(_remarks(), {"until": at}):
        key = (int(row.subject.removeprefix("artifact-")), int(row.details["version"].removeprefix("v")))
        words = said.setdefault(key, Words())
        if row.action == "metadata":
            words.metadata |= row.details["set"]
        else:
            words.description = row.details["to"]
    return said


@cache
def _last_moves() -> sa.Select[*tuple[Any, ...]]:
    until = sa.bindparam("until", type_=sa.BigInteger)
    rows = sa.select(moves.c.artifact_id, moves.c.alias, moves.c.at, moves.c.version_id)
    of_creation = sa.select(versions.c.artifact_id, sa.literal(LATEST), versions.c.created_at, versions.c.id)
    every = rows.union_all(of_creation.where(versions.c.leads)).subquery("every_move")
    last = (
        sa.select(
            every.c.artifact_id,
            every.c.alias,
            every.c.version_id,
            # Of moves at one time the one to the highest number counts, as the writer has it.
            sa.func.row_number()
            .over(
                partition_by=(every.c.artifact_id, every.c.alias),
                order_by=(every.c.at.desc(), versions.c.number.desc()),
            )
            .label("place"),
        )
        .join(versions, versions.c.id == every.c.version_id)
        .where(every.c.at <= until, versions.c.created_at <= until)
        .subquery("last_move")
    )
    return sa.select(last.c.artifact_id, last.c.alias, last.c.version_id).where(last.c.place == 1)


@cache
def _remarks() -> sa.Select[*tuple[Any, ...]]:
    """In the order in which they were made known: that is how the writer applied them."""
    until = sa.bindparam("until", type_=sa.BigInteger)
    return (
        sa.select(history.c.subject, history.c.action, history.c.details)
        .where(history.c.action.in_(("metadata", "describe")), history.c.at <= until)
        .order_by(history.c.id)
    )
