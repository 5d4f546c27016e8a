"""polars: the content of frames and series.

The digest is over values: how a series is cut into chunks, and the physical order of categories, are of no
matter. A lazy frame has no content before it is collected, so it is described only. polars is not imported
here: a value of its types cannot exist before somebody else has.
"""

from __future__ import annotations

from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage_hooks.canonical import Canonical, loaded

MAX_COLUMNS = 1_000
"""Columns of a schema that are recorded."""

_MAX_DEPTH = 20
_ROWS = 1 << 18
"""Texts that are joined at once."""


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
        columns = list(data.schema.items())[:MAX_COLUMNS]
        schema = tuple((name, str(dtype)) for name, dtype in columns)
        return {"format": "polars.DataFrame", "rows": data.height, "schema": schema}
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
