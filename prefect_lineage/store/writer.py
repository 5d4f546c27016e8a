"""Applying records to the tables, many at a time, in one transaction under the write lock.

Everything that a batch can touch is loaded in a few statements, the records are applied in memory one
after the other, and what has changed is written in a few more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from prefect_lineage.model.records import NOWHERE, Deletion, EdgeRecord, Record
from prefect_lineage.model.times import now
from prefect_lineage.store.bulk import insert_all, intern, upsert
from prefect_lineage.store.edging import EdgeRow, EdgeRows
from prefect_lineage.store.lines import clean_record
from prefect_lineage.store.naming import ArtifactRow, Change, LocationRow, Naming
from prefect_lineage.store.referring import Referral, Referring
from prefect_lineage.store.running import Running
from prefect_lineage.store.schema import DIRECTIONS, history, journals, vias
from prefect_lineage.store.versioning import Versioning, VersionRow

__all__ = ["apply", "position_of"]


def position_of(connection: Connection, journal: str) -> int:
    """How many bytes of a journal have been applied."""
    statement = sa.select(journals.c.position).where(journals.c.id == journal)
    return connection.execute(statement).scalar() or 0


def apply(
    connection: Connection,
    records: Sequence[Record],
    journal: str | None,
    position: int | None,
    start: int | None = None,
) -> bool:
    """Apply the records. With a journal and a position nothing happens where that position was reached before, nor,
    if ``start`` is given, where the store's position is another one.

    Returns:
        Whether the store has these records now, from here or from before.
    """
    if journal is not None and position is not None:
        reached = position_of(connection, journal)
        if start is not None and reached != start:
            return False
        if position <= reached:
            return True
        _advance(connection, journal, position)
    if records:
        _apply([clean_record(record) for record in records], connection)
    return True


def _apply(records: Sequence[Record], connection: Connection) -> None:
    running = Running(connection, records)
    placed, met = _met(connection, [(record, running.see(record)) for record in records])
    running.save()
    _save_edges(connection, placed, met)


class _Placed(Struct, frozen=True, gc=False):
    """A record whose locations are known to belong to artifacts."""

    record: Record
    run_id: int
    attempt: int
    who: str
    edges: list[tuple[EdgeRecord, int, tuple[ArtifactRow, LocationRow]]]
    referring: list[tuple[EdgeRecord, int]]
    deletions: list[tuple[Deletion, ArtifactRow]]

    def contents(self) -> Iterator[tuple[ArtifactRow, str]]:
        """The (artifact, digest) pairs that it speaks of."""
        yield from ((place[0], edge.content.digest) for edge, _, place in self.edges)
        yield from ((artifact, deletion.digest) for deletion, artifact in self.deletions)


_Met = tuple[_Placed, EdgeRecord, int, VersionRow]
"""An edge, its time, and its version, which may not have an id yet."""


def _placed(record: Record, run_id: int, naming: Naming) -> _Placed:
    fallback = record.run.ended_at or record.run.started_at or now()
    who = f"run:{record.run.id}"
    edges = [(edge, edge.at or fallback) for edge in record.edges]
    places = [(edge, at, naming.place(edge, at, who)) for edge, at in edges if edge.refers is None]
    referring = [(edge, at) for edge, at in edges if edge.refers is not None]
    owners = [(deletion, naming.owner(deletion.location)) for deletion in record.deletions]
    removed = [(deletion, owner) for deletion, owner in owners if owner]
    attempt = max(record.attempt, 1)  # ``edges`` uses the sign
    return _Placed(record, run_id, attempt, who, places, referring, removed)


def _met(connection: Connection, told: Sequence[tuple[Record, int]]) -> tuple[list[_Placed], list[_Met]]:
    """The records of runs, and their edges with the versions that these are; saves artifacts and versions."""
    naming = Naming(connection, [record for record, _ in told])
    placed = [_placed(record, run_id, naming) for record, run_id in told]
    versioning = Versioning(connection, (key for found in placed for key in found.contents()))
    met: list[_Met] = []
    for found in placed:
        for edge, at, (artifact, location) in found.edges:
            met.append((found, edge, at, versioning.see(artifact, location, edge, at, found.who)))
        for deletion, artifact in found.deletions:
            versioning.delete(artifact, deletion, found.who)
    naming.save()
    versioning.save()
    _save_history(connection, naming.changes + versioning.changes)
    return placed, met


def _save_edges(connection: Connection, placed: Sequence[_Placed], met: Sequence[_Met]) -> None:
    via_ids = intern(connection, vias, (edge.via for found in placed for edge in found.record.edges))
    rows = EdgeRows()
    for found, edge, at, version in met:
        key = (found.run_id, DIRECTIONS.index(edge.direction), version.id or 0, found.attempt)
        rows.add(key, EdgeRow.of(edge, at, via_ids))
    named = [
        (token, at, version.id or 0)
        for _, edge, at, version in met
        if edge.tokens and edge.direction == "output"
        for token in edge.tokens
    ]
    new = {
        _referral(found, edge, at, via_ids): (found, edge) for found in placed for edge, at in found.referring
    }
    if named or new:
        referring = Referring(connection)
        referring.settle(named, new)
        _fall_back(connection, referring, new)
        for key, row in referring.settled:
            rows.add(key, row)
    rows.save(connection)


def _fall_back(
    connection: Connection, referring: Referring, new: Mapping[Referral, tuple[_Placed, EdgeRecord]]
) -> None:
    """Referrals that say themselves what they are are that, as long as their token means nothing. Only then is
    there such a version: an unknown content that is known would be one too many."""
    lost = referring.waiting(referral for referral, (_, edge) in new.items() if edge.location != NOWHERE)
    if not lost:
        return
    told = []
    for referral in lost:
        found, edge = new[referral]
        edge = replace(edge, at=referral.at, refers=None, tokens=())
        told.append((replace(found.record, edges=(edge,), deletions=()), found.run_id))
    _, met = _met(connection, told)
    versions = {referral: version.id or 0 for referral, (*_, version) in zip(lost, met, strict=True)}
    referring.fall_back(versions)


def _referral(found: _Placed, edge: EdgeRecord, at: int, via_ids: Mapping[str, int]) -> Referral:
    return Referral(
        edge.refers or "",
        found.run_id,
        DIRECTIONS.index(edge.direction),
        found.attempt,
        EdgeRow.of(edge, at, via_ids),
        edge.tokens if edge.direction == "output" else (),
    )


def _save_history(connection: Connection, changes: list[Change]) -> None:
    rows = [(one.at, one.who, one.action, f"artifact-{one.artifact.id}", one.details) for one in changes]
    insert_all(connection, history, ("at", "who", "action", "subject", "details"), rows)


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
