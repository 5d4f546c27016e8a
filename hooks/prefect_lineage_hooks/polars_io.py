"""polars: what it reads and writes, and the content of frames and series.

It opens every file in compiled code. A lazy frame reads when it is collected or sunk, so there its edges are: the
files stand in its plan (``explain``), and what the plan cuts short is known from the ``scan_*`` calls. A lazy sink
writes when somebody collects it.

The digest of a frame is over values: how a series is cut into chunks, and the physical order of categories, are of no
matter. A lazy frame has no content before it is collected, so it is described only. polars is not imported
here: a value of its types cannot exist before somebody else has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor, Notes
from prefect_lineage_hooks.canonical import Canonical, loaded
from prefect_lineage_hooks.delta_tables import changes, description_of, is_table, location_of, told_by
from prefect_lineage_hooks.places import expanded, local, place, places
from prefect_lineage_hooks.polars_plans import remember, sources_of
from prefect_lineage_hooks.watching import tried

TESTED = ">=1,<3"
"""Releases whose ways this module relies on and was tried with."""

MAX_COLUMNS = 1_000
"""Columns of a schema that are recorded."""

_MAX_DEPTH = 20
_ROWS = 1 << 18
"""Texts that are joined at once."""

# -- files -------------------------------------------------------------------------------------------

_READERS = {
    "read_avro": "avro",
    "read_csv": "csv",
    "read_excel": None,
    "read_ipc": "ipc",
    "read_ipc_schema": "ipc",
    "read_ipc_stream": "ipc",
    "read_json": "json",
    "read_lines": None,
    "read_ndjson": "ndjson",
    "read_ods": "ods",
    "read_parquet": "parquet",
    "read_parquet_metadata": "parquet",
    "read_parquet_schema": "parquet",
    "DataFrame.deserialize": None,
    "LazyFrame.deserialize": None,
}
_SCANS = ("csv", "external_reader", "ipc", "lines", "ndjson", "parquet")
_WRITERS = {
    "DataFrame.serialize": ("file", None),
    "DataFrame.write_avro": ("file", "avro"),
    "DataFrame.write_csv": ("file", "csv"),
    "DataFrame.write_ipc": ("file", "ipc"),
    "DataFrame.write_ipc_stream": ("file", "ipc"),
    "DataFrame.write_json": ("file", "json"),
    "DataFrame.write_ndjson": ("file", "ndjson"),
    "DataFrame.write_parquet": ("file", "parquet"),
    "LazyFrame.serialize": ("file", None),
}
_CHANGING = ("append", "merge")
_SINKS = ("csv", "ipc", "ndjson", "parquet")
_COLLECTS = ("collect", "collect_async", "collect_batches", "describe", "execute", "profile", "sink_batches")
_FEWER_ROWS = ("n_rows", "skip_rows", "skip_lines", "skip_rows_after_header", "sheet_id", "sheet_name")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return tried(_interceptors(), TESTED)


def _interceptors() -> Iterable[Interceptor]:
    found = [
        Interceptor("polars", name, _Reading(format_), optional=True) for name, format_ in _READERS.items()
    ]
    found += [
        Interceptor("polars", name, _Writing(parameter, format_), optional=True)
        for name, (parameter, format_) in _WRITERS.items()
    ]
    found += [
        Interceptor("polars", f"scan_{name}", after=_scanned, outside=True, optional=True) for name in _SCANS
    ]
    found += [
        Interceptor("polars", f"LazyFrame.sink_{name}", _Sinking(name), after=_sinks_later, optional=True)
        for name in _SINKS
    ]
    found += [Interceptor("polars", f"LazyFrame.{name}", _collected, optional=True) for name in _COLLECTS]
    found += [
        Interceptor("polars", name, _all_collected, after=_collects_later, optional=True)
        for name in ("collect_all", "collect_all_async")
    ]
    found.append(Interceptor("polars", "read_delta", _delta_read, optional=True))
    found.append(
        Interceptor("polars", "scan_delta", _delta_read, after=_scanned, outside=True, optional=True)
    )
    found += [
        Interceptor("polars", f"scan_{name}", _table_scanned, optional=True) for name in ("iceberg", "lance")
    ]
    found.append(Interceptor("polars", "DataFrame.write_excel", _excel_written, optional=True))
    found.append(Interceptor("polars", "DataFrame.write_delta", _delta_written, optional=True))
    found.append(Interceptor("polars", "LazyFrame.sink_delta", _delta_sunk, optional=True))
    return found


class _Reading:
    """Claims of an eager reader."""

    def __init__(self, format_: str | None) -> None:
        self._format = format_

    def __call__(self, call: Call) -> Iterable[Claim]:
        found = places(call["source"])
        targets = found if call["glob"] is False else expanded(found)
        describe = _described_result if len(targets) == 1 else None
        return [Claim(target, "read", self._format, describe=describe) for target in targets]


class _Writing:
    """Claims of an eager writer."""

    def __init__(self, parameter: str, format_: str | None) -> None:
        self._parameter, self._format = parameter, format_

    def __call__(self, call: Call) -> Iterable[Claim]:
        target = _target(call[self._parameter])
        return [] if target is None else [Claim(target, "write", self._format, describe=_described_own)]


def _target(target: Any) -> str | None:
    """Where is written: a path, or the directory of a partitioned write."""
    inner = getattr(target, "_pl_partition_by", target)
    for name in ("base_path", "_base_path"):
        inner = getattr(inner, name, inner)
    return place(inner)


def _excel_written(call: Call) -> Iterable[Claim]:
    book = call["workbook"]
    target = "dataframe.xlsx" if book is None else place(book)
    if target is None:
        return []
    if not Path(target).suffix:
        target += ".xlsx"
    return [Claim(target, "write", "xlsx", describe=_described_own)]


def _delta_read(call: Call) -> Iterable[Claim]:
    """Also where a table is scanned: its plan does not say where it lies."""
    table = call["source"]
    path = location_of(table)
    if path is None:
        return []
    told = (
        _told_of_table(path, call["version"]) if isinstance(table, (str, Path)) else lambda _: told_by(table)
    )
    return [Claim(path, "read", "delta", "table", told)]


def _table_scanned(call: Call) -> Iterable[Claim]:
    """The directory of a table that is given by its path, or as another library's object."""
    source = call["source"]
    where = getattr(source, "location", None)
    path = place(where() if callable(where) else getattr(source, "uri", source))
    if path is None:
        return []
    if path.endswith(".metadata.json"):
        path = path.rpartition("/metadata/")[0]
    return [Claim(local(path) or path, "read", call.function.__name__.removeprefix("scan_"), "table")]


