"""Alembic's scripts; run by :func:`prefect_lineage.store.migrate.upgrade`."""
