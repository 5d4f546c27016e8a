"""One index for digests instead of two, and none for runs without a result's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_HAS_RESULT = sa.text("result_key IS NOT NULL")


def upgrade() -> None:
    """Bring a store of the revision before to this one."""
    op.drop_index("ix_versions_digest", "versions")
    # SQLite cannot change a constraint: the table is made anew there.
    with op.batch_alter_table("versions") as versions:
        versions.drop_constraint("uq_versions_artifact_id_digest", type_="unique")
        versions.create_unique_constraint("uq_versions_digest_artifact_id", ["digest", "artifact_id"])
    op.drop_index("ix_runs_result_key_state_ended_at", "runs")
    op.create_index(
        "ix_runs_result_key_state_ended_at",
        "runs",
        ["result_key", "state", "ended_at"],
        sqlite_where=_HAS_RESULT,
        postgresql_where=_HAS_RESULT,
    )
