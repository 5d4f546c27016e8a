"""deltalake: Delta tables, by their own versions. A table is an input from where it is opened.

All is done in compiled code. A version is called by the table's identity and its number, so the run that wrote
version 3 and the run that reads it meet, also when there is a version 4 by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.delta_tables import changes, description_of, is_table, location_of, told_by
from prefect_lineage_hooks.watching import tried

TESTED = ">=0.20,<2"
"""Releases whose ways this module relies on and was tried with."""

_READS = ("load_cdf", "to_pandas", "to_pyarrow_dataset", "to_pyarrow_table")
_CHANGES = ("create_write_transaction", "delete", "repair", "restore", "update")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return tried(_interceptors(), TESTED)


def _interceptors() -> Iterable[Interceptor]:
    yield Interceptor("deltalake", "DeltaTable.__init__", _opened)
    for name in _READS:
        yield Interceptor("deltalake", f"DeltaTable.{name}", _read, optional=True)
    for name in _CHANGES:
        yield Interceptor("deltalake", f"DeltaTable.{name}", _changed, optional=True)
    yield Interceptor("deltalake", "DeltaTable.vacuum", _vacuumed, optional=True)
    yield Interceptor("deltalake", "DeltaTable.create", _made, optional=True)
    for name in ("compact", "z_order"):
        yield Interceptor("deltalake.table", f"TableOptimizer.{name}", _part_changed, optional=True)
    yield Interceptor("deltalake.table", "TableMerger.execute", _part_changed, optional=True)
    yield Interceptor("deltalake", "write_deltalake", _written)
    yield Interceptor("deltalake", "convert_to_deltalake", _converted, optional=True)


def _opened(call: Call) -> Iterable[Claim]:
    path = location_of(call["table_uri"])
    return [] if path is None else [Claim(path, "read", "delta", "table", lambda call: told_by(call.args[0]))]


def _read(call: Call) -> Iterable[Claim]:
    table: Any = call.args[0]
    told = told_by(table)
    return [Claim(location_of(table), "read", "delta", "table", lambda _: told)]


def _changed(call: Call) -> Iterable[Claim]:
    return _update_of(call.args[0])


def _update_of(table: Any) -> list[Claim]:
    path = location_of(table)
    return [] if path is None else changes(path, table)


def _part_changed(call: Call) -> Iterable[Claim]:
    """What merges or optimises a table holds it as an attribute."""
    part = call.args[0]
    table = getattr(part, "table", None) or getattr(part, "_table", None)
    return _update_of(table) if table is not None and hasattr(table, "table_uri") else []


def _vacuumed(call: Call) -> Iterable[Claim]:
    return [] if call["dry_run"] is not False else _update_of(call.args[0])


def _made(call: Call) -> Iterable[Claim]:
    path = location_of(call["table_uri"])
    if path is None or (call["mode"] == "ignore" and is_table(path)):
        return []
    return [Claim(path, "write", "delta", "table", lambda call: told_by(call.result))]


def _written(call: Call) -> Iterable[Claim]:
    path, mode = location_of(call["table_or_uri"]), str(call["mode"] or "error")
    if path is None or (mode == "ignore" and is_table(path)):
        return []
    if mode == "append" or (mode == "overwrite" and call["predicate"] is not None):
        return changes(path, call["table_or_uri"], call["storage_options"])

    def described(call: Call) -> Description | None:
        table, rows = call["table_or_uri"], getattr(call["data"], "num_rows", None)
        if hasattr(table, "version"):
            return told_by(table, rows=rows)
        return description_of(path, rows=rows, options=call["storage_options"])

    return [Claim(path, "write", "delta", "table", described)]


def _converted(call: Call) -> Iterable[Claim]:
    path = location_of(call["uri"])
    return [] if path is None else changes(path)
