"""pandas: what its readers and writers touch, and the content of frames, series, indexes.

It is not imported here: the calls are watched once somebody else has, and a value of its types cannot exist before.
"""

from __future__ import annotations

import datetime
import decimal
import json
import os
import sys
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.canonical import Canonical
from prefect_lineage_hooks.places import place

MAX_COLUMNS = 1_000
"""Columns of a schema that are recorded; of a wider frame the number is told beside them."""

# -- files -----------------------------------------------------------------------------------------

_READERS = {  # name: (parameter, format; None: the suffix tells)
    "read_csv": ("filepath_or_buffer", "csv"),
    "read_excel": ("io", None),
    "read_feather": ("path", "feather"),
    "read_fwf": ("filepath_or_buffer", "fwf"),
    "read_hdf": ("path_or_buf", "hdf"),
    "read_html": ("io", "html"),
    "read_json": ("path_or_buf", "json"),
    "read_orc": ("path", "orc"),
    "read_parquet": ("path", "parquet"),
    "read_pickle": ("filepath_or_buffer", "pickle"),
    "read_sas": ("filepath_or_buffer", None),
    "read_spss": ("path", "spss"),
    "read_stata": ("filepath_or_buffer", "stata"),
    "read_table": ("filepath_or_buffer", None),
    "read_xml": ("path_or_buffer", "xml"),
}
# A method that frames and series share is patched once, on the class that they have it from.
_WRITERS = {
    "DataFrame.to_csv": ("path_or_buf", "csv"),
    "DataFrame.to_excel": ("excel_writer", None),
    "DataFrame.to_feather": ("path", "feather"),
    "DataFrame.to_hdf": ("path_or_buf", "hdf"),
    "DataFrame.to_html": ("buf", "html"),
    "DataFrame.to_json": ("path_or_buf", "json"),
    "DataFrame.to_latex": ("buf", "latex"),
    "DataFrame.to_markdown": ("buf", "markdown"),
    "DataFrame.to_orc": ("path", "orc"),
    "DataFrame.to_parquet": ("path", "parquet"),
    "DataFrame.to_pickle": ("path", "pickle"),
    "DataFrame.to_stata": ("path", "stata"),
    "DataFrame.to_string": ("buf", None),
    "DataFrame.to_xml": ("path_or_buffer", "xml"),
    "Series.to_markdown": ("buf", "markdown"),
    "Series.to_string": ("buf", None),
}
_LITERALS = {"read_html", "read_json", "read_xml"}
"""Before pandas 3 these took the data itself in the place of a path."""

