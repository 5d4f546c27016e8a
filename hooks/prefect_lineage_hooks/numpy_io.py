"""NumPy: its two text readers, and the content of arrays.

Of NumPy's calls only those are watched that the generic net may miss: the text readers keep ``open`` in a table
of their own, as it was when the first of them was called. NumPy is not imported here: a value of its types
cannot exist before somebody else has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.canonical import Canonical, loaded


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [Interceptor("numpy", name, _text_read) for name in ("loadtxt", "genfromtxt")]


def _text_read(call: Call) -> Iterable[Claim]:
    source = call["fname"]
    if not isinstance(source, (str, os.PathLike)) or hasattr(source, "close"):
        return []
    return [Claim(os.fsdecode(source), "read")]


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Format, rows and shape of arrays."""
    numpy = loaded("numpy", "ndarray", "generic", "recarray", "ma", "matrix")
    if numpy is None or not isinstance(value, numpy.ndarray):
        return None
    array: Any = value
    kind = type(value).__name__ if type(value) in _plain_kinds(numpy) else "ndarray"
    rows = {"rows": len(array)} if array.ndim else {}
    return {"format": f"numpy.{kind}", **rows, "schema": _schema(array)}


def _schema(array: Any) -> tuple[tuple[str, str], ...]:
    shape = ", ".join(map(str, array.shape))
    if array.dtype.names is None:
        return (("values", f"{array.dtype}[{shape}]"),)
    return tuple((name, str(array.dtype[name])) for name in array.dtype.names)


@hookimpl
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """Type, shape and elements; of a masked array those that are not masked.

    None for what is larger than ``limit``, for long doubles, for objects that are no plain data or more than
    100,000, and for classes of other libraries, which may hold more than their elements.
    """
    numpy = loaded("numpy", "ndarray", "generic", "recarray", "ma", "matrix")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
        return None
    array: Any = value
    digest = Canonical(limit)
    return digest.result() if _write(array, digest, numpy) else None


def _plain_kinds(numpy: Any) -> tuple[Any, ...]:
    """Classes that are their elements and nothing more."""
    return (numpy.ndarray, numpy.memmap, numpy.recarray, numpy.matrix, numpy.ma.MaskedArray)


def _write(value: Any, digest: Canonical, numpy: Any) -> bool:
    kind = type(value)
    if isinstance(value, numpy.generic):
        digest.mark("scalar")
        return digest.array(numpy.asarray(value))
    if kind is numpy.ma.MaskedArray:
        return not value.dtype.hasobject and digest.fits(value.nbytes) and _masked(value, digest, numpy)
    if kind not in _plain_kinds(numpy):
        return False
    if kind in (numpy.recarray, numpy.matrix):
        digest.mark(kind.__name__)
    return digest.array(value.view(numpy.ndarray))


def _masked(array: Any, digest: Canonical, numpy: Any) -> bool:
    """The mask, and the elements without what lies under it."""
    digest.mark("masked")
    shown = array.filled(numpy.zeros((), array.dtype)[()])
    return digest.array(numpy.ma.getmaskarray(array)) and digest.array(shown)
