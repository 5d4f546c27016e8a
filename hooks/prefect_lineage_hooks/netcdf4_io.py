"""netCDF4: the files that it opens. It opens them in compiled code, so nothing of it is seen from Python."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import expanded, place, places
from prefect_lineage_hooks.watching import argument, by_mode


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("netCDF4", "Dataset.__init__", _opened),
        Interceptor("netCDF4", "MFDataset.__init__", _opened_together),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    """``Dataset(filename, mode="r")``; one in memory is no file."""
    path = place(argument(call, ("filename", 1)))
    if path is None or call.kwargs.get("memory") is not None or call.kwargs.get("diskless"):
        return []
    mode = argument(call, ("mode", 2)) or "r"
    return [Claim(path, "open" if str(mode).startswith("s") else by_mode(mode), "netcdf")]


def _opened_together(call: Call) -> Iterable[Claim]:
    return [Claim(path, "read", "netcdf") for path in expanded(places(call["files"]))]
