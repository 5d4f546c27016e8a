"""What follows from several records together, and so is worked out when it is read: in batches, for many rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.store.bulk import select_in, within
from prefect_lineage.store.schema import OUTPUT, edges, runs, versions

__all__ = ["CACHED", "origins", "replacements"]

CACHED = "Cached"
_COMPLETED = "Completed"


def origins(connection: Connection, cached: Iterable[int]) -> dict[int, str]:
    """The runs that computed what cached runs returned: UUIDs by the row ids of the cached ones.

    It is the completed run with the same result key that ended last before the cached one started. A cached run
    whose origin is not recorded is left out.
    """
    return {row.id: row.uuid for row in select_in(connection, _origins(), cached)}


def replacements(connection: Connection, partial: Iterable[int]) -> dict[int, int]:
    """What later attempts wrote in the place of partial versions: by row ids, the last writing of each."""
    return {row.version_id: row.id for row in select_in(connection, _replacements(), partial)}


@cache
def _origins() -> sa.Select[*tuple[Any, ...]]:
    hit, origin = runs.alias("hit"), runs.alias("origin")
    latest = (
        sa.select(origin.c.id)
        .where(
            origin.c.result_key == hit.c.result_key,
            origin.c.state == _COMPLETED,
            origin.c.ended_at <= sa.func.coalesce(hit.c.started_at, hit.c.ended_at),
        )
        .order_by(origin.c.ended_at.desc(), origin.c.id.desc())
        .limit(1)
        .correlate(hit)
        .scalar_subquery()
    )
    return (
        sa.select(hit.c.id, runs.c.uuid)
        .select_from(hit.join(runs, runs.c.id == latest))
        .where(within(hit.c.id), hit.c.state == CACHED, hit.c.result_key.is_not(None))
    )


@cache
def _replacements() -> sa.Select[*tuple[Any, ...]]:
    wrote, later = edges.alias("wrote"), edges.alias("later")
    before, after = versions.alias("before"), versions.alias("after")
    attempt, next_attempt = sa.func.abs(wrote.c.attempt), sa.func.abs(later.c.attempt)
    ways = (
        wrote.join(before, before.c.id == wrote.c.version_id)
        .join(later, sa.and_(later.c.run_id == wrote.c.run_id, next_attempt > attempt))
        .join(after, sa.and_(after.c.id == later.c.version_id, after.c.artifact_id == before.c.artifact_id))
    )
    return (
        sa.select(wrote.c.version_id, after.c.id)
        .select_from(ways)
        .where(within(wrote.c.version_id), wrote.c.direction == OUTPUT, later.c.direction == OUTPUT)
        .where(before.c.partial, after.c.id != before.c.id)
        .order_by(next_attempt, later.c.at, after.c.id)
    )
