"""What capture hands to the store: one record per thing that happened, complete in itself.

A record can be written to a journal as one line, carried to another machine and applied there. It
therefore names artifacts by their identity and versions by their digest, never by a row id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

__all__ = [
    "NAMED",
    "NOTHING",
    "NOWHERE",
    "RECORD_FORMAT",
    "VALUES",
    "Content",
    "Deletion",
    "EdgeRecord",
    "How",
    "Location",
    "Record",
    "RunRecord",
    "plain",
]

NAMED = "name://"
"""The namespace of artifacts that a user named; their key is the name, so names are unique."""

VALUES = "inmemory://"
"""The namespace of values that pass through memory; their key is the job that returned them. OpenLineage's word."""

RECORD_FORMAT = 3
"""The version of the journal's line format: 2 added tokens and result keys, 3 leaves out what is at its default. A
reader refuses a higher one."""

Direction = Literal["input", "output"]
How = Literal["observed", "declared", "inferred"]
RunKind = Literal["flow", "task", "script"]


class Location(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where data lies, in OpenLineage's naming: the pair is the identity, the URI is for people.

    Attributes:
        namespace: ``file://<host>``, ``s3://<bucket>``, ``inmemory://`` for values, ``name://`` for
            artifacts that only have a name …
        key: the name within the namespace: an absolute path, an object key, a job.
        uri: how a person would write it.
    """

    namespace: str
    key: str
    uri: str


class Content(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One content of an artifact, as capture found it.

    Attributes:
        digest: ``blake3:<hex>`` or ``sha256:<hex>``; ``run:<uuid>:<what>`` where the content has
            no digest of its own and so is one version per producing run.
        covers: what the digest covers: ``all`` bytes, or ``none`` of them; ``version``: whoever keeps the data has
            told its own version.
        size: bytes, if known.
        format: ``csv``, ``parquet``, ``joblib`` …
        rows: rows, if the call or a footer told.
        schema: (column, type) pairs in the order of the data.
        raced: the content changed between the access and its hashing.
    """

    digest: str
    covers: Literal["all", "none", "version"] = "all"
    size: int | None = None
    format: str | None = None
    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    raced: bool = False


NOWHERE = Location("", "", "")
"""The location of an edge that refers to a version by a token."""

NOTHING = Content("")
"""The content of an edge that refers to a version by a token."""


class EdgeRecord(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One version read or written by one attempt of a run.

    Attributes:
        location: the identity of the data.
        content: which content of it; the pair (artifact, digest) is a version.
        name: a name that a user gave; it claims the location. ``None``: called by its location.
        type: ``file``, ``dataset``, ``model``, ``table``, ``value`` … of the artifact.
        via: the call that did it, ``pandas.read_csv``; ``use_artifact`` and the like when declared.
        times: how often the run did it.
        at: microseconds since the epoch, UTC, of the first time.
        ended: the same of the last time, when the content was complete; 0: as ``at``. An output moves aliases then.
        unchanged: an output with the very content that the run had read from there.
        partial: an output of an attempt that did not complete.
        aliases: names to move to the version (outputs only).
        metadata: what the user attached; merged into the version's.
        typed: the type was given by a user and so replaces a guessed one.
        tokens: names by which records of any process or machine may mean this very version (outputs only):
            ``run:<uuid>:…`` for ever one version, anything else (``result:<key>``) may be given again later.
        refers: the version is the one that this token means. ``location`` and ``content`` are then empty, or say
            what it is while the token means nothing; of the rest, what describes the version is ignored.
    """

    location: Location
    content: Content
    direction: Direction
    how: How
    via: str
    type: str = "file"
    name: str | None = None
    times: int = 1
    at: int = 0
    unchanged: bool = False
    partial: bool = False
    aliases: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    typed: bool = False
    ended: int = 0
    tokens: tuple[str, ...] = ()
    refers: str | None = None

    @classmethod
    def referring(
        cls, token: str, *, direction: Direction, how: How, via: str, at: int, **rest: Any
    ) -> EdgeRecord:
        """An edge to the version that ``token`` means, whatever and wherever that is; ``rest``: further fields."""
        return cls(NOWHERE, NOTHING, direction, how, via, at=at, refers=token, **rest)


class RunRecord(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A run as it stands; a later record of the same run fills in and overwrites what is not None.

    Attributes:
        id: Prefect's UUID (or one of ours for ``script`` runs), lower case with dashes.
        kind: what executed.
        job: qualified name of what executed: ``flow`` or ``flow.task``.
        flow: the name of the enclosing flow (the flow's own for a flow run).
        flow_run: UUID of the enclosing flow run (the run's own for a flow run).
        parent: UUID of the run that this one is nested in.
        state: as Prefect ended it: ``Completed``, ``Failed``, ``Cached``, ``Running`` …
        started_at, ended_at: microseconds since the epoch, UTC.
        attempt: the highest attempt so far, from 1.
        details: parameters, code, environment, host, user, tags, deployment, ui_url …: whatever
            else is shown of a run; merged key by key.
        result_key: where Prefect keeps what the run returned; a cached run has the key of the run that computed it.
    """

    id: str
    kind: RunKind | None = None
    name: str | None = None
    job: str | None = None
    flow: str | None = None
    flow_run: str | None = None
    parent: str | None = None
    state: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    attempt: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    result_key: str | None = None


class Deletion(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A content that a run removed from where it lay; ``at`` is in microseconds since the epoch, UTC."""

    location: Location
    digest: str
    at: int


class Record(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One journal line: a run as it stands and the edges that one of its attempts added."""

    run: RunRecord
    attempt: int = 1
    edges: tuple[EdgeRecord, ...] = ()
    deletions: tuple[Deletion, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without what is at its default."""
        return {"format": RECORD_FORMAT, **msgspec.to_builtins(self, enc_hook=plain)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: the line has a newer format than this release knows, or holds no record.
        """
        told = dict(data)
        version = told.pop("format", 0)
        if version > RECORD_FORMAT:
            raise ValueError(f"record format {version} is newer than {RECORD_FORMAT}")
        try:
            return msgspec.convert(told, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"this is no record: {error}") from error


def plain(value: Any) -> Any:
    """What JSON has instead of a value that it lacks; a subclass of what it has is that."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)
