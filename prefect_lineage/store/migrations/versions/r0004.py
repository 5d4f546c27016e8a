"""What aliases meant at any time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring a store of the revision before to this one. Of what was before, the last move is known."""
    op.create_table(
        "moves",
        sa.Column("artifact_id", _KEY, nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("version_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", "alias", "at", "version_id", name="pk_moves"),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name="fk_moves_artifact_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_moves_version_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO moves (artifact_id, alias, at, version_id)"
        " SELECT artifact_id, alias, moved_at, version_id FROM aliases"
    )
