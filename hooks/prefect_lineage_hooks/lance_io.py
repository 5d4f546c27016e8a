"""lance and lancedb: datasets and tables, each a directory that compiled code reads and writes.

A dataset is an input from where it is opened. It is digested over its files: its own version numbers start anew where
somebody makes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Description, Interceptor
from prefect_lineage_hooks.places import local, place

_READS = ("count_rows", "head", "sample", "scanner", "take", "to_batches", "to_pandas", "to_table")
_CHANGES = (
    *(
        "add_columns",
        "alter_columns",
        "create_index",
        "create_scalar_index",
        "delete",
        "drop_columns",
        "insert",
    ),
    *("merge", "restore", "update"),
)
_TABLE_READS = ("count_rows", "head", "search", "to_arrow", "to_lance", "to_pandas", "to_polars")
_TABLE_CHANGES = (
    *("add", "add_columns", "create_fts_index", "create_index", "create_scalar_index"),
    *("delete", "merge", "update"),
)
_MODES: dict[str, Claimed] = {"append": "append", "overwrite": "write", "create": "write"}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield Interceptor("lance", "dataset", _opened, optional=True)
    yield Interceptor("lance", "write_dataset", _written, optional=True)
    for name in _READS:
        yield Interceptor("lance", f"LanceDataset.{name}", _used("read"), optional=True)
    for name in _CHANGES:
        yield Interceptor("lance", f"LanceDataset.{name}", _used("update"), optional=True)
    yield Interceptor("lancedb.db", "LanceDBConnection.create_table", after=_table_made, optional=True)
    yield Interceptor("lancedb.db", "LanceDBConnection.open_table", after=_table_opened, optional=True)
    for name in _TABLE_READS:
        yield Interceptor("lancedb.table", f"LanceTable.{name}", _used("read"), optional=True)
    for name in _TABLE_CHANGES:
        yield Interceptor("lancedb.table", f"LanceTable.{name}", _used("update"), optional=True)


def _place_of(found: Any) -> str | None:
    """The directory of a dataset, or of a table in a database."""
    path = place(found)
    if path is None:
        connection, name = getattr(found, "_conn", None), getattr(found, "name", None)
        folder = place(getattr(connection, "uri", None))
        path = f"{folder.rstrip('/')}/{name}.lance" if folder and name else place(getattr(found, "uri", None))
    return None if path is None else local(path) or path


def _claim(found: Any, operation: Claimed, told: Any = None) -> list[Claim]:
    path = _place_of(found)
    return [] if path is None else [Claim(path, operation, "lance", "table", told)]


def _opened(call: Call) -> Iterable[Claim]:
    return _claim(call["uri"], "read", lambda call: _told(call.result))


def _written(call: Call) -> Iterable[Claim]:
    mode = _MODES.get(str(call["mode"] or "create"), "update")
    return _claim(call["uri"], mode, lambda call: _told(call.result))


def _used(operation: Claimed) -> Any:
    return lambda call: _claim(call.args[0], operation)


def _table_made(call: Call) -> Iterable[Claim]:
    return _claim(call.result, "write")


def _table_opened(call: Call) -> Iterable[Claim]:
    return _claim(call.result, "read")


def _told(dataset: Any) -> Description:
    return Description(
        schema=tuple((field.name, str(field.type)) for field in dataset.schema),
        metadata={"table_version": dataset.version},
    )
