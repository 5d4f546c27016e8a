"""From rows to the values that users see, in batches: never a query per value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from prefect_lineage.model.entities import Artifact, Edge, Run, Source, Version
from prefect_lineage.model.records import NAMED, VALUES
from prefect_lineage.store.bulk import select_in, within
from prefect_lineage.store.circumstances import COLUMNS, values_of
from prefect_lineage.store.derived import CACHED, origins, replacements
from prefect_lineage.store.schema import (
    DIRECTIONS,
    HOWS,
    INPUT,
    OUTPUT,
    PARTIAL,
    UNCHANGED,
    aliases,
    artifacts,
    edges,
    jobs,
    locations,
    runs,
    versions,
    vias,
)

__all__ = ["Loader", "artifact_id", "normal_root", "number_in", "version_id"]


def version_id(row_id: int) -> str:
    """The public id of a version."""
    return f"version-{row_id}"


def artifact_id(row_id: int) -> str:
    """The public id of an artifact."""
    return f"artifact-{row_id}"


def number_in(public_id: str) -> int | None:
    """The row id in a public id, or None for a text that is none."""
    kind, _, number = public_id.rpartition("-")
    is_id = kind in {"version", "artifact"} and number.isascii() and number.isdecimal() and len(number) < 19
    return int(number) if is_id else None


class Loader:
    """Loads artifacts, versions, runs and edges by row id."""

    def __init__(self, connection: Connection, source: Source, root: str | None) -> None:
        self._connection = connection
        self._source = source
        self._root = root

    def versions(self, ids: Iterable[int]) -> dict[int, Version]:
        """Versions by row id, with their aliases, producers and consumers, in the order asked for."""
        wanted = list(dict.fromkeys(ids))
        found = {row.id: row for row in select_in(self._connection, _versions(), wanted)}
        called = self._aliases_of(found)
        touched = self._runs_of(found)
        partial = [row_id for row_id, row in found.items() if row.partial]
        replaced = replacements(self._connection, partial)
        return {
            row_id: self._version(found[row_id], called.get(row_id, []), touched, replaced.get(row_id))
            for row_id in wanted
            if row_id in found
        }

    def runs(self, ids: Iterable[int]) -> dict[int, Run]:
        """Runs by row id, in the order asked for."""
        wanted = list(dict.fromkeys(ids))
        found = {row.id: row for row in select_in(self._connection, _runs(), wanted)}
        cached = origins(self._connection, [row_id for row_id, row in found.items() if row.state == CACHED])
        circumstances = self._circumstances_of(found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row_id), circumstances)
            for row_id in wanted
            if row_id in found
        }

    def artifacts(self, ids: Iterable[int]) -> list[Artifact]:
        """Artifacts by row id, in the order asked for."""
        wanted = list(dict.fromkeys(ids))
        found = {row.id: row for row in select_in(self._connection, _artifacts(), wanted)}
        called: dict[int, dict[str, str]] = {}
        for row in select_in(self._connection, _numbers_by_alias(), found):
            called.setdefault(row.artifact_id, {})[row.alias] = f"v{row.number}"
        return [self._artifact(found[row_id], called.get(row_id, {})) for row_id in wanted if row_id in found]

    def edges(self, run_ids: Iterable[int], as_of: int | None = None) -> list[tuple[int, int, Edge]]:
        """Every edge of these runs as (run's row id, version's row id, edge), oldest first within a run."""
        statement = _edges()
        if as_of is not None:
            statement = statement.where(edges.c.at <= as_of)
        rows = select_in(self._connection, statement, run_ids)
        found = list(map(_edge, rows))
        return _whole(found) if any(edge.attempt < 0 for *_, edge in found) else found

    def display_name(self, name: str, namespace: str) -> str:
        """An artifact's name as it is shown: a value by its job, a local file below the root by its path."""
        if namespace == VALUES:
            return name.removeprefix(VALUES)
        if namespace == NAMED or self._root is None or not name.startswith("file:///"):
            return name
        path = unquote(name.removeprefix("file://"))
        below = self._root.rstrip("/") + "/"
        return path[len(below) :] if path.startswith(below) else name

    def _aliases_of(self, ids: Iterable[int]) -> dict[int, list[str]]:
        called: dict[int, list[str]] = {}
        for row in select_in(self._connection, _aliases(), ids):
            called.setdefault(row.version_id, []).append(row.alias)
        return called

    def _runs_of(self, ids: Iterable[int]) -> dict[tuple[int, int], dict[str, None]]:
        """UUIDs by (version, direction), oldest first, each once though it may have had several attempts."""
        touched: dict[tuple[int, int], dict[str, None]] = {}
        for version, direction, uuid in select_in(self._connection, _touching(), ids):
            touched.setdefault((version, direction), {})[uuid] = None
        return touched

    def _circumstances_of(self, rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[int, Any]:
        ids = {row_id for row in rows for row_id in row[-len(COLUMNS) :] if row_id is not None}
        return values_of(self._connection, ids)

    def _version(
        self,
        row: Row[*tuple[Any, ...]],
        called: list[str],
        touched: dict[tuple[int, int], dict[str, None]],
        replaced_by: int | None,
    ) -> Version:
        # Unpacked: a row's members take SQLAlchemy ten times as long by name, and there may be many.
        row_id, owner, number, digest, covers, size, shape, rows, schema, told, description, *rest = row
        partial, raced, created_at, deleted_at, owner_name, owner_space, kind, namespace, key, uri = rest
        return Version(
            id=version_id(row_id),
            artifact=artifact_id(owner),
            name=self.display_name(owner_name, owner_space),
            number=number,
            type=kind,
            uri=uri,
            namespace=namespace,
            digest=digest,
            covers=covers,
            size=size,
            created_at=created_at,
            aliases=tuple(called),
            format=shape,
            rows=rows,
            schema=tuple((column, of_type) for column, of_type in schema or ()),
            metadata=told or {},
            description=description,
            partial=partial,
            raced=raced,
            named=owner_space == NAMED,
            deleted_at=deleted_at,
            key=key,
            producer_ids=tuple(touched.get((row_id, OUTPUT), ())),
            consumer_ids=tuple(touched.get((row_id, INPUT), ())),
            replaced_by=None if replaced_by is None else version_id(replaced_by),
            source=self._source,
        )

    def _run(
        self, row: Row[*tuple[Any, ...]], cached_from: str | None, circumstances: Mapping[int, Any]
    ) -> Run:
        _, uuid, kind, name, state, started_at, ended_at, attempt, details, *rest = row
        job, flow, flow_run, parent, *ids = rest
        lasting = {
            key: circumstances[row_id] for key, row_id in zip(COLUMNS, ids, strict=True) if row_id is not None
        }
        return Run(
            id=uuid,
            kind=kind or "task",
            name=name or job or uuid[:8],
            job=job or name or uuid[:8],
            flow=flow,
            flow_run=flow_run,
            parent=parent,
            state=state or "Unknown",
            started_at=started_at,
            ended_at=ended_at,
            attempt=attempt,
            details={**(details or {}), **lasting},
            cached_from=cached_from,
            source=self._source,
        )

    def _artifact(self, row: Row[*tuple[Any, ...]], called: dict[str, str]) -> Artifact:
        return Artifact(
            id=artifact_id(row.id),
            name=self.display_name(row.name, row.namespace),
            type=row.type,
            uri=row.uri,
            namespace=row.place or row.namespace,
            versions=row.next_number,
            latest=called.get("latest"),
            created_at=row.created_at,
            updated_at=row.updated_at,
            aliases=called,
            description=row.description,
        )


# The statements, built when they are needed first and once: building one takes longer than running it.


@cache
def _versions() -> sa.Select[*tuple[Any, ...]]:
    names = ("id", "artifact_id", "number", "digest", "covers", "size", "format", "rows", "schema", "metadata",
             "description", "partial", "raced", "created_at", "deleted_at")  # fmt: skip
    columns = (
        *(versions.c[name] for name in names),
        artifacts.c.name.label("artifact_name"),
        artifacts.c.namespace.label("artifact_namespace"),
        artifacts.c.type.label("artifact_type"),
        locations.c.namespace,
        locations.c.key,
        locations.c.uri,
    )
    of_artifact, at_location = (
        artifacts.c.id == versions.c.artifact_id,
        locations.c.id == versions.c.location_id,
    )
    joined = versions.join(artifacts, of_artifact).join(locations, at_location)
    return sa.select(*columns).select_from(joined).where(within(versions.c.id))


@cache
def _runs() -> sa.Select[*tuple[Any, ...]]:
    job, flow = jobs.alias("job"), jobs.alias("flow")
    outer, nest = runs.alias("outer_run"), runs.alias("nest")
    names = ("id", "uuid", "kind", "name", "state", "started_at", "ended_at", "attempt", "details")
    columns = (
        *(runs.c[name] for name in names),
        job.c.name.label("job_name"),
        flow.c.name.label("flow_name"),
        outer.c.uuid.label("flow_run_uuid"),
        nest.c.uuid.label("parent_uuid"),
        *(runs.c[column] for column in COLUMNS.values()),  # the last
    )
    joined = (
        runs.outerjoin(job, job.c.id == runs.c.job_id)
        .outerjoin(flow, flow.c.id == runs.c.flow_id)
        .outerjoin(outer, outer.c.id == runs.c.flow_run)
        .outerjoin(nest, nest.c.id == runs.c.parent)
    )
    return sa.select(*columns).select_from(joined).where(within(runs.c.id))


@cache
def _artifacts() -> sa.Select[*tuple[Any, ...]]:
    newest = sa.and_(
        versions.c.artifact_id == artifacts.c.id, versions.c.number == artifacts.c.next_number - 1
    )
    return (
        sa.select(artifacts, locations.c.namespace.label("place"))
        .outerjoin(versions, newest)
        .outerjoin(locations, locations.c.id == versions.c.location_id)
        .where(within(artifacts.c.id))
    )


@cache
def _numbers_by_alias() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(aliases.c.artifact_id, aliases.c.alias, versions.c.number)
        .join(versions, versions.c.id == aliases.c.version_id)
        .where(within(aliases.c.artifact_id))
        .order_by(aliases.c.alias)
    )


