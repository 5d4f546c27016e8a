"""The tables, one set for SQLite and PostgreSQL.

Keys are integers because closures walk them; UUIDs and texts stand in one place each. Times are
microseconds since the epoch. ``runs.parent``, ``runs.flow_run`` point at rows that may be empty but for
their UUID until the run itself is recorded; such a row has no ``kind``.

A *token* is a name of one version that records of any process know. A *referral* is an edge that names its
version by a token: it waits in ``referrals`` until the token is known, and stays there as long as the token may
yet come to mean another version. The row that such a referral has in ``edges`` bears the attempt negated: it is
taken back as a whole when the meaning changes, so nothing else may be joined to it. See ``referring.py``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from prefect_lineage.store.packed import PackedDigest, PackedUuid

__all__ = [
    "DIRECTIONS",
    "HOWS",
    "INPUT",
    "OUTPUT",
    "PARTIAL",
    "REVISIONS",
    "UNCHANGED",
    "alembic_version",
    "aliases",
    "artifacts",
    "circumstances",
    "edges",
    "history",
    "jobs",
    "journals",
    "locations",
    "metadata",
    "moves",
    "referrals",
    "runs",
    "tokens",
    "versions",
    "vias",
]

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision of the schema, oldest first; a test compares it with the migration scripts."""

INPUT, OUTPUT = 0, 1
DIRECTIONS = ("input", "output")
HOWS = ("observed", "declared", "inferred")
UNCHANGED, PARTIAL = 1, 2  # bits of edges.flags

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a column its row id, without an index of its own, only if it is spelt INTEGER.
_Key = BigInteger().with_variant(Integer, "sqlite")
_Json = JSON(none_as_null=True)
_HAS_RESULT = text("result_key IS NOT NULL")

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("next_number", Integer, nullable=False),
    Column("description", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False, index=True),
    UniqueConstraint("namespace", "key"),
)

locations = Table(
    "locations",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("uri", Text, nullable=False, index=True),
    Column("artifact_id", _Key, ForeignKey("artifacts.id"), nullable=False, index=True),
    UniqueConstraint("namespace", "key"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("artifact_id", _Key, ForeignKey("artifacts.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", PackedDigest, nullable=False),
    Column("covers", Text, nullable=False),
    Column("size", BigInteger),
    Column("format", Text),
    Column("rows", BigInteger),
    Column("schema", _Json),
    Column("metadata", _Json),
    Column("description", Text),
    Column("location_id", _Key, ForeignKey("locations.id"), nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("raced", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("deleted_at", BigInteger),
    # Whether ``latest`` moved to it at ``created_at``: nearly always, so such a move has no row in ``moves``.
    Column("leads", Boolean, nullable=False),
    UniqueConstraint("artifact_id", "number"),
    # In this order it also finds a content whose artifact is not known; digests are long, so one index must do.
    UniqueConstraint("digest", "artifact_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

vias = Table(
    "vias",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

# Parts of the details of runs that are alike for many of them, and longer than all the rest.
circumstances = Table(
    "circumstances",
    metadata,
    Column("id", _Key, primary_key=True),
    Column(
        "name", Text, nullable=False, unique=True
    ),  # a digest of the value, which may be too long for an index
    Column("value", _Json),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("uuid", PackedUuid, nullable=False, unique=True),
    Column("kind", Text),
    Column("name", Text),
    Column("job_id", _Key, ForeignKey("jobs.id"), index=True),
    Column("flow_id", _Key, ForeignKey("jobs.id")),
    Column("flow_run", _Key, ForeignKey("runs.id"), index=True),
    Column("parent", _Key, ForeignKey("runs.id"), index=True),
    Column("state", Text),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("details", _Json),
    Column("result_key", Text),
    Column("code_id", _Key, ForeignKey("circumstances.id")),
    Column("environment_id", _Key, ForeignKey("circumstances.id")),
    Column("process_id", _Key, ForeignKey("circumstances.id")),
    # The run that a cached one had its result from is the last of this key and state before it. Few have a key.
    Index(
        "ix_runs_result_key_state_ended_at",
        "result_key",
        "state",
        "ended_at",
        sqlite_where=_HAS_RESULT,
        postgresql_where=_HAS_RESULT,
    ),
)
# Newest first, and those last whose start is not known: PostgreSQL takes NULL for the greatest value, SQLite for the
# least, so only one of them can read an ordinary index backwards.
Index("ix_runs_started_at", runs.c.started_at).ddl_if(dialect="sqlite")
Index("ix_runs_newest", runs.c.started_at.desc().nulls_last(), runs.c.id.desc()).ddl_if(dialect="postgresql")

edges = Table(
    "edges",
    metadata,
    Column("run_id", _Key, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("direction", SmallInteger, primary_key=True, autoincrement=False),
    Column("version_id", _Key, ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("how", SmallInteger, nullable=False),
    Column("via_id", _Key, ForeignKey("vias.id"), nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    # The primary key is the way from a run; this index is the way from a version. Both cover a closure.
    Index("ix_edges_back", "version_id", "direction", "run_id", "at"),
    sqlite_with_rowid=False,
)

aliases = Table(
    "aliases",
    metadata,
    Column("artifact_id", _Key, ForeignKey("artifacts.id"), primary_key=True, autoincrement=False),
    Column("alias", Text, primary_key=True),
    Column("version_id", _Key, ForeignKey("versions.id"), nullable=False, index=True),
    Column("moved_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Every move of an alias but those that ``versions.leads`` tells, also one that comes late and so changes nothing any
# more: what an alias meant at a time is the last move up to then, whatever came in which order.
moves = Table(
    "moves",
    metadata,
    Column("artifact_id", _Key, ForeignKey("artifacts.id"), primary_key=True, autoincrement=False),
    Column("alias", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("version_id", _Key, ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

tokens = Table(
    "tokens",
    metadata,
    Column("token", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    # The row id of a version; minus the row id of a referral, whose version it is, whichever that may be.
    Column("means", _Key, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

referrals = Table(
    "referrals",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("token", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("run_id", _Key, ForeignKey("runs.id"), nullable=False, index=True),
    Column("direction", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("how", SmallInteger, nullable=False),
    Column("via_id", _Key, ForeignKey("vias.id"), nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("gives", _Json),  # tokens that mean the same version in turn
    Column("version_id", _Key, ForeignKey("versions.id")),  # None: waits
    Column("fallback_id", _Key, ForeignKey("versions.id")),  # what it is while the token means nothing
    Index("ix_referrals_token_at", "token", "at"),
)

history = Table(
    "history",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("details", _Json),
)

journals = Table(
    "journals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Alembic's own table, described here so that an up-to-date store opens without importing alembic.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
