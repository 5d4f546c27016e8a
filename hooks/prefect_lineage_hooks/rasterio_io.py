"""rasterio: the rasters that it opens through GDAL, in compiled code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.gdal_places import spot
from prefect_lineage_hooks.watching import by_mode


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("rasterio", "open", _opened, optional=True),
        Interceptor("rasterio.shutil", "copy", _copied, optional=True),
        Interceptor("rasterio.shutil", "delete", _deleted, optional=True),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    path = spot(call["fp"])
    return [] if path is None else [Claim(path, by_mode(call["mode"]), describe=_described)]


def _described(call: Call) -> Description | None:
    """Size, bands and projection, which stand in the header."""
    raster: Any = call.result
    if not hasattr(raster, "dtypes") or not hasattr(raster, "crs"):
        return None
    bands = tuple((f"band {number}", str(kind)) for number, kind in enumerate(raster.dtypes, 1))
    size = {"width": raster.width, "height": raster.height, "crs": str(raster.crs)}
    return Description(schema=bands, metadata=size)


def _copied(call: Call) -> Iterable[Claim]:
    source, target = spot(getattr(call["src"], "name", call["src"])), spot(call["dst"])
    return [] if source is None or target is None else [Claim(source, "read"), Claim(target, "write")]


def _deleted(call: Call) -> Iterable[Claim]:
    path = spot(call["path"])
    return [] if path is None else [Claim(path, "delete")]
