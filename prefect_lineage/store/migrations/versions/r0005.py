"""The newest runs by an index on PostgreSQL, too."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring a store of the revision before to this one. SQLite's index serves: there NULL is the least value."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_runs_started_at", "runs")
        op.execute("CREATE INDEX ix_runs_newest ON runs (started_at DESC NULLS LAST, id DESC)")
