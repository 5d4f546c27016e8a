"""Versions by content, and the aliases that move between them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field
from sqlalchemy.engine import Connection, Row

from prefect_lineage.model.records import Deletion, EdgeRecord
from prefect_lineage.store.bulk import (
    insert_rows,
    select_in,
    select_pairs,
    update_all,
    upsert,
    within,
    write_rows,
)
from prefect_lineage.store.naming import ArtifactRow, Change, LocationRow
from prefect_lineage.store.schema import aliases, moves, versions

__all__ = ["LATEST", "VersionRow", "Versioning"]

LATEST = "latest"
_EVER = 0
"""Before everything that has a time."""
_SAVED = (
    "covers",
    "size",
    "format",
    "rows",
    "schema",
    "metadata",
    "description",
    "partial",
    "raced",
    "created_at",
    "deleted_at",
    "leads",
)
_INSERTED = {name: name for name in ("artifact_id", "number", "digest", "location_id", *_SAVED)}
_UPDATED = ("location_id", *_SAVED)

_ALIAS = ("artifact_id", "alias", "version_id", "moved_at")
_MOVE = ("artifact_id", "alias", "at", "version_id")

_KNOWN = sa.select(versions)
_CONTENT = (versions.c.artifact_id, versions.c.digest)
_ALIASES = (
    sa.select(aliases, versions.c.number)
    .join(versions, versions.c.id == aliases.c.version_id)
    .where(within(aliases.c.artifact_id))
)


class VersionRow(Struct, eq=False, gc=False):
    """A row of ``versions`` while a batch is applied; ``id`` is None until it is saved."""

    artifact: ArtifactRow
    number: int
    digest: str
    covers: str
    partial: bool
    raced: bool
    created_at: int
    location_id: int | None
    size: int | None = None
    format: str | None = None
    rows: int | None = None
    schema: list[Any] | None = None
    metadata: dict[str, Any] | None = None
    description: str | None = None
    deleted_at: int | None = None
    leads: bool = False
    id: int | None = None
    changed: bool = True
    location: LocationRow | None = None
    """Where this batch saw it, if that is to be saved; the location may not have an id yet."""

    @property
    def artifact_id(self) -> int | None:
        return self.artifact.id


class _Alias(Struct, eq=False, gc=False):
    number: int
    moved_at: int
    version: VersionRow | None = field(default=None)
    """The version that this batch moved it to; None if it has not moved."""


class Versioning:
    """The versions and aliases that a batch touches: loaded once, changed in memory, saved once."""

    def __init__(self, connection: Connection, contents: Iterable[tuple[ArtifactRow, str]]) -> None:
        self._connection = connection
        self._rows: dict[tuple[ArtifactRow, str], VersionRow] = {}
        self._aliases: dict[tuple[ArtifactRow, str], _Alias] = {}
        self._moves: list[tuple[ArtifactRow, str, int, VersionRow]] = []
        self.changes: list[Change] = []
        self._load(contents)

    def see(
        self, artifact: ArtifactRow, location: LocationRow, edge: EdgeRecord, at: int, who: str
    ) -> VersionRow:
        """The version that the edge's content is, created if it is new; moves the aliases."""
        key = (artifact, edge.content.digest)
        row = self._rows.get(key)
        is_new = row is None
        if row is None:
            row = self._rows[key] = self._create(artifact, location, edge, at)
        else:
            self._meet(row, location, edge, at)
        self._fill(row, edge)
        if edge.metadata or edge.description is not None:
            self._annotate(row, edge, at, who)
        if edge.direction == "output":
            self._written(row, edge, max(edge.ended, at), who)
        elif is_new:
            self._met_by_input(row, edge, at, who)
        return row

    def _written(self, row: VersionRow, edge: EdgeRecord, at: int, who: str) -> None:
        if row.deleted_at is not None and at >= row.deleted_at:
            row.deleted_at, row.changed = None, True
        if not edge.partial:
            self._move(LATEST, row, at, who)
        for alias in edge.aliases:
            if alias != LATEST:
                self._move(alias, row, at, who)

    def _met_by_input(self, row: VersionRow, edge: EdgeRecord, at: int, who: str) -> None:
        """Content from outside is the latest from the first time that it was seen. Where nobody knows what
        exactly was read, it is so only while there is nothing better."""
        if not edge.content.raced and edge.content.covers != "none":
            self._move(LATEST, row, at, who)
        elif (row.artifact, LATEST) not in self._aliases:
            self._move(LATEST, row, _EVER, who)

    def delete(self, artifact: ArtifactRow, deletion: Deletion, who: str) -> None:
        """The content was removed from where it lay; one that is not recorded is not missed."""
        row = self._rows.get((artifact, deletion.digest))
        if row is not None:
            row.deleted_at, row.changed = deletion.at, True
            self.changes.append(Change(deletion.at, who, "delete", artifact, {"version": f"v{row.number}"}))

    def save(self) -> None:
        """Write new and changed versions, then the aliases. Artifacts and locations must have their ids."""
        for row in self._rows.values():
            if row.location is not None:
                row.location_id = row.location.id
        self._insert()
        self._update()
        moved = [
            (artifact.id, name, alias.version.id, alias.moved_at)
            for (artifact, name), alias in self._aliases.items()
            if alias.version is not None
        ]
        statement = _upsert_aliases(self._connection.dialect.name)
        write_rows(self._connection, statement, _ALIAS, sorted(moved, key=itemgetter(0, 1)))
        moves = sorted({(artifact.id, name, at, row.id) for artifact, name, at, row in self._moves})
        write_rows(self._connection, _insert_moves(self._connection.dialect.name), _MOVE, moves)

    def _create(self, artifact: ArtifactRow, location: LocationRow, edge: EdgeRecord, at: int) -> VersionRow:
        # Gapless: the write lock is held, and the counter is saved in the transaction that saves the version.
        number = artifact.next_number
        artifact.next_number += 1
        artifact.touch(at)
        return VersionRow(
            artifact,
            number,
            edge.content.digest,
            edge.content.covers,
            partial=edge.partial and edge.direction == "output",
            raced=edge.content.raced,
            created_at=at,
            location_id=None,
            location=location,
        )

    def _meet(self, row: VersionRow, location: LocationRow, edge: EdgeRecord, at: int) -> None:
        """Another run had the same content in its hands."""
        partial = row.partial and (edge.partial or edge.direction == "input")
        raced = row.raced and edge.content.raced
        covers = "all" if "all" in (row.covers, edge.content.covers) else row.covers
        created_at = min(row.created_at, at)
        written = edge.direction == "output" and not edge.partial
        same = location is row.location if row.location else location.id == row.location_id
        moved = written and not same
        if moved:
            row.location = location
        if row.leads and created_at < row.created_at:  # the move was then, though the content is older
            row.leads = False
            self._moves.append((row.artifact, LATEST, row.created_at, row))
        if moved or (row.partial, row.raced, row.covers, row.created_at) != (
            partial,
            raced,
            covers,
            created_at,
        ):
            row.partial, row.raced, row.covers = partial, raced, covers
            row.created_at, row.changed = created_at, True

    @staticmethod
    def _fill(row: VersionRow, edge: EdgeRecord) -> None:
        content = edge.content
        if row.size is None and content.size is not None:
            row.size, row.changed = content.size, True
        if row.format is None and content.format is not None:
            row.format, row.changed = content.format, True
        if row.rows is None and content.rows is not None:
            row.rows, row.changed = content.rows, True
        if content.schema and not row.schema:
            row.schema, row.changed = [list(pair) for pair in content.schema], True

    def _annotate(self, row: VersionRow, edge: EdgeRecord, at: int, who: str) -> None:
        """What users say of a version. The history has all of it, also what changes nothing now: it may come late,
        and be news at its time."""
        before = row.metadata or {}
        if edge.metadata:
            was = {key: before[key] for key in edge.metadata if key in before}
            details: dict[str, Any] = {"version": f"v{row.number}", "set": dict(edge.metadata), "was": was}
            self.changes.append(Change(at, who, "metadata", row.artifact, details))
            row.metadata, row.changed = {**before, **edge.metadata}, True
        if edge.description is not None:
            details = {"version": f"v{row.number}", "from": row.description, "to": edge.description}
            self.changes.append(Change(at, who, "describe", row.artifact, details))
            row.description, row.changed = edge.description, True

    def _move(self, name: str, row: VersionRow, at: int, who: str) -> None:
        artifact = row.artifact
        key = (artifact, name)
        if name != LATEST or at != row.created_at:
            self._moves.append((artifact, name, at, row))
        elif not row.leads:
            row.leads = row.changed = True
        alias = self._aliases.get(key)
        if alias is None:
            alias = self._aliases[key] = _Alias(-1, at)
        elif (at, row.number) < (alias.moved_at, alias.number):
            return  # a journal that comes late does not undo what happened since
        if alias.number != row.number:
            if name != LATEST:
                before = f"v{alias.number}" if alias.number >= 0 else None
                details = {"alias": name, "from": before, "to": f"v{row.number}"}
                self.changes.append(Change(at, who, "alias", artifact, details))
            if at != _EVER:
                artifact.touch(at)
        alias.number, alias.moved_at, alias.version = row.number, at, row

    def _load(self, contents: Iterable[tuple[ArtifactRow, str]]) -> None:
        # What this very batch created has no versions to load.
        known = {(row.id, digest): row for row, digest in contents if row.id is not None}
        owners = {row.id: row for row in known.values()}
        for row in select_pairs(self._connection, _KNOWN, _CONTENT, known):
            owner = owners[row.artifact_id]
            self._rows[owner, row.digest] = _version(row, owner)
        for row in select_in(self._connection, _ALIASES, sorted(owners, key=lambda row_id: row_id or 0)):
            self._aliases[owners[row.artifact_id], row.alias] = _Alias(row.number, row.moved_at)

    def _insert(self) -> None:
        new = [row for row in self._rows.values() if row.id is None]
        insert_rows(self._connection, versions, _INSERTED, new)
        for row in new:
            row.changed = False

    def _update(self) -> None:
        changed = sorted((row for row in self._rows.values() if row.changed), key=_row_id)
        update_all(self._connection, versions, _UPDATED, [(*_updated(row), row.id) for row in changed])


_updated = attrgetter(*_UPDATED)


def _row_id(row: VersionRow) -> int:
    return row.id or 0


@cache
def _insert_moves(dialect: str) -> Any:
    return upsert(dialect, moves).on_conflict_do_nothing(index_elements=list(moves.primary_key.columns))


@cache
def _upsert_aliases(dialect: str) -> Any:
    statement = upsert(dialect, aliases)
    return statement.on_conflict_do_update(
        index_elements=[aliases.c.artifact_id, aliases.c.alias],
        set_={"version_id": statement.excluded.version_id, "moved_at": statement.excluded.moved_at},
    )


def _version(row: Row[*tuple[Any, ...]], owner: ArtifactRow) -> VersionRow:
    names = ("number", "digest", "location_id", *_SAVED, "id")
    return VersionRow(artifact=owner, changed=False, **{name: getattr(row, name) for name in names})
