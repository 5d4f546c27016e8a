"""Apache Arrow: the content of tables, record batches and arrays.

The digest is over values, not over buffers: how a table is cut into chunks, what it is a slice of and what lies
under a null are of no matter. pyarrow is not imported here: a value of its types cannot exist before
somebody else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage_hooks.canonical import Canonical, loaded

MAX_COLUMNS = 1_000
"""Columns of a schema that are recorded."""

_MAX_DEPTH = 20


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Format, rows and schema."""
    arrow = loaded("pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray", "types")
    if arrow is None:
        return None
    data: Any = value
    for kind in ("Table", "RecordBatch"):
        if isinstance(value, getattr(arrow, kind)):
            fields = (data.schema.field(at) for at in range(min(data.num_columns, MAX_COLUMNS)))
            schema = tuple((field.name, str(field.type)) for field in fields)
            return {"format": f"pyarrow.{kind}", "rows": data.num_rows, "schema": schema}
    for kind in ("Array", "ChunkedArray"):
        if isinstance(value, getattr(arrow, kind)):
            return {
                "format": f"pyarrow.{kind}",
                "rows": len(data),
                "schema": (("values", str(data.type)),),
            }
    return None


@hookimpl
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """Names, types and values in their order; a record batch is the same as a table of one chunk.

    None for what is larger than ``limit``, and for unions and views of lists.
    """
    arrow = loaded("pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray", "types")
    if arrow is None:
        return None
    digest = Canonical(limit)
    data: Any = value
    if isinstance(value, (arrow.Table, arrow.RecordBatch)):
        digest.mark("table", data.num_rows, data.schema.names)
        columns = [_chunks(data.column(at)) for at in range(data.num_columns)]
        types = [field.type for field in data.schema]
    elif isinstance(value, (arrow.Array, arrow.ChunkedArray)):
        digest.mark("array", len(data))
        columns, types = [_chunks(data)], [data.type]
    else:
        return None
    if data.nbytes > limit:
        return None
    writer = _Writer(digest, arrow)
    try:
        return digest.result() if all(map(writer.column, columns, types)) else None
    except NotImplementedError:  # Arrow has no function for a type that is new, or rare
        return None


def _chunks(column: Any) -> list[Any]:
    return list(column.chunks) if hasattr(column, "chunks") else [column]


class _Writer:
    """Writes columns, each given as its chunks. Every part is written chunk by chunk, and nothing of a chunk's own."""

    def __init__(self, digest: Canonical, arrow: Any) -> None:
        import pyarrow.compute

        self._digest = digest
        self._arrow = arrow
        self._compute: Any = pyarrow.compute

    def column(self, chunks: Sequence[Any], kind: Any, depth: int = _MAX_DEPTH) -> bool:
        """One column of a type."""
        if not depth:
            return False
        chunks = self._without_views(chunks, kind)
        nulls = sum(chunk.null_count for chunk in chunks)
        self._digest.mark("column", str(kind), sum(map(len, chunks)), nulls)
        if nulls and kind != self._arrow.null():
            if not self._flags(chunk.is_null() for chunk in chunks):
                return False
            chunks = [chunk.drop_null() if chunk.null_count else chunk for chunk in chunks]
        return self._values(chunks, kind, depth - 1)

    def _values(self, chunks: Sequence[Any], kind: Any, depth: int) -> bool:
        """The values of a type, among which no null is left."""
        types = self._arrow.types
        if types.is_null(kind):
            return True
        if types.is_boolean(kind):
            return self._flags(chunks)
        if isinstance(kind, self._arrow.BaseExtensionType):
            return self.column([chunk.storage for chunk in chunks], kind.storage_type, depth)
        if types.is_dictionary(kind):
            return self.column([chunk.dictionary_decode() for chunk in chunks], kind.value_type, depth)
        if types.is_run_end_encoded(kind):
            return self.column(list(map(self._compute.run_end_decode, chunks)), kind.value_type, depth)
        if types.is_struct(kind):
            parts = [chunk.flatten() for chunk in chunks]
            fields = [kind.field(at) for at in range(kind.num_fields)]
            self._digest.mark("fields", [field.name for field in fields])
            return all(
                self.column([part[at] for part in parts], field.type, depth)
                for at, field in enumerate(fields)
            )
        return self._sequences(chunks, kind, depth)

    def _sequences(self, chunks: Sequence[Any], kind: Any, depth: int) -> bool:
        types = self._arrow.types
        if types.is_map(kind):
            kind = self._arrow.list_(self._arrow.struct([kind.key_field, kind.item_field]))
            chunks = [self._as_lists(chunk, kind) for chunk in chunks]
        if types.is_nested(kind):
            if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
                return False  # unions; and views of lists: Arrow 26 makes a slice of one into a broken list
            return self._lengths(map(self._compute.list_value_length, chunks)) and self.column(
                [chunk.flatten() for chunk in chunks], kind.value_type, depth
            )
        tests = (types.is_string, types.is_binary, types.is_large_string, types.is_large_binary)
        views = (types.is_string_view, types.is_binary_view)
        return self._texts(chunks) if any(test(kind) for test in tests + views) else self._fixed(chunks, kind)

    def _without_views(self, chunks: Sequence[Any], kind: Any) -> Sequence[Any]:
        """Views of texts as texts, for which Arrow has more functions."""
        types = self._arrow.types
        if not (types.is_string_view(kind) or types.is_binary_view(kind)):
            return chunks
        return [chunk.cast(self._arrow.large_binary()) for chunk in chunks]

    def _as_lists(self, chunk: Any, kind: Any) -> Any:
        entries = self._arrow.StructArray.from_arrays([chunk.keys, chunk.items], fields=list(kind.value_type))
        return self._arrow.ListArray.from_arrays(chunk.offsets, entries, type=kind)

    def _texts(self, chunks: Sequence[Any]) -> bool:
        """The lengths of all, then the bytes of all."""
        if not self._lengths(map(self._compute.binary_length, chunks)):
            return False
        for chunk in chunks:
            _, offsets, data = chunk.buffers()
            if not len(chunk) or data is None:
                continue
            width = self._arrow.int64() if "large" in str(chunk.type) else self._arrow.int32()
            ends = self._arrow.Array.from_buffers(width, len(chunk) + 1, [None, offsets], offset=chunk.offset)
            start, end = ends[0].as_py(), ends[len(chunk)].as_py()
            if not self._digest.buffer(data.slice(start, end - start)):
                return False
        return True

    def _fixed(self, chunks: Sequence[Any], kind: Any) -> bool:
        """Values of so and so many bits each."""
        try:
            width = kind.bit_width // 8
        except ValueError:  # a type that is none of those above, and has no fixed width
            return False
        for chunk in chunks:
            data = chunk.buffers()[1]
            if data is not None and not self._digest.buffer(
                data.slice(chunk.offset * width, len(chunk) * width)
            ):
                return False
        return True

    def _flags(self, chunks: Iterable[Any]) -> bool:
        """Truth values, a byte each: bits would depend on where a chunk begins."""
        kind = self._arrow.uint8()
        return self._fixed([chunk.cast(kind) for chunk in chunks], kind)

    def _lengths(self, lengths: Iterable[Any]) -> bool:
        kind = self._arrow.int64()
        return self._fixed([length.cast(kind) for length in lengths], kind)
