"""Where GDAL's names of places point to: ``/vsizip/a.zip/b.shp``, ``zip://a.zip!b.shp``, ``/vsis3/bucket/key``."""

from __future__ import annotations

import re
from typing import Any

from prefect_lineage_hooks.places import local, place

__all__ = ["spot"]

_SERVICES = {"vsis3": "s3", "vsigs": "gs", "vsiaz": "abfs", "vsioss": "oss", "vsihdfs": "hdfs"}
_ARCHIVE = re.compile(r"(.*?\.(?:zip|tar|tgz|tar\.gz|kmz|gz))(?:[!/{}].*)?$", re.IGNORECASE)
_PREFIX = re.compile(r"(zip|tar|gzip)\+?(?:file)?://", re.IGNORECASE)


def spot(target: Any) -> str | None:
    """The path or URI of what GDAL is asked to open; None for what lies in memory, and for connections."""
    path = place(target)
    if path is None or path.startswith(("/vsimem/", "MEM:", "PG:", "MYSQL:", "{")):
        return None
    archived = bool(_PREFIX.match(path)) or path.startswith(("/vsizip/", "/vsitar/", "/vsigzip/", "zip+"))
    path = _PREFIX.sub("", path, count=1)
    while path.startswith("/vsi"):
        service, _, rest = path[1:].partition("/")
        if service in _SERVICES:
            return f"{_SERVICES[service]}://{rest}"
        path = rest if "://" in rest or service == "vsicurl" else rest.removeprefix("{")
    match = _ARCHIVE.match(path) if archived else None
    path = match[1] if match else path
    return local(path) or path
