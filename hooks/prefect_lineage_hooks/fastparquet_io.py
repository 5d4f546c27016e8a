"""fastparquet: a dataset of several files is one directory, also what is read of it after it was opened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.places import expanded, place, places


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("fastparquet", "ParquetFile.__init__", _opened, optional=True),
        Interceptor("fastparquet", "write", _written, optional=True),
        Interceptor("fastparquet", "update_file_custom_metadata", _changed, optional=True),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    targets = expanded(places(call["fn"]))
    told = _described if len(targets) == 1 else None
    return [Claim(path, "read", "parquet", describe=told, members=Path(path).is_dir()) for path in targets]


def _described(call: Call) -> Description:
    """What stands in the footer."""
    file: Any = call.args[0]
    return Description(
        rows=file.count(), schema=tuple((str(name), str(kind)) for name, kind in file.dtypes.items())
    )


def _written(call: Call) -> Iterable[Claim]:
    path = place(call["filename"])
    if path is None:
        return []
    several = call["file_scheme"] in ("hive", "drill")
    data = call["data"]
    told = Description(
        rows=len(data), schema=tuple((str(name), str(kind)) for name, kind in data.dtypes.items())
    )
    operation: Any = "append" if call["append"] else "write"
    return [
        Claim(
            path, operation, "parquet", describe=None if call["append"] else lambda _: told, members=several
        )
    ]


def _changed(call: Call) -> Iterable[Claim]:
    path = place(call["path"])
    return [] if path is None else [Claim(path, "update", "parquet")]
