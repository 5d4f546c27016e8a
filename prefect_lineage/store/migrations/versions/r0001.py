"""The first schema: artifacts, locations, versions, runs, edges, aliases, history, journals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _artifacts()
    _versions()
    _runs()
    _edges()
    _aliases()
    _bookkeeping()


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.UniqueConstraint("namespace", "key", name="uq_artifacts_namespace_key"),
    )
    op.create_index("ix_artifacts_name", "artifacts", ["name"])
    op.create_index("ix_artifacts_updated_at", "artifacts", ["updated_at"])
    op.create_table(
        "locations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("artifact_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_locations"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_locations_artifact_id"),
        sa.UniqueConstraint("namespace", "key", name="uq_locations_namespace_key"),
    )
    op.create_index("ix_locations_uri", "locations", ["uri"])
    op.create_index("ix_locations_artifact_id", "locations", ["artifact_id"])


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("artifact_id", _KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("format", sa.Text()),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("schema", sa.JSON()),
        sa.Column("metadata", sa.JSON()),
        sa.Column("description", sa.Text()),
        sa.Column("location_id", _KEY, nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("raced", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_versions_artifact_id"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name="fk_versions_location_id"),
        sa.UniqueConstraint("artifact_id", "number", name="uq_versions_artifact_id_number"),
        sa.UniqueConstraint("artifact_id", "digest", name="uq_versions_artifact_id_digest"),
    )
    op.create_index("ix_versions_digest", "versions", ["digest"])
    op.create_index("ix_versions_created_at", "versions", ["created_at"])


def _runs() -> None:
    for table in ("jobs", "vias"):
        op.create_table(
            table,
            sa.Column("id", _KEY, nullable=False),
            sa.Column("name", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
            sa.UniqueConstraint("name", name=f"uq_{table}_name"),
        )
    op.create_table(
        "runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("job_id", _KEY),
        sa.Column("flow_id", _KEY),
        sa.Column("flow_run", _KEY),
        sa.Column("parent", _KEY),
        sa.Column("state", sa.Text()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_runs_job_id"),
        sa.ForeignKeyConstraint(["flow_id"], ["jobs.id"], name="fk_runs_flow_id"),
        sa.ForeignKeyConstraint(["flow_run"], ["runs.id"], name="fk_runs_flow_run"),
        sa.ForeignKeyConstraint(["parent"], ["runs.id"], name="fk_runs_parent"),
        sa.UniqueConstraint("uuid", name="uq_runs_uuid"),
    )
    for column in ("job_id", "flow_run", "parent", "started_at"):
        op.create_index(f"ix_runs_{column}", "runs", [column])


def _edges() -> None:
    op.create_table(
        "edges",
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("version_id", _KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("how", sa.SmallInteger(), nullable=False),
        sa.Column("via_id", _KEY, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "direction", "version_id", "attempt", name="pk_edges"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_edges_run_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_edges_version_id"),
        sa.ForeignKeyConstraint(["via_id"], ["vias.id"], name="fk_edges_via_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edges_back", "edges", ["version_id", "direction", "run_id", "at"])


def _aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("artifact_id", _KEY, nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("version_id", _KEY, nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", "alias", name="pk_aliases"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_aliases_artifact_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_aliases_version_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_aliases_version_id", "aliases", ["version_id"])


def _bookkeeping() -> None:
    op.create_table(
        "history",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
    )
    op.create_index("ix_history_subject", "history", ["subject"])
    op.create_table(
        "journals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journals"),
        sqlite_with_rowid=False,
    )
