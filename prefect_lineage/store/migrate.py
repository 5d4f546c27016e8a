"""Is this database ours, and of which revision? Creating and upgrading it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.errors import StoreError, StoreForeign, StoreMissing, StoreNewer
from prefect_lineage.store.engine import Database
from prefect_lineage.store.schema import REVISIONS, alembic_version, metadata

__all__ = ["COPYING", "create", "prepare", "revision_of", "upgrade"]

_SIGNS = {"artifacts", "versions", "edges", "journals"}
"""The tables by which a lineage store is known from other databases with an alembic_version."""


COPYING = "copying:"
"""Stands before the mark of a store that is being copied, in the place of the revision: nobody takes it for whole."""


def prepare(database: Database) -> None:
    """Make sure that the database is an up-to-date lineage store; create or upgrade it if it may be written.

    Raises:
        StoreMissing, StoreForeign, StoreNewer: see :mod:`prefect_lineage.errors`.
        StoreError: it is older and opened read-only.
    """
    with database.reading() as connection:
        revision = revision_of(connection, database)
    if revision == REVISIONS[-1]:
        return
    if database.readonly:
        raise _unusable(database, revision)
    with database.writing() as connection:
        # Asked again under the lock: another process may just have done it.
        revision = revision_of(connection, database)
        if revision is None:
            create(connection)
        elif revision != REVISIONS[-1]:
            upgrade(connection)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that the database lacks, up to a revision, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    scripts = Path(__file__).with_name("migrations")
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    command.upgrade(config, revision)


def create(connection: Connection, revision: str = REVISIONS[-1]) -> None:
    """All tables at once: the same as all migrations (a test compares them), without importing alembic."""
    metadata.create_all(connection)
    alembic_version.create(connection, checkfirst=True)
    connection.execute(alembic_version.insert().values(version_num=revision))


def revision_of(connection: Connection, database: Database, *, copying: bool = False) -> str | None:
    """The store's revision; None for a database without a table. With ``copying`` also the mark of a copy."""
    tables = set(sa.inspect(connection).get_table_names())
    if not tables:
        return None
    if not tables >= _SIGNS | {"alembic_version"}:
        raise StoreForeign(
            f"The database {database} holds other tables and no lineage: name another database for the store."
        )
    revision = connection.execute(sa.select(alembic_version.c.version_num)).scalar()
    if revision is None:
        raise StoreForeign(f"The database {database} does not say which revision of a lineage store it is.")
    if str(revision).startswith(COPYING):
        if copying:
            return str(revision)
        raise StoreError(
            f"The store {database} is a copy that was not finished: run the same 'prefect-lineage db copy' again."
        )
    if revision not in REVISIONS:
        raise StoreNewer(
            f"The store {database} was written by a newer release (its revision {revision} is unknown here):"
            " upgrade prefect-lineage."
        )
    return str(revision)


def _unusable(database: Database, revision: str | None) -> StoreError:
    if revision is None:
        return StoreMissing(f"There is no lineage in {database}: nothing was recorded there yet.")
    return StoreError(
        f"The store {database} has revision {revision} and this release needs {REVISIONS[-1]}:"
        " run 'prefect-lineage db upgrade'."
    )
