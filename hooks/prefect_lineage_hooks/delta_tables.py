"""Delta tables: where one lies, and what its own version of its content is, for all hooks that meet one."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect_lineage.interceptors import Claim, Description
from prefect_lineage_hooks.places import is_remote, local, place

__all__ = ["changes", "description_of", "is_table", "location_of", "told_by"]


def location_of(table: Any) -> str | None:
    """The directory or URI of a table that is given as a path, or as an object of deltalake's."""
    path = place(_asked(table, "table_uri") if hasattr(table, "table_uri") else table)
    return None if path is None else (local(path) or path)


def is_table(path: str) -> bool:
    """Whether a local directory is a Delta table."""
    return not is_remote(path) and Path(path, "_delta_log").is_dir()


def changes(path: str, table: Any = None, options: Any = None) -> list[Claim]:
    """A table that is changed: its version before is an input, the one after an output.

    Args:
        table: the open table, which knows its versions.
        options: how its store is reached, where it is not open.
    """
    if hasattr(table, "version"):
        before: Description | None = told_by(table)
        return [
            Claim(path, "read", "delta", "table", lambda _: before),
            Claim(path, "write", "delta", "table", lambda _: told_by(table)),
        ]
    after = Claim(path, "write", "delta", "table", lambda _: description_of(path, options=options))
    with suppress(Exception):  # there is no table yet
        before = description_of(path, options=options)
        return [after] if before is None else [Claim(path, "read", "delta", "table", lambda _: before), after]
    return [after]


def description_of(
    path: str, *, version: Any = None, rows: int | None = None, schema: Any = (), options: Any = None
) -> Description | None:
    """What the table calls its content, as it is now or was in a version.

    Only where deltalake has been imported. To ask is to read the table's log once more, also far away: without its
    number nobody would know that who reads it reads what was written.
    """
    library = sys.modules.get("deltalake")
    if library is None or not (is_remote(path) or is_table(path)):
        return None
    table = library.DeltaTable(path, version=version, storage_options=options, without_files=True)
    return told_by(table, rows=rows, schema=schema)


def told_by(table: Any, *, rows: int | None = None, schema: Any = ()) -> Description:
    """The same of a table that is open."""
    number, metadata = table.version(), table.metadata()
    fields = tuple((field.name, _kind(field.type)) for field in _asked(table, "schema").fields)
    told = {"table_version": number, **({"table": metadata.name} if metadata.name else {})}
    return Description(
        rows=rows, schema=tuple(schema) or fields, metadata=told, version=f"{metadata.id}@{number}"
    )


def _asked(table: Any, name: str) -> Any:
    """What a merge holds is deltalake's compiled table: a property there is a method here, and the reverse."""
    found = getattr(table, name)
    return found() if callable(found) else found


def _kind(kind: Any) -> str:
    return str(getattr(kind, "type", kind))
