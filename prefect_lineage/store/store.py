"""The open store: what everything above reads and writes through."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.errors import LineageError, ReferenceUnknown
from prefect_lineage.model.entities import Artifact, Graph, Run, Version
from prefect_lineage.model.records import Record
from prefect_lineage.model.reference import Reference
from prefect_lineage.store import writer
from prefect_lineage.store.checking import Finding, check
from prefect_lineage.store.closure import DIRECTION_ERROR, Direction, Found, assemble, walk
from prefect_lineage.store.copying import CopyReport, Tell, copy
from prefect_lineage.store.engine import PATIENCE_S, Database
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.migrate import prepare
from prefect_lineage.store.reader import Reader
from prefect_lineage.store.resolve import Resolver
from prefect_lineage.store.rows import Loader, normal_root, number_in
from prefect_lineage.store.schema import INPUT, OUTPUT, REVISIONS, runs, versions

__all__ = ["NODES", "Filter", "Store"]

NODES = 100_000
"""How many nodes a graph has at most, unless asked otherwise."""

EVERYTHING = Filter()


class Store:
    """A lineage store. Threads may share it. It answers :class:`~prefect_lineage.model.entities.Source`.

    Raises:
        StoreError: and its tree, from every method; references raise theirs.
    """

    def __init__(self, database: Database, root: str | None) -> None:
        self.held_s = 0.0
        """How long the last :meth:`apply` has kept other writers waiting, in seconds."""
        self._database = database
        self._root = normal_root(root)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        readonly: bool = False,
        root: str | None = None,
        durable: bool = False,
        patience: float = PATIENCE_S,
    ) -> Store:
        """Open a store; read-write, a missing one is created and an older one upgraded.

        Args:
            url: ``sqlite:///path``, ``sqlite://`` (in memory) or ``postgresql://user@host/database``.
            readonly: nothing is created or changed.
            root: local files below it are shown by their path from there.
            durable: what was written survives a power failure (in SQLite at the price of a wait for the disk).
            patience: seconds that a write waits for other writers.

        Raises:
            StoreMissing: read-only, and there is none.
            StoreForeign: something else is there.
            StoreNewer: a newer release wrote it.
            StoreError: it cannot be used, or is older and was opened read-only.
        """
        database = Database(url, readonly=readonly, durable=durable, patience=patience)
        try:
            prepare(database)
        except BaseException:
            database.close()
            raise
        return cls(database, root)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._database}>"

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return str(self._database)

    def close(self) -> None:
        """Close all connections; the store is not to be used afterwards."""
        self._database.close()

    # Writing

    def apply(
        self,
        records: Iterable[Record],
        *,
        journal: str | None = None,
        position: int | None = None,
        start: int | None = None,
    ) -> bool:
        """Apply records in one transaction.

        With ``journal`` and ``position`` (the byte after the last of these records) nothing happens if that
        position was reached before, so a journal can be applied any number of times. With ``start`` (the byte
        before the first of them) nothing happens either if the store stands elsewhere in that journal.

        Returns:
            Whether the store has the records now; False only if ``start`` is not where it stands.
        """
        with self._database.writing() as connection:
            begun = time.monotonic()
            try:
                return writer.apply(connection, list(records), journal, position, start)
            finally:
                self.held_s = time.monotonic() - begun

    def is_gone(self) -> bool:
        """Whether the file that this store was opened from is not there any more, or is another one."""
        return self._database.is_gone()

    def position(self, journal: str) -> int:
        """How many bytes of a journal have been applied."""
        with self._database.reading() as connection:
            return writer.position_of(connection, journal)

    # Listings

    def artifacts(self, wanted: Filter = EVERYTHING) -> list[Artifact]:
        """The artifacts that match, last changed first."""
        with self._reading() as (reader, loader):
            return loader.artifacts(reader.artifacts(wanted))

    def versions(self, wanted: Filter = EVERYTHING) -> list[Version]:
        """The versions that match, newest first."""
        with self._reading() as (reader, loader):
            return list(loader.versions(reader.versions(wanted)).values())

    def same_content(self, version: Version, limit: int) -> list[Version]:
        """Versions of other artifacts that have the digest of ``version``, oldest first."""
        with self._reading() as (reader, loader):
            return list(loader.versions(reader.with_digest(version, limit)).values())

    def runs(self, wanted: Filter = EVERYTHING) -> list[Run]:
        """The runs that match, last started first."""
        with self._reading() as (reader, loader):
            return list(loader.runs(reader.runs(wanted)).values())

    def artifacts_of(self, ids: Iterable[str]) -> list[Artifact]:
        """The artifacts with these public ids, in their order; what is not there is left out."""
        rows = [row for found in ids if (row := number_in(found)) is not None]
        with self._reading() as (_, loader):
            return loader.artifacts(rows)

    def runs_of(self, uuids: Iterable[str]) -> list[Run]:
        """The runs with these UUIDs, in their order; what is not there is left out."""
        with self._reading() as (reader, loader):
            return list(loader.runs(reader.runs_called(uuids)).values())

    # References

    def version(self, ref: Reference) -> Version:
        """The version that a reference names.

        Raises:
            ReferenceUnknown, ReferenceAmbiguous: with the nearest candidates.
        """
        with self._database.reading() as connection:
            loader = self._loader(connection)
            row_id = Resolver(connection, loader, self._root).version(ref)
            return loader.versions([row_id])[row_id]

    def run(self, ref: Reference) -> Run:
        """The run that a reference names, with ``run:`` before it or without.

        Raises:
            ReferenceUnknown, ReferenceAmbiguous: with the nearest candidates.
        """
        with self._database.reading() as connection:
            loader = self._loader(connection)
            row_id = Resolver(connection, loader, self._root).run(ref)
            return loader.runs([row_id])[row_id]

    def node(self, ref: Reference) -> Version | Run:
        """The run or version that a reference names; a run needs its ``run:``."""
        return self.run(ref) if ref.is_run else self.version(ref)

    # Neighbours

    def producers_of(self, version: Version) -> list[Run]:
        """The runs that wrote a version, oldest first."""
        return self._runs_at(version, OUTPUT)

    def consumers_of(self, version: Version) -> list[Run]:
        """The runs that read a version, oldest first."""
        return self._runs_at(version, INPUT)

    def inputs_of(self, run: Run) -> list[Version]:
        """The versions that a run read, in the order of its reading."""
        return self._versions_at(run, INPUT)

    def outputs_of(self, run: Run) -> list[Version]:
        """The versions that a run wrote, in the order of its writing."""
        return self._versions_at(run, OUTPUT)

    # Graphs

    def closure(
        self,
        node: Version | Run,
        direction: Direction,
        depth: int | None = None,
        as_of: int | None = None,
        limit: int = NODES,
    ) -> Graph:
        """All that lies upstream or downstream of a node, the node itself first.

        Args:
            node: a version or a run of this store.
            direction: ``upstream`` or ``downstream``.
            depth: how many edges far; None: all the way.
            as_of: microseconds; edges made later do not count.
            limit: nodes at most; the nearest are kept, and ``truncated`` says how many were not.
        """
        return self._walked(node, [direction], depth, as_of, limit)

    def closure_of(self, node: Version | Run, direction: str, depth: int | None, as_of: int | None) -> Graph:
        """:meth:`closure`, as entities ask for it."""
        if direction not in {"upstream", "downstream"}:
            raise LineageError(DIRECTION_ERROR.format(direction))
        return self._walked(
            node, ["upstream" if direction == "upstream" else "downstream"], depth, as_of, NODES
        )

    def neighbourhood(
        self, node: Version | Run, depth: int | None = None, as_of: int | None = None, limit: int = NODES
    ) -> Graph:
        """What lies upstream and what lies downstream, in one graph, the node itself first."""
        return self._walked(node, ["upstream", "downstream"], depth, as_of, limit)

    def graph(self, wanted: Filter = EVERYTHING, *, as_of: int | None = None, limit: int = NODES) -> Graph:
        """The edges whose version and run both match, with their ends; ``since`` and ``until`` hold for the
        edge. What has no edges is in no graph."""
        with self._reading() as (reader, loader):
            return assemble(loader, [reader.graph(wanted, loader, as_of, max(limit, 2))])

    def stats(self) -> dict[str, Any]:
        """How much is in it: rows by table, bytes, revision."""
        with self._reading() as (reader, _):
            counts = reader.stats()
        return {"url": self.url, "revision": REVISIONS[-1], "bytes": self._size(), **counts}

    def check(self) -> tuple[int, list[Finding]]:
        """Look at every row: how many checks were made, and what they found to be wrong."""
        return check(self._database)

    def copy_to(self, url: str, tell: Tell = lambda *_: None) -> CopyReport:
        """Copy the store into the empty database at ``url``; see :func:`~prefect_lineage.store.copying.copy`.

        Raises:
            StoreError: there is something else, or it cannot be written to.
        """
        target = Database(url)
        try:
            return copy(self._database, target, tell)
        finally:
            target.close()

    def _walked(
        self,
        node: Version | Run,
        directions: Iterable[Direction],
        depth: int | None,
        as_of: int | None,
        limit: int,
    ) -> Graph:
        with self._database.reading() as connection:
            loader = self._loader(connection)
            start = _node_number(connection, node)
            found: list[Found] = [
                walk(connection, loader, start, direction, depth=depth, as_of=as_of, limit=max(limit, 1))
                for direction in directions
            ]
            return assemble(loader, found, start)

    def _runs_at(self, version: Version, direction: int) -> list[Run]:
        with self._database.reading() as connection:
            ids = Reader(connection, self._root).run_ids(_node_number(connection, version), direction)
            return list(self._loader(connection).runs(ids).values())

    def _versions_at(self, run: Run, direction: int) -> list[Version]:
        with self._database.reading() as connection:
            ids = Reader(connection, self._root).version_ids(-_node_number(connection, run), direction)
            return list(self._loader(connection).versions(ids).values())

    def _loader(self, connection: Connection) -> Loader:
        return Loader(connection, self, self._root)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Reader, Loader]]:
        with self._database.reading() as connection:
            yield Reader(connection, self._root), self._loader(connection)

    def _size(self) -> int:
        if self._database.is_sqlite:
            path = Path(str(self._database.url.database))
            files = (path, path.with_name(path.name + "-wal"))
            return sum(file.stat().st_size for file in files if file.exists())
        with self._database.reading() as connection:
            size = sa.func.pg_database_size(sa.func.current_database())
            return int(connection.execute(sa.select(size)).scalar_one())


_RUN = sa.select(runs.c.id).where(runs.c.uuid == sa.bindparam("uuid"))
_VERSION = sa.select(versions.c.id).where(versions.c.id == sa.bindparam("row_id"))


def _node_number(connection: Connection, node: Version | Run) -> int:
    """A node as closures count it: the row id of a version, minus the row id of a run."""
    if isinstance(node, Run):
        found = connection.execute(_RUN, {"uuid": node.id}).scalar()
        if found is not None:
            return -int(found)
    else:
        row_id = number_in(node.id)
        if row_id is not None and connection.execute(_VERSION, {"row_id": row_id}).scalar() is not None:
            return row_id
    raise ReferenceUnknown(f"{node} is not in this store any more.", reference=str(node))