_FEWER_ROWS = (
    *("chunksize", "filters", "iterator", "nrows", "skipfooter", "skiprows", "start", "stop", "where"),
    *("max_rows", "append"),
)
_FEWER_COLUMNS = ("columns", "usecols", "max_cols")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched: readers, writers, and the stores that stay open between calls."""
    found = [
        Interceptor("pandas", name, _Reading(parameter, format_, literal=name in _LITERALS), optional=True)
        for name, (parameter, format_) in _READERS.items()
    ]
    found += [
        Interceptor("pandas", name, _Writing(parameter, format_), optional=True)
        for name, (parameter, format_) in _WRITERS.items()
    ]
    found.append(Interceptor("pandas", "HDFStore.__init__", _hdf_made))
    found += [Interceptor("pandas", f"HDFStore.{name}", _hdf_read) for name in ("get", "select")]
    found += [Interceptor("pandas", f"HDFStore.{name}", _hdf_changed) for name in ("put", "append", "remove")]
    return found


class _Reading:
    """Claims of a reader whose argument ``parameter`` says where."""

    def __init__(self, parameter: str, format_: str | None, *, literal: bool) -> None:
        self._parameter, self._format, self._literal = parameter, format_, literal

    def __call__(self, call: Call) -> Iterable[Claim]:
        found = call[self._parameter]
        targets = found if isinstance(found, (list, tuple)) else [found]
        paths = [place(target, call["filesystem"]) for target in targets]
        return [
            Claim(path, "read", self._format, describe=_described_result if len(paths) == 1 else None)
            for path in paths
            if path is not None and (not self._literal or _exists(path))
        ]


class _Writing:
    """Claims of a writer whose argument ``parameter`` says where."""

    def __init__(self, parameter: str, format_: str | None) -> None:
        self._parameter, self._format = parameter, format_

    def __call__(self, call: Call) -> Iterable[Claim]:
        path = place(call[self._parameter], call["filesystem"])
        if path is None:
            return []
        mode = str(call["mode"] or "w")
        if self._format == "hdf" and not mode.startswith("w"):
            return [Claim(path, "update", self._format)]  # one key of several
        if "a" in mode:
            return [Claim(path, "append", self._format, describe=_described_addition)]
        return [Claim(path, "write", self._format, describe=_described_own)]


def _exists(path: str) -> bool:
    return "://" in path or os.path.exists(path)  # noqa: PTH110 - a document is too long for a Path


# -- HDF5, through PyTables: no open of its is ever seen from Python ----------------------------------


def _hdf_made(call: Call) -> Iterable[Claim]:
    """A store that is made or emptied is written; opening one that is there says nothing yet."""
    path = place(call["path"])
    if path is None or (call["mode"] != "w" and Path(path).exists()):
        return []
    return [Claim(path, "write", "hdf")]


def _hdf_read(call: Call) -> Iterable[Claim]:
    return [Claim(call.args[0].filename, "read", "hdf")]


def _hdf_changed(call: Call) -> Iterable[Claim]:
    return [Claim(call.args[0].filename, "update", "hdf")]


# -- descriptions ------------------------------------------------------------------------------------


def _described_result(call: Call) -> Description | None:
    return _described(call, call.result)


def _described_own(call: Call) -> Description | None:
    return _described(call, call.args[0])


def _described_addition(call: Call) -> Description | None:
    """The columns of what was appended; how many rows there are now is not known."""
    return Description(schema=schema_of(call.args[0]))


def _described(call: Call, data: Any) -> Description | None:
    """What a whole frame tells of its file; a part of one would tell of a part only."""
    if not _is_frame(data):
        return None
    whole = not any(_given(call, name) for name in _FEWER_COLUMNS)
    rows = None if any(_given(call, name) for name in _FEWER_ROWS) else len(data)
    wide = {"columns": data.shape[1]} if data.ndim > 1 and data.shape[1] > MAX_COLUMNS else {}
    return Description(rows=rows, schema=schema_of(data) if whole else (), metadata=wide if whole else {})


def _given(call: Call, name: str) -> bool:
    value = call.kwargs.get(name, call[name])
    return value is not None and value is not False and not (isinstance(value, int) and value == 0)


def _type(module: str, *names: str) -> tuple[Any, ...]:
    """Types of a library that has been imported by somebody else; none if it has not."""
    library = sys.modules.get(module)
    return tuple(found for name in names if isinstance(found := getattr(library, name, None), type))


def _is_frame(data: object) -> bool:
    return isinstance(data, _type("pandas", "DataFrame", "Series"))


def schema_of(data: Any) -> tuple[tuple[str, str], ...]:
    """(column, dtype) pairs of a frame, series or index, :data:`MAX_COLUMNS` at most."""
    if data.ndim == 1:
        return ((str(data.name) if data.name is not None else "values", str(data.dtype)),)
    dtypes = data.dtypes.iloc[:MAX_COLUMNS]
    return tuple((str(name), str(dtype)) for name, dtype in zip(dtypes.index, dtypes, strict=True))


# -- values --------------------------------------------------------------------------------------------


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Format, rows and schema."""
    for kind in _type("pandas", "DataFrame", "Series", "Index"):
        if isinstance(value, kind):
            data: Any = value
            return {"format": f"pandas.{kind.__name__}", "rows": len(data), "schema": schema_of(data)}
    return None


@hookimpl
def lineage_value_memory(value: object) -> Sequence[tuple[object, bool]] | None:
    """The arrays of the columns; a frame made by renaming or slicing columns, or by a light copy, has them too."""
    pandas = sys.modules.get("pandas")
    if (
        pandas is None
        or not hasattr(pandas, "Series")
        or not isinstance(value, (pandas.DataFrame, pandas.Series))
    ):
        return None
    blocks = getattr(
        getattr(value, "_mgr", None), "blocks", ()
    )  # not columns: each would be made an object first
    return [_owner(block.values) for block in blocks]


def _owner(values: Any) -> tuple[object, bool]:
    size = getattr(values, "nbytes", 0)
    if not hasattr(values, "base"):  # one of pandas' own kinds of arrays
        values = next(
            (found for name in _WITHIN if (found := getattr(values, name, None)) is not None), values
        )
    while type(base := getattr(values, "base", None)) is type(values):
        values = base
    return values, size >= getattr(values, "nbytes", 0)


_WITHIN = ("_pa_array", "_ndarray", "_data", "_codes")