def _delta_written(call: Call) -> Iterable[Claim]:
    target = location_of(call["target"])
    mode = str(call["mode"])
    if target is None or (mode == "ignore" and is_table(target)):
        return []
    if mode in _CHANGING:
        return changes(target, call["target"], call["storage_options"])
    return [Claim(target, "write", "delta", "table", describe=_told_of_table(target))]


def _told_of_table(path: str, version: Any = None) -> Any:
    return lambda call: description_of(path, version=version, options=call["storage_options"])


def _delta_sunk(call: Call) -> Iterable[Claim]:
    return [*_read_by(call.args[0]), *_delta_written(call)]


# -- lazy frames ---------------------------------------------------------------------------------------

_sinks: Notes[list[Claim]] = Notes()
"""What a lazy sink will write when it is collected."""


def _scanned(call: Call) -> Iterable[Claim]:
    """Only a note: nothing is read yet."""
    remember(places(call["sources"] or call["source"]))
    return []


def _collected(call: Call) -> Iterable[Claim]:
    frame = call.args[0]
    if call["lazy"] is True and call.function.__name__ == "sink_batches":
        return []
    return [*_read_by(frame), *(_sinks.get(frame) or ())]


def _all_collected(call: Call) -> Iterable[Claim]:
    frames = call["lazy_frames"]
    if call["lazy"] is True or not isinstance(frames, (list, tuple)):  # a generator can be asked but once
        return []
    return [claim for frame in frames for claim in (*_read_by(frame), *(_sinks.get(frame) or ()))]


def _collects_later(call: Call) -> Iterable[Claim]:
    frames = call["lazy_frames"]
    if call["lazy"] is True and isinstance(frames, (list, tuple)):
        _sinks.put(call.result, [claim for frame in frames for claim in _sinks.get(frame) or ()])
    return []


class _Sinking:
    """Claims of a sink: what its plan reads, and what it writes."""

    def __init__(self, format_: str) -> None:
        self._format = format_

    def __call__(self, call: Call) -> Iterable[Claim]:
        if call["lazy"] is True:
            return []
        return [*_read_by(call.args[0]), *_sunk(call, self._format)]


def _sunk(call: Call, format_: str) -> list[Claim]:
    target = _target(call["path"])
    return [] if target is None else [Claim(target, "write", format_)]


def _sinks_later(call: Call) -> Iterable[Claim]:
    if call["lazy"] is True:
        _sinks.put(call.result, _sunk(call, call.function.__name__.removeprefix("sink_")))
    return []


def _read_by(frame: Any) -> list[Claim]:
    """The files in the plan of a lazy frame."""
    return [
        Claim(path, "read", "delta", "table", _told_of_table(path))
        if is_table(path)
        else Claim(path, "read", format_, describe=_described_result if whole else None)
        for path, format_, whole in sources_of(frame)
    ]


