"""What could be changed since, as it was at a time: the meaning of aliases, metadata, descriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.store.schema import history, moves, versions

__all__ = ["Words", "aliases_at", "words_at"]


@dataclass(slots=True)
class Words:
    """What users had said of a version."""

    metadata: dict[str, Any] = field(default_factory=dict)
    description: str | None = None


def aliases_at(connection: Connection, at: int) -> dict[tuple[int, str], int]:
    """The row ids of the versions that aliases meant, by the row id of the artifact and the alias."""
    found = connection.execute(_last_moves(), {"until": at})
    # Ordered, so that of moves at one time the highest number stays, as the writer has it.
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
    later = moves.alias("later")
    until = sa.bindparam("until", type_=sa.BigInteger)
    last = (
        sa.select(sa.func.max(later.c.at))
        .where(
            later.c.artifact_id == moves.c.artifact_id, later.c.alias == moves.c.alias, later.c.at <= until
        )
        .correlate(moves)
        .scalar_subquery()
    )
    return (
        sa.select(moves.c.artifact_id, moves.c.alias, moves.c.version_id)
        .join(versions, versions.c.id == moves.c.version_id)
        .where(moves.c.at == last, versions.c.created_at <= until)
        .order_by(moves.c.artifact_id, moves.c.alias, versions.c.number)
    )


@cache
def _remarks() -> sa.Select[*tuple[Any, ...]]:
    """In the order in which they were made known: that is how the writer applied them."""
    until = sa.bindparam("until", type_=sa.BigInteger)
    return (
        sa.select(history.c.subject, history.c.action, history.c.details)
        .where(history.c.action.in_(("metadata", "describe")), history.c.at <= until)
        .order_by(history.c.id)
    )
