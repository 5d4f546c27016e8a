"""Apache Arrow: what it reads and writes, and the content of tables, record batches and arrays.

It opens every file in compiled code. A dataset is an input from where it is made: its files are listed there, its
schema is read, and its class cannot be watched.

The digest is over values, not over buffers: how a table is cut into chunks, what it is a slice of and what lies
under a null are of no matter. pyarrow is not imported here: a value of its types cannot exist before
somebody else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Claims, Description, Interceptor
from prefect_lineage_hooks.canonical import Canonical, loaded
from prefect_lineage_hooks.places import place, places
from prefect_lineage_hooks.watching import argument

MAX_COLUMNS = 1_000
"""Columns of a schema that are recorded."""

_MAX_DEPTH = 20

# -- files -------------------------------------------------------------------------------------------

_Calls = dict[str, list[tuple[str, str, str | None]]]

_READERS: _Calls = {  # module: calls, the argument that says where, format
    "pyarrow": [("input_stream", "source", None)],
    "pyarrow.csv": [("read_csv", "input_file", "csv"), ("open_csv", "input_file", "csv")],
    "pyarrow.dataset": [("dataset", "source", None), ("parquet_dataset", "metadata_path", "parquet")],
    "pyarrow.feather": [
        ("read_table", "source", "feather"),
        ("read_feather", "source", "feather"),
        ("FeatherDataset.__init__", "path_or_paths", "feather"),
    ],
    "pyarrow.ipc": [
        (name, "source", "ipc")
        for name in (
            *("open_file", "open_stream"),
            *("RecordBatchFileReader.__init__", "RecordBatchStreamReader.__init__"),
        )
    ],
    "pyarrow.json": [("read_json", "input_file", "json"), ("open_json", "input_file", "json")],
    "pyarrow.orc": [("read_table", "source", "orc"), ("ORCFile.__init__", "source", "orc")],
    "pyarrow.parquet": [
        ("read_table", "source", "parquet"),
        ("read_pandas", "source", "parquet"),
        ("read_metadata", "where", "parquet"),
        ("read_schema", "where", "parquet"),
        ("ParquetFile.__init__", "source", "parquet"),
        ("ParquetDataset.__init__", "path_or_paths", "parquet"),
    ],
}
_WRITERS: _Calls = {
    "pyarrow": [("output_stream", "source", None), ("create_memory_map", "path", None)],
    "pyarrow.csv": [("write_csv", "output_file", "csv"), ("CSVWriter", "sink", "csv")],
    "pyarrow.dataset": [("write_dataset", "base_dir", None)],
    "pyarrow.feather": [("write_feather", "dest", "feather")],
    "pyarrow.ipc": [
        (name, "sink", "ipc")
        for name in (
            *("new_file", "new_stream"),
            *("RecordBatchFileWriter.__init__", "RecordBatchStreamWriter.__init__"),
        )
    ],
    "pyarrow.orc": [("write_table", "where", "orc"), ("ORCWriter.__init__", "where", "orc")],
    "pyarrow.parquet": [
        ("write_table", "where", "parquet"),
        ("write_metadata", "where", "parquet"),
        ("write_to_dataset", "root_path", "parquet"),
        ("ParquetWriter.__init__", "where", "parquet"),
    ],
}
_STREAMS: dict[str, Claimed] = {
    "open_input_file": "read",
    "open_input_stream": "read",
    "open_output_stream": "write",
    "open_append_stream": "append",
}
_MODES: dict[str, Claimed] = {"r": "read", "w": "write", "a": "append", "+": "update"}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from _watched("read", _READERS)
    yield from _watched("write", _WRITERS)
    yield Interceptor("pyarrow", "OSFile", _opened, optional=True)
    yield Interceptor("pyarrow", "memory_map", _opened, optional=True)
    yield Interceptor("pyarrow.fs", "copy_files", _copied, optional=True)
    for name, operation in _STREAMS.items():
        # direct: table formats keep their own files through them, and their hooks know of which table
        yield Interceptor(
            "pyarrow.fs", f"FileSystem.{name}", _streaming(operation), optional=True, direct=True
        )
    yield Interceptor("pyarrow.fs", "FileSystem.copy_file", _file_copied, optional=True, direct=True)


def _watched(operation: Claimed, calls: _Calls) -> Iterable[Interceptor]:
    for module, found in calls.items():
        for name, parameter, format_ in found:
            yield Interceptor(module, name, _claiming(operation, parameter, format_), optional=True)


def _claiming(operation: Claimed, parameter: str, format_: str | None) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        # a class of compiled code does not tell what its parameters are called
        target = call[parameter] if call[parameter] is not None or not call.args else call.args[0]
        targets = places(target, call["filesystem"])
        told = format_ or _format(call["format"])
        describe = (_read if operation == "read" else _written) if len(targets) == 1 else None
        return [Claim(one, operation, told, describe=describe) for one in targets]

    return claims


def _format(given: object) -> str | None:
    """The format of a dataset: ``"parquet"``, or an object of pyarrow's."""
    return given if isinstance(given, str) else getattr(given, "default_extname", None)


