"""Tokens and the edges that refer to a version by one; where Prefect keeps a run's result."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring a store of the revision before to this one."""
    op.add_column("runs", sa.Column("result_key", sa.Text()))
    op.create_index("ix_runs_result_key_state_ended_at", "runs", ["result_key", "state", "ended_at"])
    op.create_table(
        "tokens",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("means", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("token", "at", "means", name="pk_tokens"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "referrals",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("how", sa.SmallInteger(), nullable=False),
        sa.Column("via_id", _KEY, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("gives", sa.JSON()),
        sa.Column("version_id", _KEY),
        sa.Column("fallback_id", _KEY),
        sa.PrimaryKeyConstraint("id", name="pk_referrals"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_referrals_run_id"),
        sa.ForeignKeyConstraint(["via_id"], ["vias.id"], name="fk_referrals_via_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_referrals_version_id"),
        sa.ForeignKeyConstraint(["fallback_id"], ["versions.id"], name="fk_referrals_fallback_id"),
    )
    op.create_index("ix_referrals_run_id", "referrals", ["run_id"])
    op.create_index("ix_referrals_token_at", "referrals", ["token", "at"])
