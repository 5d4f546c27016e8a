"""Alembic's environment: the migrations run on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context

from prefect_lineage.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
