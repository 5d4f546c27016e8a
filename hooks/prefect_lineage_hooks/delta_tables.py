"""Delta tables: where one lies, and what its own version of its content is, for all hooks that meet one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from prefect_lineage.interceptors import Claim, Description
from prefect_lineage_hooks.places import is_remote, local, place

__all__ = ["changes", "description_of", "is_table", "location_of", "told_by"]


def location_of(table: Any) -> str | None:
    """The directory or URI of a table that is given as a path, or as an object of deltalake's."""
    path = place(getattr(table, "table_uri", table))
    return None if path is None else (local(path) or path)


def is_table(path: str) -> bool:
    """Whether a local directory is a Delta table."""
    return not is_remote(path) and Path(path, "_delta_log").is_dir()


def changes(path: str) -> list[Claim]:
    """A table that is changed: its version before is an input, the one after an output."""
    claims = [Claim(path, "write", "delta", "table", lambda _: description_of(path))]
    if is_table(path):
        before = description_of(path)
        claims.insert(0, Claim(path, "read", "delta", "table", lambda _: before))
    return claims


def description_of(
    path: str, *, version: Any = None, rows: int | None = None, schema: Any = ()
) -> Description | None:
    """What the table calls its content, as it is now or was in a version.

    Only for tables on this machine and where deltalake has been imported: to ask is to read its log.
    """
    library = sys.modules.get("deltalake")
    if library is None or not is_table(path):
        return None
    return told_by(library.DeltaTable(path, version=version, without_files=True), rows=rows, schema=schema)


def told_by(table: Any, *, rows: int | None = None, schema: Any = ()) -> Description:
    """The same of a table that is open."""
    number, metadata = table.version(), table.metadata()
    fields = tuple((field.name, _kind(field.type)) for field in table.schema().fields)
    told = {"table_version": number, **({"table": metadata.name} if metadata.name else {})}
    return Description(
        rows=rows, schema=tuple(schema) or fields, metadata=told, version=f"{metadata.id}@{number}"
    )


def _kind(kind: Any) -> str:
    return str(getattr(kind, "type", kind))