@cache
def _edges() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            edges.c.run_id,
            edges.c.version_id,
            runs.c.uuid,
            edges.c.direction,
            edges.c.how,
            vias.c.name,
            edges.c.times,
            edges.c.attempt,
            edges.c.at,
            edges.c.flags,
        )
        .join(runs, runs.c.id == edges.c.run_id)
        .join(vias, vias.c.id == edges.c.via_id)
        .where(within(edges.c.run_id))
        .order_by(edges.c.run_id, edges.c.at, edges.c.direction, edges.c.version_id, edges.c.attempt)
    )


@cache
def _aliases() -> sa.Select[*tuple[Any, ...]]:
    statement = sa.select(aliases.c.version_id, aliases.c.alias).where(within(aliases.c.version_id))
    return statement.order_by(aliases.c.alias)


@cache
def _touching() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(edges.c.version_id, edges.c.direction, runs.c.uuid)
        .join(runs, runs.c.id == edges.c.run_id)
        .where(within(edges.c.version_id))
        .order_by(edges.c.at, edges.c.run_id)
    )


def _whole(found: list[tuple[int, int, Edge]]) -> list[tuple[int, int, Edge]]:
    """One edge for each attempt, though there may be a row for what was told directly and one by referral."""
    merged: dict[tuple[int, int, str, int], Edge] = {}
    for run_id, version, told in found:
        edge = replace(told, attempt=abs(told.attempt))
        key = (run_id, version, edge.direction, edge.attempt)
        merged[key] = _joined(merged[key], edge) if key in merged else edge
    return [(run_id, version, edge) for (run_id, version, *_), edge in merged.items()]


def _joined(first: Edge, other: Edge) -> Edge:
    """Both in one, as the writer joins rows; the first is the older."""
    told = other if first.how == "inferred" else first
    return replace(
        told,
        times=first.times + other.times,
        at=first.at,
        unchanged=first.unchanged or other.unchanged,
        partial=first.partial and other.partial,
    )


def normal_root(root: str | None) -> str | None:
    """The root as names are compared with it: absolute, without links."""
    return None if root is None else str(Path(root).expanduser().resolve())


def _edge(row: Row[*tuple[Any, ...]]) -> tuple[int, int, Edge]:
    run_id, version, uuid, direction, how, via, times, attempt, at, flags = row
    edge = Edge(
        run=uuid,
        version=version_id(version),
        direction=DIRECTIONS[direction],
        how=HOWS[how],
        via=via,
        times=times,
        attempt=attempt,
        at=at,
        unchanged=bool(flags & UNCHANGED),
        partial=bool(flags & PARTIAL),
    )
    return run_id, version, edge
