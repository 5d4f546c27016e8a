"""pyiceberg: tables, by where they lie and by their own snapshots."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Description, Interceptor
from prefect_lineage_hooks.places import local
from prefect_lineage_hooks.watching import tried

TESTED = ">=0.8,<1"
"""Releases whose ways this module relies on and was tried with."""

_SCANS = ("to_arrow", "to_arrow_batch_reader", "to_duckdb", "to_pandas", "to_polars", "to_ray")
_CHANGES = ("add_files", "append", "delete", "dynamic_partition_overwrite", "overwrite", "upsert")
_CATALOGS = ("sql", "rest", "hive", "glue", "dynamodb", "memory", "bigquery_metastore")
_CLASSES = {
    "sql": "Sql",
    "rest": "Rest",
    "hive": "Hive",
    "glue": "Glue",
    "dynamodb": "DynamoDb",
    "memory": "InMemory",
}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return tried(_interceptors(), TESTED)


def _interceptors() -> Iterable[Interceptor]:
    yield Interceptor(
        "pyiceberg.catalog.sql", "SqlCatalog.__init__", after=_catalogued, outside=True, optional=True
    )
    for name in _SCANS:
        yield Interceptor("pyiceberg.table", f"DataScan.{name}", _scanned, optional=True)
    for name in _CHANGES:
        yield Interceptor("pyiceberg.table", f"Table.{name}", _changed, optional=True)
    yield Interceptor("pyiceberg.table", "Table.to_polars", _changed_nothing, optional=True)
    yield Interceptor("pyiceberg.table", "Transaction.commit_transaction", _committed, optional=True)
    for name in _CATALOGS:
        kind = _CLASSES.get(name, "BigQueryMetastore")
        yield Interceptor(
            f"pyiceberg.catalog.{name}", f"{kind}Catalog.create_table", after=_made, optional=True
        )


_catalogs: set[str] = set()
"""Databases that only say where tables lie."""


def _catalogued(call: Call) -> Iterable[Claim]:
    """Only a note."""
    properties = call["properties"] or {}
    scheme, mark, path = str(properties.get("uri") or call.kwargs.get("uri") or "").partition(":///")
    if mark and scheme.startswith("sqlite") and path:
        _catalogs.add(os.path.realpath(path))
    return []


@hookimpl
def lineage_noise(path: str) -> bool | None:
    """The database of a catalog is bookkeeping, as a Delta table's log is."""
    return True if path in _catalogs else None


def _claim(metadata: Any, operation: Claimed, describe: Any) -> list[Claim]:
    place = str(metadata.location).rstrip("/")
    return [Claim(local(place) or place, operation, "iceberg", "table", describe)]


def _scanned(call: Call) -> Iterable[Claim]:
    """The snapshot that is scanned, which need not be the latest."""
    scan = call.args[0]
    told = _told(scan.table_metadata, scan.snapshot(), getattr(scan, "table_identifier", None))
    return _claim(scan.table_metadata, "read", lambda _: told)


def _changed_nothing(call: Call) -> Iterable[Claim]:
    table = call.args[0]
    told = _told(table.metadata, table.current_snapshot(), table.name())
    return _claim(table.metadata, "read", lambda _: told)


def _changed(call: Call) -> Iterable[Claim]:
    return _change_of(call.args[0])


def _committed(call: Call) -> Iterable[Claim]:
    table = getattr(call.args[0], "_table", None)
    return [] if table is None else _change_of(table)


def _change_of(table: Any) -> list[Claim]:
    """A table without a snapshot has no content yet that could be changed."""
    after = _claim(
        table.metadata, "write", lambda _: _told(table.metadata, table.current_snapshot(), table.name())
    )
    snapshot = table.current_snapshot()
    if snapshot is None:
        return after
    before = _told(table.metadata, snapshot, table.name())
    return [*_claim(table.metadata, "read", lambda _: before), *after]


def _made(call: Call) -> Iterable[Claim]:
    table = call.result
    told = _told(table.metadata, None, table.name())
    return _claim(table.metadata, "write", lambda _: told)


def _told(metadata: Any, snapshot: Any, name: Any) -> Description:
    schema = tuple((field.name, str(field.field_type)) for field in metadata.schema().fields)
    number = snapshot.snapshot_id if snapshot is not None else None
    summary = getattr(snapshot, "summary", None)
    rows = summary.additional_properties.get("total-records") if summary is not None else None
    called = {"table": ".".join(name)} if name else {}
    return Description(
        rows=int(rows) if rows is not None else None,
        schema=schema,
        metadata={**called, "snapshot": number},
        version=f"{metadata.table_uuid}@{number}",
    )
