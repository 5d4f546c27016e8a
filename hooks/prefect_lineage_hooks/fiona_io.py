"""fiona: the files that it opens through GDAL, in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.gdal_places import spot
from prefect_lineage_hooks.watching import by_mode


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("fiona", "open", _opened, optional=True),
        Interceptor("fiona", "listlayers", _opened, optional=True),
        Interceptor("fiona", "remove", _removed, optional=True),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    path = spot(call["fp"])
    mode = "append" if call["mode"] == "a" else by_mode(call["mode"])
    return [] if path is None else [Claim(path, mode)]


def _removed(call: Call) -> Iterable[Claim]:
    path = spot(call["path_or_collection"])
    return [] if path is None else [Claim(path, "delete")]
