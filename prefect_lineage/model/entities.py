"""What a store gives back: artifacts, versions, runs, edges and graphs, and their JSON.

The JSON names are part of the contract (``docs/json.md``). A value that came from a store carries the
store's :class:`Source` and so can be asked for its neighbours; one made by hand cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

from msgspec import Struct

from prefect_lineage.errors import LineageError
from prefect_lineage.model.times import iso

__all__ = ["Artifact", "Edge", "Graph", "Run", "Source", "Version"]


class Source(Protocol):
    """Whoever can answer questions about neighbours: an open store."""

    def producers_of(self, version: Version) -> list[Run]: ...
    def consumers_of(self, version: Version) -> list[Run]: ...
    def inputs_of(self, run: Run) -> list[Version]: ...
    def outputs_of(self, run: Run) -> list[Version]: ...
    def closure_of(
        self, node: Version | Run, direction: str, depth: int | None, as_of: int | None
    ) -> Graph: ...


class _Bound:
    """Shared by the values that know where they came from."""

    __slots__ = ()
    source: Source | None

    def _asked(self) -> Source:
        if self.source is None:
            raise LineageError(f"{self} was not read from a store, so its neighbours are unknown.")
        return self.source


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named data thing over time.

    Attributes:
        id: the store's id of it, unique among artifacts.
        name: what users call it; its location until somebody names it.
        latest: the newest complete version (``v4``), if there is one.
        versions: how many versions it has.
    """

    id: str
    name: str
    type: str
    uri: str
    namespace: str
    versions: int
    latest: str | None
    created_at: int
    updated_at: int
    aliases: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "artifact",
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "uri": self.uri,
            "namespace": self.namespace,
            "versions": self.versions,
            "latest": self.latest,
            "aliases": dict(self.aliases),
            "description": self.description,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class Version(_Bound):
    """One content of an artifact.

    Attributes:
        id: the store's id of it; edges refer to it.
        artifact: the id of its artifact.
        number: counted from 0 within the artifact, without gaps.
        producer_ids, consumer_ids: UUIDs of the runs that wrote / read it, oldest first.
        namespace, key: the identity of the location where it was last written, or seen.
        named: a user gave the name; else the artifact is called by its location.
        partial: written only by attempts that did not complete.
        deleted_at: when a run removed it from its location, if none has written it there since.
        replaced_by: of a partial version: the id of what the last later attempt of the same run wrote instead.
    """

    id: str
    artifact: str
    name: str
    number: int
    type: str
    uri: str
    namespace: str
    digest: str
    covers: str
    size: int | None
    created_at: int
    aliases: tuple[str, ...] = ()
    format: str | None = None
    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    partial: bool = False
    raced: bool = False
    named: bool = False
    deleted_at: int | None = None
    key: str = ""
    producer_ids: tuple[str, ...] = ()
    consumer_ids: tuple[str, ...] = ()
    replaced_by: str | None = None
    source: Source | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def version(self) -> str:
        """``v4``; ``pending`` while the store has not numbered it."""
        return f"v{self.number}" if self.number >= 0 else "pending"

    @property
    def path(self) -> str | None:
        """The local path, for a version that lies in a file or directory of this machine's."""
        if self.namespace.startswith("file://") and self.key.startswith("/"):
            return self.key
        return unquote(self.uri.removeprefix("file://")) if self.uri.startswith("file://") else None

    def producers(self) -> list[Run]:
        """Every run that wrote this content, oldest first."""
        return self._asked().producers_of(self)

    def consumers(self) -> list[Run]:
        """Every run that read it, oldest first."""
        return self._asked().consumers_of(self)

    def logged_by(self) -> Run | None:
        """The first producer, or None for data that came from outside."""
        return next(iter(self.producers()), None)

    def used_by(self) -> list[Run]:
        """W&B's name for :meth:`consumers`."""
        return self.consumers()

    def upstream(self, depth: int | None = None, as_of: int | None = None) -> Graph:
        """All that this version was made from; ``depth`` counts edges, ``as_of`` is in microseconds."""
        return self._asked().closure_of(self, "upstream", depth, as_of)

    def downstream(self, depth: int | None = None, as_of: int | None = None) -> Graph:
        """All that was made from this version; ``depth`` counts edges, ``as_of`` is in microseconds."""
        return self._asked().closure_of(self, "downstream", depth, as_of)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "version",
            "id": self.id,
            "artifact": self.artifact,
            "name": self.name,
            "version": self.version,
            "type": self.type,
            "uri": self.uri,
            "namespace": self.namespace,
            "digest": self.digest,
            "covers": self.covers,
            "size": self.size,
            "format": self.format,
            "rows": self.rows,
            "schema": [{"name": name, "type": kind} for name, kind in self.schema],
            "aliases": list(self.aliases),
            "description": self.description,
            "metadata": dict(self.metadata),
            "partial": self.partial,
            "raced": self.raced,
            "replaced_by": self.replaced_by,
            "created_at": iso(self.created_at),
            "deleted_at": iso(self.deleted_at),
            "producers": list(self.producer_ids),
            "consumers": list(self.consumer_ids),
        }


