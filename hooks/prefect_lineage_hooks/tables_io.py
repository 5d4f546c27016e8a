"""PyTables: the files that it opens; HDF5 opens them in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import place
from prefect_lineage_hooks.watching import by_mode


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("tables", "File.__init__", _opened),
        Interceptor("tables", "copy_file", _copied, optional=True),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    path = place(call["filename"])
    in_memory = str(call["kwargs"] or {}).find("H5FD_CORE_BACKING_STORE") >= 0
    return [] if path is None or in_memory else [Claim(path, by_mode(call["mode"]), "hdf5")]


def _copied(call: Call) -> Iterable[Claim]:
    source, target = place(call["srcfilename"]), place(call["dstfilename"])
    return [] if source is None or target is None else [Claim(source, "read"), Claim(target, "write", "hdf5")]
