"""geopandas and pyogrio: what they read and write through GDAL, in compiled code, with rows and columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claims, Description, Interceptor
from prefect_lineage_hooks.gdal_places import spot
from prefect_lineage_hooks.watching import argument

_READERS = {
    "geopandas": {
        "read_file": "filename",
        "read_parquet": "path",
        "read_feather": "path",
        "GeoDataFrame.from_file": "filename",
        "GeoSeries.from_file": "filename",
    },
    "pyogrio": dict.fromkeys(
        ("read_dataframe", "read_arrow", "open_arrow", "read_info", "read_bounds", "list_layers"),
        "path_or_buffer",
    ),
}
_WRITERS = {
    "geopandas": {
        "GeoDataFrame.to_file": "filename",
        "GeoDataFrame.to_parquet": "path",
        "GeoDataFrame.to_feather": "path",
        "GeoSeries.to_file": "filename",
    },
    "pyogrio": {"write_dataframe": "path", "write_arrow": "path"},
}
_PARTS = ("bbox", "mask", "rows", "where", "max_features", "skip_features", "sql", "fids", "layer")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for module, calls in _READERS.items():
        for name, parameter in calls.items():
            yield Interceptor(module, name, _reading(parameter), optional=True)
    for module, calls in _WRITERS.items():
        for name, parameter in calls.items():
            yield Interceptor(module, name, _writing(parameter), optional=True)


def _reading(parameter: str) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        path = spot(argument(call, parameter))
        return [] if path is None else [Claim(path, "read", describe=_described_result)]

    return claims


def _writing(parameter: str) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        path = spot(argument(call, parameter))
        appends = str(call["mode"] or "w") == "a" or call["append"] is True
        if path is None:
            return []
        return [Claim(path, "append" if appends else "write", describe=None if appends else _described_own)]

    return claims


def _described_result(call: Call) -> Description | None:
    if call["columns"] is not None or any(call[name] is not None and call[name] != 0 for name in _PARTS):
        return None
    return _described(call.result)


def _described_own(call: Call) -> Description | None:
    return _described(call.args[0] if call.args else None)


def _described(frame: Any) -> Description | None:
    if not hasattr(frame, "dtypes") or not hasattr(frame, "crs") or not hasattr(frame, "columns"):
        return None
    schema = tuple((str(name), str(kind)) for name, kind in frame.dtypes.items())
    return Description(rows=len(frame), schema=schema, metadata={"crs": str(frame.crs)})
