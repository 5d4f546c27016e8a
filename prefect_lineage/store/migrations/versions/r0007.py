"""Moves of ``latest`` to a version that is created: told by the version, not by a row of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_IS_CREATION = """
    SELECT 1 FROM {other} WHERE moves.version_id = versions.id AND moves.at = versions.created_at
    AND moves.artifact_id = versions.artifact_id AND moves.alias = 'latest'"""


def upgrade() -> None:
    """Bring a store of the revision before to this one."""
    with op.batch_alter_table("versions") as versions:
        versions.add_column(sa.Column("leads", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("versions") as versions:
        versions.alter_column(
            "leads", server_default=None, existing_type=sa.Boolean(), existing_nullable=False
        )
    op.execute(f"UPDATE versions SET leads = TRUE WHERE EXISTS ({_IS_CREATION.format(other='moves')})")
    op.execute(f"DELETE FROM moves WHERE EXISTS ({_IS_CREATION.format(other='versions')})")
