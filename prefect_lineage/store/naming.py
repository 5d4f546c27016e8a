"""Which artifact a location belongs to, and what naming it changes.

An artifact is called by its location until somebody names it. The name then *claims* the location: the
artifact is renamed and keeps its versions. Where the name is another artifact's already, or the location's
artifact has a name of its own, the location changes hands and the versions before stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from prefect_lineage.model.records import NAMED, EdgeRecord, Location, Record
from prefect_lineage.store.bulk import insert_rows, select_in, select_pairs, update_all, within
from prefect_lineage.store.schema import artifacts, locations

__all__ = ["ArtifactRow", "Change", "LocationRow", "Naming"]

_SAVED = ("namespace", "key", "name", "type", "uri", "next_number", "created_at", "updated_at")

_PLACE = (locations.c.namespace, locations.c.key)
_LOCATIONS = sa.select(artifacts, *(column.label(f"location_{column.name}") for column in locations.c)).join(
    locations, locations.c.artifact_id == artifacts.c.id
)
_NAMED = sa.select(artifacts).where(artifacts.c.namespace == NAMED, within(artifacts.c.key))


class ArtifactRow(Struct, eq=False, gc=False):
    """A row of ``artifacts`` while a batch is applied; ``id`` is None until it is saved."""

    namespace: str
    key: str
    name: str
    type: str
    uri: str
    created_at: int
    updated_at: int
    next_number: int = 0
    id: int | None = None
    changed: bool = True

    @property
    def is_named(self) -> bool:
        return self.namespace == NAMED

    def touch(self, at: int) -> None:
        """Note that something became of it at that time."""
        self.changed = True
        if at > self.updated_at:  # no max() and min(): every edge comes here
            self.updated_at = at
        if at < self.created_at:
            self.created_at = at


class LocationRow(Struct, eq=False, gc=False):
    """A row of ``locations`` with the artifact that owns it."""

    namespace: str
    key: str
    uri: str
    artifact: ArtifactRow
    id: int | None = None
    changed: bool = True


class Change(Struct, frozen=True, gc=False):
    """A line of ``history`` in the making: the artifact may not have an id yet."""

    at: int
    who: str
    action: str
    artifact: ArtifactRow
    details: dict[str, Any]


class Naming:
    """The artifacts and locations that a batch touches: loaded once, changed in memory, saved once."""

    def __init__(self, connection: Connection, records: Iterable[Record]) -> None:
        self._connection = connection
        self._by_id: dict[int, ArtifactRow] = {}
        self._named: dict[str, ArtifactRow] = {}
        self._locations: dict[tuple[str, str], LocationRow] = {}
        self._new: list[ArtifactRow] = []
        self.changes: list[Change] = []
        self._load(records)

    def place(self, edge: EdgeRecord, at: int, who: str) -> tuple[ArtifactRow, LocationRow]:
        """The artifact that the edge's content is a version of, and where that content lies."""
        spot = edge.location
        name = edge.name or (spot.key if spot.namespace == NAMED else None)
        row = self._locations.get((spot.namespace, spot.key))
        if row is None:
            artifact = self._called(name, edge, at) if name else self._create(spot, spot.uri, edge, at)
            row = LocationRow(spot.namespace, spot.key, spot.uri, artifact)
            self._locations[spot.namespace, spot.key] = row
        elif name:
            self._claim(row, name, edge, at, who)
        self._describe(row, edge, at, who)
        return row.artifact, row

    def save(self) -> None:
        """Update what has changed and insert what is new: artifacts, then locations. All have ids then."""
        self._update_artifacts()
        self._insert_artifacts()
        self._save_locations()

    def _update_artifacts(self) -> None:
        changed = sorted((row for row in self._by_id.values() if row.changed), key=_row_id)
        update_all(self._connection, artifacts, _SAVED, [(*_saved(row), row.id) for row in changed])

    def _called(self, name: str, edge: EdgeRecord, at: int) -> ArtifactRow:
        return self._named.get(name) or self._create(Location(NAMED, name, edge.location.uri), name, edge, at)

    def _create(self, place: Location, name: str, edge: EdgeRecord, at: int) -> ArtifactRow:
        row = ArtifactRow(place.namespace, place.key, name, edge.type, edge.location.uri, at, at)
        self._new.append(row)
        if row.is_named:
            self._named[name] = row
        return row

    def _claim(self, row: LocationRow, name: str, edge: EdgeRecord, at: int, who: str) -> None:
        before, named = row.artifact, self._named.get(name)
        if before is named:
            return
        if named is None and not before.is_named:
            details: dict[str, Any] = {"from": before.name, "to": name}
            before.namespace, before.key, before.name = NAMED, name, name
            before.touch(at)
            self._named[name] = before
            self.changes.append(Change(at, who, "name", before, details))
            return
        row.artifact, row.changed = self._called(name, edge, at), True
        self.changes.append(
            Change(at, who, "claim", row.artifact, {"location": row.uri, "from": before.name, "to": name})
        )

    def _describe(self, row: LocationRow, edge: EdgeRecord, at: int, who: str) -> None:
        artifact = row.artifact
        if edge.typed and artifact.type != edge.type:
            details = {"from": artifact.type, "to": edge.type}
            self.changes.append(Change(at, who, "type", artifact, details))
            artifact.type = edge.type
            artifact.touch(at)
        if edge.direction == "output" and not edge.partial and artifact.uri != row.uri:
            artifact.uri = row.uri
            artifact.touch(at)

    def owner(self, location: Location) -> ArtifactRow | None:
        """The artifact that a location belongs to, if it is known."""
        row = self._locations.get((location.namespace, location.key))
        return row.artifact if row is not None else None

    def _load(self, records: Iterable[Record]) -> None:
        keys, names = set(), set()
        for record in records:
            keys |= {(gone.location.namespace, gone.location.key) for gone in record.deletions}
            for edge in record.edges:
                if edge.refers is not None:
                    continue
                keys.add((edge.location.namespace, edge.location.key))
                if edge.name:
                    names.add(edge.name)
                elif edge.location.namespace == NAMED:
                    names.add(edge.location.key)
        for row in select_pairs(self._connection, _LOCATIONS, _PLACE, keys):
            place = (row.location_namespace, row.location_key)
            self._locations[place] = LocationRow(
                *place, row.location_uri, self._known(row), row.location_id, False
            )
        for row in select_in(self._connection, _NAMED, sorted(names)):
            self._known(row)

    def _known(self, row: Row[*tuple[Any, ...]]) -> ArtifactRow:
        if row.id not in self._by_id:
            artifact = ArtifactRow(
                row.namespace,
                row.key,
                row.name,
                row.type,
                row.uri,
                row.created_at,
                row.updated_at,
                row.next_number,
                row.id,
                False,
            )
            self._by_id[row.id] = artifact
            if artifact.is_named:
                self._named[artifact.key] = artifact
        return self._by_id[row.id]

    def _insert_artifacts(self) -> None:
        insert_rows(self._connection, artifacts, {name: name for name in _SAVED}, self._new)
        for row in self._new:
            row.changed = False
            self._by_id[_row_id(row)] = row
        self._new = []

    def _save_locations(self) -> None:
        changed = [row for row in self._locations.values() if row.changed]
        moved = [(row.artifact.id, row.id) for row in changed if row.id is not None]
        new = [row for row in changed if row.id is None]
        update_all(self._connection, locations, ("artifact_id",), moved)
        columns = {"namespace": "namespace", "key": "key", "uri": "uri", "artifact_id": "artifact.id"}
        insert_rows(self._connection, locations, columns, new)
        for row in changed:
            row.changed = False


_saved = attrgetter(*_SAVED)


def _row_id(row: ArtifactRow) -> int:
    return row.id or 0
