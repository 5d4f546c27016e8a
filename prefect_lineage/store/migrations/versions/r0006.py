"""Digests and UUIDs as bytes; code, environment and process of runs once for all runs that have the same."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from prefect_lineage.store.circumstances import COLUMNS, apart, ids_of
from prefect_lineage.store.packed import PackedDigest, PackedUuid

revision = "0006"
down_revision = "0005"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True)
_PAGE = 5_000

_DIGEST = """
    CASE WHEN digest ~ '^blake3:[0-9a-f]{64}$' THEN '\\x01'::bytea || decode(substr(digest, 8), 'hex')
         WHEN digest ~ '^sha256:[0-9a-f]{64}$' THEN '\\x02'::bytea || decode(substr(digest, 8), 'hex')
         ELSE '\\x00'::bytea || convert_to(digest, 'UTF8') END"""
_UUID = """
    CASE WHEN uuid ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
         THEN '\\x01'::bytea || decode(replace(uuid, '-', ''), 'hex')
         ELSE '\\x00'::bytea || convert_to(uuid, 'UTF8') END"""


def upgrade() -> None:
    """Bring a store of the revision before to this one."""
    op.create_table(
        "circumstances",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", _JSON),
        sa.PrimaryKeyConstraint("id", name="pk_circumstances"),
        sa.UniqueConstraint("name", name="uq_circumstances_name"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _pack("versions", "digest", PackedDigest)
        _pack("runs", "uuid", PackedUuid)
    else:
        op.execute(f"ALTER TABLE versions ALTER COLUMN digest TYPE bytea USING ({_DIGEST})")
        op.execute(f"ALTER TABLE runs ALTER COLUMN uuid TYPE bytea USING ({_UUID})")
    with op.batch_alter_table("runs") as runs:
        for column in COLUMNS.values():
            runs.add_column(sa.Column(column, _KEY, nullable=True))
            runs.create_foreign_key(f"fk_runs_{column}", "circumstances", [column], ["id"])
    _move_circumstances(op.get_bind())


def _pack(table: str, column: str, kind: Any) -> None:
    """SQLite cannot change a column: the table is made anew, with the bytes of the text for the text."""
    with op.batch_alter_table(table) as changed:
        changed.alter_column(column, existing_type=sa.Text(), type_=sa.LargeBinary(), existing_nullable=False)
    raw: Any = op.get_bind().connection.driver_connection
    raw.create_function("lineage_packed", 1, lambda text: kind.pack(bytes(text).decode()))
    op.execute(f"UPDATE {table} SET {column} = lineage_packed(CAST({column} AS BLOB))")


def _move_circumstances(connection: sa.Connection) -> None:
    """Out of the details of runs, page by page."""
    names = ("id", "details", *COLUMNS.values())
    runs = sa.table("runs", *(sa.column(name, _JSON if name == "details" else _KEY) for name in names))
    new = {name: sa.bindparam(f"new_{name}", type_=runs.c[name].type) for name in names[1:]}
    update = runs.update().where(runs.c.id == sa.bindparam("row_id")).values(new)
    page = sa.select(runs.c.id, runs.c.details).where(runs.c.id > sa.bindparam("after"))
    after = -1
    while rows := connection.execute(page.order_by(runs.c.id).limit(_PAGE), {"after": after}).all():
        after = rows[-1].id
        split = [(row.id, *apart(row.details)) for row in rows if isinstance(row.details, dict)]
        split = [(row_id, rest, told) for row_id, rest, told in split if told]
        ids = ids_of(connection, {text for *_, told in split for text in told.values()})
        changes = [
            {"row_id": row_id, "new_details": rest or None}
            | {f"new_{column}": ids.get(told.get(column, "")) for column in COLUMNS.values()}
            for row_id, rest, told in split
        ]
        if changes:
            connection.execute(update, changes)
