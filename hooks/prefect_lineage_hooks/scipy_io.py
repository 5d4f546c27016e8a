"""SciPy: matrices in the Matrix Market's format, which are read and written in compiled code.

Its other readers and writers go through Python's files, where they are seen anyhow.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import place

_ENDS = (".mtx", ".mtx.gz", ".mtx.bz2")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("scipy.io", "mmread", _read, optional=True),
        Interceptor("scipy.io", "mminfo", _read, optional=True),
        Interceptor("scipy.io", "mmwrite", _written, optional=True),
    ]


def _read(call: Call) -> Iterable[Claim]:
    """The end of the name may be left out."""
    path = place(call["source"])
    if path is None:
        return []
    found = (
        path
        if Path(path).exists()
        else next((path + end for end in _ENDS if Path(path + end).exists()), path)
    )
    return [Claim(found, "read", "mtx")]


def _written(call: Call) -> Iterable[Claim]:
    path = place(call["target"])
    if path is None:
        return []
    return [Claim(path if path.endswith(_ENDS) else f"{path}.mtx", "write", "mtx")]
