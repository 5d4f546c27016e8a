"""Listings, neighbours and graphs by condition: which rows, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from prefect_lineage.model.entities import Version
from prefect_lineage.model.records import NAMED, VALUES
from prefect_lineage.store.bulk import select_in, within
from prefect_lineage.store.circumstances import COLUMNS, all_values
from prefect_lineage.store.closure import Found
from prefect_lineage.store.filters import Filter, glob_matches, glob_quote
from prefect_lineage.store.lines import dump_json
from prefect_lineage.store.rows import Loader, number_in
from prefect_lineage.store.schema import (
    artifacts,
    edges,
    history,
    jobs,
    journals,
    referrals,
    runs,
    versions,
)

__all__ = ["Reader"]

Condition = ColumnElement[bool]
Whole = Callable[[Sequence[Any]], Any]
"""A document of the columns that it is stored in."""


class Reader:
    """Finds row ids by condition; :class:`~prefect_lineage.store.rows.Loader` makes values of them."""

    def __init__(self, connection: Connection, root: str | None) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._root = root

    def artifacts(self, wanted: Filter) -> list[int]:
        """Row ids of the artifacts that match, last changed first."""
        statement = (
            sa.select(artifacts.c.id)
            .where(*self._on_artifacts(wanted), *_between(artifacts.c.updated_at, wanted))
            .order_by(artifacts.c.updated_at.desc(), artifacts.c.id.desc())
        )
        if wanted.asks_for_runs:
            statement = statement.where(
                artifacts.c.id.in_(sa.select(versions.c.artifact_id).where(self._touched(wanted)))
            )
        if wanted.asks_for_documents:
            statement = (
                statement.add_columns(versions.c.metadata)
                .join(versions, versions.c.artifact_id == artifacts.c.id)
                .where(*_documents(versions.c.metadata, wanted))
            )
        return self._page(statement, wanted)

    def versions(self, wanted: Filter) -> list[int]:
        """Row ids of the versions that match, newest first."""
        statement = (
            sa.select(versions.c.id, versions.c.metadata)
            .join(artifacts, artifacts.c.id == versions.c.artifact_id)
            .where(*self._on_artifacts(wanted), *_documents(versions.c.metadata, wanted))
            .where(*_between(versions.c.created_at, wanted))
            .order_by(versions.c.created_at.desc(), versions.c.id.desc())
        )
        if wanted.asks_for_runs:
            statement = statement.where(self._touched(wanted))
        return self._page(statement, wanted)

    def with_digest(self, version: Version, limit: int) -> list[int]:
        """Row ids of versions of other artifacts with the digest of ``version``, oldest first."""
        statement = (
            sa.select(versions.c.id)
            .where(versions.c.digest == version.digest)
            .where(versions.c.artifact_id != number_in(version.artifact))
            .order_by(versions.c.created_at, versions.c.id)
            .limit(limit)
        )
        return list(self._connection.execute(statement).scalars())

    def runs(self, wanted: Filter) -> list[int]:
        """Row ids of the runs that match, last started first."""
        started = runs.c.started_at.desc()
        # SQLite puts NULL last by itself, and had no word for it before 3.30.
        newest = started if self._dialect == "sqlite" else started.nulls_last()
        columns, whole = self._details(wanted)
        statement = (
            sa.select(runs.c.id, *columns)
            .where(runs.c.kind.is_not(None), *self._on_runs(wanted), *_documents(runs.c.details, wanted))
            .where(*_between(runs.c.started_at, wanted))
            .order_by(newest, runs.c.id.desc())
        )
        if wanted.name is not None:
            named = glob_matches(runs.c.name, wanted.name, self._dialect)
            statement = statement.where(sa.or_(named, runs.c.job_id.in_(self._jobs(wanted.name))))
        if wanted.type is not None:
            statement = statement.where(runs.c.id.in_(_runs_on_type(wanted.type)))
        return self._page(statement, wanted, whole)

    def runs_called(self, uuids: Iterable[str]) -> list[int]:
        """Row ids of the runs with these UUIDs of which more is known than that, in the order asked for."""
        statement = sa.select(runs.c.uuid, runs.c.id).where(runs.c.kind.is_not(None), within(runs.c.uuid))
        wanted = list(dict.fromkeys(uuids))
        found = {row.uuid: row.id for row in select_in(self._connection, statement, wanted)}
        return [found[uuid] for uuid in wanted if uuid in found]

    def graph(self, wanted: Filter, loader: Loader, as_of: int | None, limit: int) -> Found:
        """The edges whose version and run both match, the last recorded runs first, and their ends."""
        nodes: dict[int, None] = {}
        total: set[int] = set()
        columns, whole = self._details(wanted)
        for row in self._connection.execute(self._matching_edges(wanted, as_of, columns)):
            run_id, version_id, *documents = row
            if documents and not (wanted.accepts(documents[0]) or wanted.accepts(whole(documents[1:]))):
                continue
            ends = (-run_id, version_id)
            total.update(ends)
            if len(nodes) + sum(end not in nodes for end in ends) <= limit:
                nodes.update(dict.fromkeys(ends))
        between = loader.edges((-node for node in nodes if node < 0), as_of)
        kept = [(run, version, edge) for run, version, edge in between if version in nodes]
        return Found(tuple(nodes), kept, len(total) - len(nodes))

    def run_ids(self, version: int, direction: int) -> list[int]:
        """Runs that wrote or read a version, oldest first."""
        return self._ends(edges.c.run_id, edges.c.version_id == version, direction)

    def version_ids(self, run: int, direction: int) -> list[int]:
        """Versions that a run read or wrote, in the order of its doing."""
        return self._ends(edges.c.version_id, edges.c.run_id == run, direction)

    def stats(self) -> dict[str, int]:
        """How many rows there are of what."""
        counted = {
            "artifacts": sa.select(sa.func.count()).select_from(artifacts),
            "versions": sa.select(sa.func.count()).select_from(versions),
            "runs": sa.select(sa.func.count()).select_from(runs).where(runs.c.kind.is_not(None)),
            "edges": sa.select(sa.func.count()).select_from(edges).where(_is_no_repeat()),
            "edges_waiting": (
                sa.select(sa.func.count()).select_from(referrals).where(referrals.c.version_id.is_(None))
            ),
            "history": sa.select(sa.func.count()).select_from(history),
            "journals": sa.select(sa.func.count()).select_from(journals),
        }
        return {name: self._connection.execute(query).scalar_one() for name, query in counted.items()}

    def _ends(self, column: sa.Column[Any], condition: Condition, direction: int) -> list[int]:
        statement = sa.select(column).where(condition, edges.c.direction == direction)
        ordered = statement.order_by(edges.c.at, column)
        return list(dict.fromkeys(self._connection.execute(ordered).scalars()))

    def _details(self, wanted: Filter) -> tuple[list[sa.Column[Any]], Whole]:
        """The columns of runs that hold the details which a filter asks for, and how they become details again."""
        asked = [kind for kind in COLUMNS if kind in (wanted.metadata or ())]
        known = all_values(self._connection) if asked else {}

        def whole(members: Sequence[Any]) -> dict[str, Any]:
            details, *ids = members
            found = {kind: known[one] for kind, one in zip(asked, ids, strict=True) if one is not None}
            return {**(details or {}), **found}

        return [runs.c.details, *(runs.c[COLUMNS[kind]] for kind in asked)], whole

    def _page(
        self, statement: sa.Select[*tuple[Any, ...]], wanted: Filter, whole: Whole = itemgetter(0)
    ) -> list[int]:
        """The ids of one page. Conditions on JSON are finished here, so such pages are cut here too."""
        if not wanted.asks_for_documents:
            # SQLite has no OFFSET without a LIMIT; -1 is its "all", SQLAlchemy writes it.
            sliced = statement.limit(wanted.limit).offset(wanted.offset or None)
            return list(self._connection.execute(sliced).scalars())
        enough = None if wanted.limit is None else wanted.offset + wanted.limit
        found: dict[int, None] = {}
        with self._connection.execute(statement) as rows:
            for row_id, *documents in rows:
                if enough is not None and len(found) >= enough:
                    break
                if wanted.accepts(whole(documents)):
                    found[row_id] = None
        return list(found)[wanted.offset :]

    def _matching_edges(
        self, wanted: Filter, as_of: int | None, details: list[sa.Column[Any]]
    ) -> sa.Select[*tuple[Any, ...]]:
        columns: list[sa.Column[Any]] = [edges.c.run_id, edges.c.version_id]
        if wanted.asks_for_documents:
            columns += [versions.c.metadata, *details]
        statement = (
            sa.select(*columns)
            .join(versions, versions.c.id == edges.c.version_id)
            .join(artifacts, artifacts.c.id == versions.c.artifact_id)
            .join(runs, runs.c.id == edges.c.run_id)
            .where(*self._on_artifacts(wanted), *self._on_runs(wanted), *_between(edges.c.at, wanted))
            .order_by(edges.c.run_id.desc(), edges.c.direction.desc(), edges.c.version_id.desc())
        )
        return statement if as_of is None else statement.where(edges.c.at <= as_of)

    def _touched(self, wanted: Filter) -> Condition:
        """The version was written or read by a run that matches."""
        by_run = sa.select(edges.c.version_id).join(runs, runs.c.id == edges.c.run_id)
        return versions.c.id.in_(by_run.where(*self._on_runs(wanted)))

    def _on_artifacts(self, wanted: Filter) -> Iterable[Condition]:
        if wanted.name is not None:
            yield sa.or_(*self._names(wanted.name))
        if wanted.type is not None:
            yield artifacts.c.type == wanted.type

    def _names(self, glob: str) -> Iterable[Condition]:
        yield glob_matches(artifacts.c.name, glob, self._dialect)
        yield glob_matches(artifacts.c.uri, glob, self._dialect)
        yield glob_matches(artifacts.c.uri, VALUES + glob, self._dialect)
        if self._root is not None:
            # Such an artifact is shown by its path below the root, so it is asked for by that.
            below = glob_quote(self._root.rstrip("/") + "/") + glob
            local = sa.and_(artifacts.c.namespace != NAMED, artifacts.c.namespace.startswith("file:"))
            for shown in (f"file://{below}", below):
                yield sa.and_(local, glob_matches(artifacts.c.name, shown, self._dialect))

    def _on_runs(self, wanted: Filter) -> Iterable[Condition]:
        if wanted.state is not None:
            yield sa.func.lower(runs.c.state) == wanted.state.lower()
        if wanted.job is not None:
            yield runs.c.job_id.in_(self._jobs(wanted.job))
        if wanted.flow is not None:
            yield runs.c.flow_id.in_(self._jobs(wanted.flow))
        if wanted.flow_run is not None:
            yield runs.c.id.in_(_nested_in(wanted.flow_run))
        if wanted.unended:
            # of a run that was found to have crashed, nobody knows when
            state = sa.func.lower(sa.func.coalesce(runs.c.state, ""))
            yield sa.and_(runs.c.ended_at.is_(None), state != "crashed")

    def _jobs(self, glob: str) -> sa.Select[*tuple[Any, ...]]:
        return sa.select(jobs.c.id).where(glob_matches(jobs.c.name, glob, self._dialect))


def _is_no_repeat() -> Condition:
    """The row is no referral's beside the row of the same edge that a run told directly."""
    direct = edges.alias("direct")
    same = [direct.c[name] == edges.c[name] for name in ("run_id", "direction", "version_id")]
    twin = sa.exists().where(*same, direct.c.attempt == -edges.c.attempt)
    return sa.or_(edges.c.attempt > 0, ~twin)