def _opened(call: Call) -> Iterable[Claim]:
    """``OSFile(path, mode="r")``, ``memory_map(path, mode="r")``."""
    path = place(call.args[0] if call.args else call["path"])
    mode = str(call.args[1] if len(call.args) > 1 else call["mode"] or "r")
    letter = next((one for one in "+aw" if one in mode), "r")
    return [] if path is None else [Claim(path, _MODES[letter])]


def _copied(call: Call) -> Iterable[Claim]:
    source = place(call["source"], call["source_filesystem"])
    target = place(call["destination"], call["destination_filesystem"])
    return [] if source is None or target is None else [Claim(source, "read"), Claim(target, "write")]


def _streaming(operation: Claimed) -> Claims:
    """The methods of a file system, whose parameters compiled code does not tell."""

    def claims(call: Call) -> Iterable[Claim]:
        path = place(argument(call, ("path", 1)), call.args[0])
        return [] if path is None else [Claim(path, operation)]

    return claims


def _file_copied(call: Call) -> Iterable[Claim]:
    source = place(argument(call, ("src", 1)), call.args[0])
    target = place(argument(call, ("dest", 2)), call.args[0])
    return [] if source is None or target is None else [Claim(source, "read"), Claim(target, "write")]


_NARROW = ("columns", "convert_options", "read_options", "parse_options")


def _read(call: Call) -> Description | None:
    """Of a table that was read whole; of a file that was opened, what its footer says."""
    made: Any = call.result if call.result is not None else call.args[0] if call.args else None
    found = getattr(made, "metadata", None) if type(made).__name__ == "ParquetFile" else None
    if found is not None:
        return Description(rows=found.num_rows, schema=_schema(made.schema_arrow))
    if type(made).__name__ == "FileMetaData":
        return Description(rows=made.num_rows, schema=_schema(made.schema.to_arrow_schema()))
    whole = all(call[name] is None for name in _NARROW)
    rows = getattr(made, "num_rows", None) if call["filters"] is None else None
    schema = getattr(made, "schema", None)
    is_schema = hasattr(schema, "names") and hasattr(schema, "types")
    return Description(
        rows=rows if isinstance(rows, int) else None, schema=_schema(schema) if is_schema and whole else ()
    )


def _written(call: Call) -> Description | None:
    """Of a table that is written as a file; of a writer the columns that it was made for."""
    arrow = loaded("pyarrow", "Table", "RecordBatch", "Schema")
    for value in (*call.args[:3], *call.kwargs.values()):
        if isinstance(value, (arrow.Table, arrow.RecordBatch)):
            return Description(rows=value.num_rows, schema=_schema(value.schema))
        if isinstance(value, arrow.Schema):
            return Description(schema=_schema(value))
    return None


def _schema(schema: Any) -> tuple[tuple[str, str], ...]:
    fields = (schema.field(at) for at in range(min(len(schema.names), MAX_COLUMNS)))
    return tuple((field.name, str(field.type)) for field in fields)


# -- values ----------------------------------------------------------------------------------------------


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Format, rows and schema."""
    arrow = loaded("pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray", "types")
    if arrow is None:
        return None
    data: Any = value
    for kind in ("Table", "RecordBatch"):
        if isinstance(value, getattr(arrow, kind)):
            return {"format": f"pyarrow.{kind}", "rows": data.num_rows, "schema": _schema(data.schema)}
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
