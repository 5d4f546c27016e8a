"""pyreadstat: files of SAS, SPSS and Stata, read and written in compiled code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Description, Interceptor
from prefect_lineage_hooks.watching import Where, reading, writing

_READS: dict[str, Where] = {
    f"read_{name}": ("filename_path", 0) for name in ("dta", "por", "sas7bcat", "sas7bdat", "sav", "xport")
}
_WRITES: dict[str, Where] = {f"write_{name}": ("dst_path", 1) for name in ("dta", "por", "sav", "xport")}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from reading("pyreadstat", _READS, describe=_read)
    yield from writing("pyreadstat", _WRITES, describe=lambda call: _frame(call["df"]))


def _read(call: Call) -> Description | None:
    """A frame and what is said of it; part of a file tells of a part only."""
    if any(call[name] for name in ("row_limit", "row_offset", "usecols", "metadataonly")):
        return None
    return _frame(call.result[0])


def _frame(frame: Any) -> Description | None:
    if not hasattr(frame, "dtypes") or not hasattr(frame, "columns"):
        return None
    return Description(
        rows=len(frame), schema=tuple((str(name), str(kind)) for name, kind in frame.dtypes.items())
    )
