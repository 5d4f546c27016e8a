"""dask: a dataframe of several files is one directory, though its parts are read and written one by one, and later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Interceptor
from prefect_lineage_hooks.places import expanded, is_remote, place, places


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched; what else dask reads goes through Python's files and is seen without a hook."""
    for name in ("read_parquet", "read_orc"):
        yield Interceptor("dask.dataframe", name, _read, optional=True)
    for name in ("to_parquet", "to_orc"):
        yield Interceptor("dask.dataframe", name, _written, optional=True)
        yield Interceptor("dask.dataframe", f"DataFrame.{name}", _written, optional=True)


def _read(call: Call) -> Iterable[Claim]:
    """From where the frame is made: its schema is read there."""
    found = expanded(places(call["path"]))
    return [
        Claim(path, "read", "parquet", members=not is_remote(path) and Path(path).is_dir()) for path in found
    ]


def _written(call: Call) -> Iterable[Claim]:
    path = place(call["path"])
    operation: Claimed = "update" if call["append"] else "write"
    return [] if path is None else [Claim(path, operation, "parquet", members=True)]