def _between(column: sa.Column[Any], wanted: Filter) -> Iterable[Condition]:
    if wanted.since is not None:
        yield column >= wanted.since
    if wanted.until is not None:
        yield column <= wanted.until


def _documents(column: sa.Column[Any], wanted: Filter) -> Iterable[Condition]:
    """Coarse: the words stand somewhere in the JSON text. :meth:`Filter.accepts` decides."""
    words = [wanted.tag] if wanted.tag else []
    words += list(wanted.metadata or ())
    for word in words:
        if column is runs.c.details and word in COLUMNS:
            continue  # that stands elsewhere
        yield sa.cast(column, sa.Text).contains(dump_json(word), autoescape=True)


def _runs_on_type(name: str) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(edges.c.run_id)
        .join(versions, versions.c.id == edges.c.version_id)
        .join(artifacts, artifacts.c.id == versions.c.artifact_id)
        .where(artifacts.c.type == name)
    )


def _nested_in(uuid: str) -> sa.Select[*tuple[Any, ...]]:
    """A run, and all runs whose parent or flow run is among them."""
    nest = (
        sa.select(runs.c.id.label("id"))
        .where(runs.c.uuid.in_((uuid, uuid.lower())))
        .cte("nest", recursive=True)
    )
    inner = sa.select(runs.c.id).join(nest, sa.or_(runs.c.parent == nest.c.id, runs.c.flow_run == nest.c.id))
    nest = nest.union(inner)
    return sa.select(nest.c.id)