@dataclass(frozen=True, slots=True)
class Run(_Bound):
    """One execution of a flow, a task or a script.

    Attributes:
        id: Prefect's UUID.
        job: qualified name of what it executed.
        details: parameters, code, environment, tags … (see ``docs/json.md``).
        cached_from: of a cached run: the UUID of the run that computed what it returned, if that is recorded.
    """

    id: str
    kind: str
    name: str
    job: str
    flow: str | None
    flow_run: str | None
    parent: str | None
    state: str
    started_at: int | None
    ended_at: int | None
    attempt: int
    details: Mapping[str, Any] = field(default_factory=dict)
    cached_from: str | None = None
    source: Source | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.job} ({self.name})"

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, or None while it runs."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at) / 1_000_000

    def used_artifacts(self) -> list[Version]:
        """Every version that it read, in the order of its reading."""
        return self._asked().inputs_of(self)

    def logged_artifacts(self) -> list[Version]:
        """Every version that it wrote, in the order of its writing."""
        return self._asked().outputs_of(self)

    def upstream(self, depth: int | None = None, as_of: int | None = None) -> Graph:
        """All that this run depended on; ``depth`` counts edges, ``as_of`` is in microseconds."""
        return self._asked().closure_of(self, "upstream", depth, as_of)

    def downstream(self, depth: int | None = None, as_of: int | None = None) -> Graph:
        """All that depends on this run; ``depth`` counts edges, ``as_of`` is in microseconds."""
        return self._asked().closure_of(self, "downstream", depth, as_of)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "run",
            "id": self.id,
            "run_kind": self.kind,
            "name": self.name,
            "job": self.job,
            "flow": self.flow,
            "flow_run": self.flow_run,
            "parent": self.parent,
            "state": self.state,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "duration": self.duration,
            "attempt": self.attempt,
            "cached_from": self.cached_from,
            "parameters": {},
            "code": {},
            "environment": {},
            "tags": [],
            **self.details,
        }


class Edge(Struct, frozen=True, gc=False):
    """One run read or wrote one version, ``times`` times, in one attempt.

    ``run`` is the run's UUID, ``version`` the version's id; ``partial`` marks what an attempt wrote
    that did not complete, ``unchanged`` an output equal to the input it was read from.
    """

    run: str
    version: str
    direction: str
    how: str
    via: str
    times: int
    attempt: int
    at: int
    unchanged: bool = False
    partial: bool = False

    @property
    def tail(self) -> str:
        """The node the arrow leaves: arrows follow the data."""
        return self.version if self.direction == "input" else self.run

    @property
    def head(self) -> str:
        """The node the arrow points at."""
        return self.run if self.direction == "input" else self.version

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "version": self.version,
            "direction": self.direction,
            "how": self.how,
            "via": self.via,
            "times": self.times,
            "attempt": self.attempt,
            "at": iso(self.at),
            "unchanged": self.unchanged,
            "partial": self.partial,
        }


@dataclass(frozen=True, slots=True)
class Graph:
    """Runs and versions with the edges between them.

    Attributes:
        root: the node that was asked for, or None for a graph of many.
        truncated: how many nodes a bound left out.
    """

    nodes: tuple[Version | Run, ...]
    edges: tuple[Edge, ...]
    root: str | None = None
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Version | Run]:
        return iter(self.nodes)

    def __contains__(self, node: object) -> bool:
        identity = node if isinstance(node, str) else getattr(node, "id", None)
        return any(member.id == identity for member in self.nodes)

    @property
    def versions(self) -> list[Version]:
        return [node for node in self.nodes if isinstance(node, Version)]

    @property
    def runs(self) -> list[Run]:
        return [node for node in self.nodes if isinstance(node, Run)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [edge.to_dict() for edge in self.edges],
            "truncated": self.truncated,
        }

    @classmethod
    def of(cls, nodes: Iterable[Version | Run], edges: Iterable[Edge], root: str | None = None) -> Graph:
        return cls(tuple(nodes), tuple(edges), root)