@hookimpl
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """The values in their order, the labels and the types; None for what is larger than ``limit``.

    None, too, for objects that have no canonical form. Among strings all missing values are alike.
    """
    if not isinstance(value, _type("pandas", "DataFrame", "Series", "Index")):
        return None
    size = int(_size(value))
    digest = _Digest(sys.maxsize)  # the size is judged as a whole
    return (digest.result()[0], size) if size <= limit and digest.data(value) else None


_SAMPLE = 64
_CHUNK = 100_000
"""Objects that are written out at once."""


def _size(data: Any) -> int:
    """Bytes, with a look at a few of Python's own objects: arrays only count the pointers to them."""
    if data.ndim > 1:
        size = int(data.memory_usage(index=False).sum()) + _size(data.index)
        columns = [data.iloc[:, at] for at, dtype in enumerate(data.dtypes) if _is_objects(dtype)]
    elif getattr(data, "nlevels", 1) > 1:
        size = sum(_size(level) for level in data.levels) + sum(codes.nbytes for codes in data.codes)
        columns = []
    else:
        size = data.nbytes + (_size(data.index) if hasattr(data, "index") else 0)
        columns = [data] if _is_objects(data.dtype) else []
    for column in columns:
        some = column.array[:: max(1, len(column) // _SAMPLE)]
        size += sum(map(sys.getsizeof, some)) * len(column) // max(1, len(some))
    return size


def _is_objects(dtype: Any) -> bool:
    return str(dtype) == "object" or getattr(dtype, "storage", None) == "python"


class _Digest(Canonical):
    """A digest of frames and what they are made of."""

    def data(self, data: Any) -> bool:
        """A frame, a series or an index."""
        if data.ndim > 1:
            self.mark("frame", data.shape)
            columns = (data.iloc[:, at] for at in range(data.shape[1]))
            return self.data(data.columns) and self.data(data.index) and all(map(self._column, columns))
        if isinstance(data, _type("pandas", "Series")):
            self.mark("series")
            return self._objects([data.name]) and self.data(data.index) and self._column(data)
        if data.nlevels > 1:
            self.mark("levels", data.nlevels)
            return all(self.data(data.get_level_values(at)) for at in range(data.nlevels))
        self.mark("index")
        return self._objects([data.name]) and self._column(data)

    def _column(self, column: Any) -> bool:
        import pandas as pd
        import pandas.util

        dtype = column.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            self.mark("categories", dtype.ordered)
            return self._column(dtype.categories) and self.array(column.array.codes)
        if isinstance(dtype, pd.StringDtype):
            self.mark("strings", len(column))
            return self._objects(column.array, strings=True)
        if str(dtype) == "object":
            kind = pd.api.types.infer_dtype(column, skipna=True)
            self.mark("objects", kind, len(column))
            return self._objects(column.array, strings=kind in {"string", "empty"})
        if not pd.api.types.is_extension_array_dtype(dtype):
            return self.array(column.to_numpy())
        self.mark("extension", str(dtype), len(column))
        try:
            hash_array: Any = pandas.util.hash_array  # pandas makes it on demand, so no type is known
            return self.array(hash_array(column.array))
        except (TypeError, ValueError, NotImplementedError):
            return False

    def _objects(self, objects: Any, *, strings: bool = False) -> bool:
        write = _strings if strings else _anything
        try:
            for start in range(0, len(objects), _CHUNK):
                chunk = objects[start : start + _CHUNK]
                # through NumPy: an extension array makes its list element by element
                self._hasher.update(
                    write(chunk if isinstance(chunk, list) else chunk.to_numpy(object).tolist())
                )
        except (TypeError, ValueError, RecursionError):
            return False
        return True


def _strings(values: list[Any]) -> bytes:
    import orjson

    try:
        return orjson.dumps(values, default=_missing)
    except orjson.JSONEncodeError:  # half a surrogate pair is a string in Python, and no UTF-8
        return _anything([None if value != value else value for value in values])


def _missing(value: object) -> None:
    """What stands among strings and is none: NA, NaT."""
    if type(value).__name__ not in {"NAType", "NaTType"}:
        raise TypeError(f"{type(value)} is no string")


def _anything(values: list[Any]) -> bytes:
    return json.dumps(values, default=_written_out, sort_keys=True).encode("ascii")


_READABLE = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)


def _written_out(value: Any) -> Any:
    """JSON for some types whose ``str`` is all of them.

    Raises:
        TypeError: there is no canonical form for it.
    """
    if isinstance(value, _READABLE) or type(value).__name__ == "NAType":
        return [type(value).__name__, str(value)]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, _type("numpy", "ndarray", "generic")):
        return [str(value.dtype), value.tolist()]
    raise TypeError(f"{type(value)} has no canonical form")
