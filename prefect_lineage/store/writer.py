"""Applying records to the tables, many at a time, in one transaction under the write lock.

Everything that a batch can touch is loaded in a few statements, the records are applied in memory one
after the other, and what has changed is written in a few more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.model.records import Deletion, EdgeRecord, Record
from prefect_lineage.model.times import now
from prefect_lineage.store.bulk import intern, upsert
from prefect_lineage.store.lines import clean_record
from prefect_lineage.store.naming import ArtifactRow, Change, LocationRow, Naming
from prefect_lineage.store.running import Running
from prefect_lineage.store.schema import (
    DIRECTIONS,
    HOWS,
    PARTIAL,
    UNCHANGED,
    edges,
    history,
    journals,
    vias,
)
from prefect_lineage.store.versioning import Versioning, VersionRow

__all__ = ["apply", "position_of"]

_INFERRED = HOWS.index("inferred")


@dataclass(frozen=True, slots=True)
class _EdgeRow:
    """A row of ``edges`` but for its key."""

    how: int
    via_id: int
    times: int
    at: int
    flags: int

    def joined(self, other: _EdgeRow) -> _EdgeRow:
        """Both in one: the same rules as in :func:`_upsert_edges`, for edges that meet within a batch."""
        first = other if self.how == _INFERRED else self
        unchanged = (self.flags | other.flags) & UNCHANGED
        partial = self.flags & other.flags & PARTIAL
        times, at = self.times + other.times, min(self.at, other.at)
        return _EdgeRow(first.how, first.via_id, times, at, unchanged | partial)


def position_of(connection: Connection, journal: str) -> int:
    """How many bytes of a journal have been applied."""
    statement = sa.select(journals.c.position).where(journals.c.id == journal)
    return connection.execute(statement).scalar() or 0


def apply(
    connection: Connection, records: Sequence[Record], journal: str | None, position: int | None
) -> None:
    """Apply the records; with a journal and a position nothing happens where that position was reached before."""
    if journal is not None and position is not None:
        if position <= position_of(connection, journal):
            return
        _advance(connection, journal, position)
    if records:
        _apply([clean_record(record) for record in records], connection)


def _apply(records: Sequence[Record], connection: Connection) -> None:
    running = Running(connection, records)
    naming = Naming(connection, records)
    placed = [_placed(record, running.see(record), naming) for record in records]
    versioning = Versioning(connection, (key for record in placed for key in record.contents()))
    via_ids = intern(connection, vias, (edge.via for record in records for edge in record.edges))
    rows: dict[tuple[int, int, int], list[tuple[VersionRow, _EdgeRow]]] = {}
    for found in placed:
        who, attempt = f"run:{found.record.run.id}", found.record.attempt
        for edge, at, (artifact, location) in found.edges:
            version = versioning.see(artifact, location, edge, at, who)
            flags = UNCHANGED * edge.unchanged | PARTIAL * edge.partial
            row = _EdgeRow(HOWS.index(edge.how), via_ids[edge.via], edge.times, at, flags)
            rows.setdefault((found.run_id, DIRECTIONS.index(edge.direction), attempt), []).append(
                (version, row)
            )
        for deletion, artifact in found.deletions:
            versioning.delete(artifact, deletion, who)
    running.save()
    naming.save()
    versioning.save()
    _save_edges(connection, _merged(rows))
    _save_history(connection, naming.changes + versioning.changes)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A record whose locations are known to belong to artifacts."""

    record: Record
    run_id: int
    edges: list[tuple[EdgeRecord, int, tuple[ArtifactRow, LocationRow]]]
    deletions: list[tuple[Deletion, ArtifactRow]]

    def contents(self) -> Iterator[tuple[ArtifactRow, str]]:
        """The (artifact, digest) pairs that it speaks of."""
        yield from ((place[0], edge.content.digest) for edge, _, place in self.edges)
        yield from ((artifact, deletion.digest) for deletion, artifact in self.deletions)


def _placed(record: Record, run_id: int, naming: Naming) -> _Placed:
    fallback = record.run.ended_at or record.run.started_at or now()
    who = f"run:{record.run.id}"
    edges = [(edge, edge.at or fallback) for edge in record.edges]
    places = [(edge, at, naming.place(edge, at, who)) for edge, at in edges]
    owners = [(deletion, naming.owner(deletion.location)) for deletion in record.deletions]
    return _Placed(record, run_id, places, [(deletion, owner) for deletion, owner in owners if owner])


def _merged(
    rows: dict[tuple[int, int, int], list[tuple[VersionRow, _EdgeRow]]],
) -> dict[tuple[int, int, int, int], _EdgeRow]:
    """One row per key: a statement may touch a row once only."""
    merged: dict[tuple[int, int, int, int], _EdgeRow] = {}
    for (run_id, direction, attempt), members in rows.items():
        for version, row in members:
            key = (run_id, direction, version.id or 0, attempt)
            merged[key] = merged[key].joined(row) if key in merged else row
    return merged


def _save_edges(connection: Connection, rows: dict[tuple[int, int, int, int], _EdgeRow]) -> None:
    if not rows:
        return
    statement = _upsert_edges(connection.dialect.name)
    connection.execute(statement, [_edge_values(key, rows[key]) for key in sorted(rows)])


@cache
def _upsert_edges(dialect: str) -> Any:
    statement = upsert(dialect, edges)
    old, new = edges.c, statement.excluded
    unchanged = old.flags.bitwise_or(new.flags).bitwise_and(UNCHANGED)
    partial = old.flags.bitwise_and(new.flags).bitwise_and(PARTIAL)
    was_inferred = old.how == _INFERRED
    return statement.on_conflict_do_update(
        index_elements=list(edges.primary_key.columns),
        set_={
            "times": old.times + new.times,
            "at": sa.case((new.at < old.at, new.at), else_=old.at),
            "how": sa.case((was_inferred, new.how), else_=old.how),
            "via_id": sa.case((was_inferred, new.via_id), else_=old.via_id),
            "flags": unchanged.bitwise_or(partial),
        },
    )


def _edge_values(key: tuple[int, int, int, int], row: _EdgeRow) -> dict[str, int]:
    run_id, direction, version_id, attempt = key
    return {
        "run_id": run_id,
        "direction": direction,
        "version_id": version_id,
        "attempt": attempt,
        "how": row.how,
        "via_id": row.via_id,
        "times": row.times,
        "at": row.at,
        "flags": row.flags,
    }


def _save_history(connection: Connection, changes: list[Change]) -> None:
    if changes:
        connection.execute(history.insert(), [_history_values(change) for change in changes])


def _history_values(change: Change) -> dict[str, Any]:
    return {
        "at": change.at,
        "who": change.who,
        "action": change.action,
        "subject": f"artifact-{change.artifact.id}",
        "details": change.details,
    }


def _advance(connection: Connection, journal: str, position: int) -> None:
    values = {"id": journal, "position": position, "updated_at": now()}
    connection.execute(_upsert_journal(connection.dialect.name), values)


@cache
def _upsert_journal(dialect: str) -> Any:
    statement = upsert(dialect, journals)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[journals.c.id], set_={"position": new.position, "updated_at": new.updated_at}
    )