# -- descriptions ----------------------------------------------------------------------------------------


def _described_result(call: Call) -> Description | None:
    """What a whole frame tells of its file; part of one would tell of a part only."""
    if not _is_frame(call.result):
        return None
    whole = call["columns"] is None
    rows = None if any(call[name] for name in _FEWER_ROWS) else call.result.height
    return Description(rows=rows, schema=_schema(call.result) if whole else ())


def _described_own(call: Call) -> Description | None:
    data = call.args[0]
    if not _is_frame(data):
        return None
    return Description(rows=data.height, schema=_schema(data))


def _is_frame(data: object) -> bool:
    kind = getattr(sys.modules.get("polars"), "DataFrame", None)
    return isinstance(kind, type) and isinstance(data, kind)


def _schema(data: Any) -> tuple[tuple[str, str], ...]:
    columns = list(data.schema.items())[:MAX_COLUMNS]
    return tuple((name, str(dtype)) for name, dtype in columns)


# -- values ------------------------------------------------------------------------------------------------


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Format, rows and schema. Of a lazy frame the format: to know its schema may mean to read files."""
    polars = loaded("polars", "DataFrame", "LazyFrame", "Series")
    if polars is None:
        return None
    data: Any = value
    if isinstance(value, polars.LazyFrame):
        return {"format": "polars.LazyFrame"}
    if isinstance(value, polars.DataFrame):
        return {"format": "polars.DataFrame", "rows": data.height, "schema": _schema(data)}
    if isinstance(value, polars.Series):
        return {
            "format": "polars.Series",
            "rows": len(data),
            "schema": ((data.name or "values", str(data.dtype)),),
        }
    return None


@hookimpl
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """Names, types and values in their order.

    None for what is larger than ``limit``, for columns of Python objects, and where NumPy is not installed.
    """
    polars = loaded("polars", "DataFrame", "LazyFrame", "Series")
    if polars is None or not isinstance(value, (polars.DataFrame, polars.Series)):
        return None
    data: Any = value
    if data.estimated_size() > limit:
        return None
    digest = Canonical(limit)
    writer = _Writer(digest, polars)
    if isinstance(value, polars.Series):
        digest.mark("series", data.name)
        columns = [data]
    else:
        digest.mark("frame", data.height, data.columns)
        columns = data.get_columns()
    try:
        return digest.result() if all(map(writer.column, columns)) else None
    except ModuleNotFoundError:  # NumPy, to get at the bytes of a series
        return None


class _Writer:
    """Writes series."""

    def __init__(self, digest: Canonical, polars: Any) -> None:
        self._digest = digest
        self._polars = polars

    def column(self, series: Any, depth: int = _MAX_DEPTH) -> bool:
        """One series: its type, where it has nulls, and the values between them."""
        nulls = series.null_count()
        self._digest.mark("column", str(series.dtype), len(series), nulls)
        if series.dtype == self._polars.Null:
            return True
        if nulls:
            if not self._numbers(series.is_null().cast(self._polars.UInt8)):
                return False
            series = series.drop_nulls()
        return depth > 0 and self._values(series, depth - 1)

    def _values(self, series: Any, depth: int) -> bool:
        """The values of a series without nulls."""
        polars, dtype = self._polars, series.dtype
        if dtype == polars.Boolean:
            return self._numbers(series.cast(polars.UInt8))
        if dtype == polars.String:
            return self._texts(series)
        if dtype == polars.Binary:
            return self._numbers(series.bin.size()) and self._digest.buffer(b"".join(series.to_list()))
        if dtype in (polars.Categorical, polars.Enum, polars.Decimal, polars.Int128):
            return self._texts(series.cast(polars.String))
        if dtype == polars.Struct:
            return all(self.column(series.struct.field(name), depth) for name in series.struct.fields)
        if dtype == polars.Array:
            return self._values(series.cast(polars.List(dtype.inner)), depth)
        if dtype == polars.List:
            lengths = series.list.len()
            items = series.filter(lengths > 0).explode()  # an empty list would become a null
            return self._numbers(lengths) and self.column(items, depth)
        if dtype.is_numeric() or dtype.is_temporal():
            return self._numbers(series.to_physical())
        return False

    def _texts(self, series: Any) -> bool:
        """The lengths of all, then the bytes of all."""
        if not self._numbers(series.str.len_bytes()):
            return False
        parts = (series.slice(start, _ROWS) for start in range(0, len(series), _ROWS))
        return all(self._digest.buffer(part.str.join("").item().encode()) for part in parts)

    def _numbers(self, series: Any) -> bool:
        return self._digest.array(series.rechunk().to_numpy())
