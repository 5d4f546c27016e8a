"""What Apache Arrow reads and writes, each call with its truth: all of it is done in compiled code."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.fs
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import read_table

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import files, pandas_io, pyarrow_io
from tests.hooks.calls import Call, Calls

arrow = Calls(files, pyarrow_io)
case = arrow.case


def one() -> pa.Table:
    return pa.table({"a": [1, 2], "g": ["x", "y"]})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrow")
    table = pa.table({"id": range(50), "g": [f"g{row % 3}" for row in range(50)]})
    pq.write_table(table, folder / "in.parquet")
    pa.csv.write_csv(table, folder / "in.csv")
    pa.feather.write_feather(table, folder / "in.feather", compression="uncompressed")
    pa.orc.write_table(table, folder / "in.orc")
    with pa.ipc.new_stream(str(folder / "in.arrows"), table.schema) as writer:
        writer.write_table(table)
    (folder / "in.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    pq.write_to_dataset(table, folder / "parts", partition_cols=["g"])
    return folder


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(_made, tmp_path / "data")


# -- parquet -------------------------------------------------------------------------------------------


@case("R in.parquet")
def read_table_in_three_spellings(data: Path) -> None:
    pq.read_table(data / "in.parquet")
    pq.read_table(str(data / "in.parquet"))
    read_table((data / "in.parquet").as_uri())


@case("R parts")
def read_table_of_a_directory(data: Path) -> None:
    pq.read_table(data / "parts", filters=[("g", "=", "g1")])


@case("R in.parquet")
def read_table_of_an_open_file(data: Path) -> None:
    with open(data / "in.parquet", "rb") as file:
        pq.read_table(file)


@case()
def read_table_from_memory(data: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(one(), sink)
    pq.read_table(pa.BufferReader(sink.getvalue()))


@case("R in.parquet")
def read_table_by_a_file_system(data: Path) -> None:
    pq.read_table(str(data / "in.parquet"), filesystem=pa.fs.LocalFileSystem())


@case("R in.parquet")
def read_table_by_a_part_of_a_file_system(data: Path) -> None:
    below = pa.fs.SubTreeFileSystem(str(data), pa.fs.LocalFileSystem())
    pq.read_table("in.parquet", filesystem=below)


@case("R in.parquet", needs="fsspec")
def read_table_by_a_file_system_of_fsspec(data: Path) -> None:
    import fsspec

    pq.read_table(str(data / "in.parquet"), filesystem=fsspec.filesystem("file"))


@case("R in.parquet")
def parquet_file(data: Path) -> None:
    with pq.ParquetFile(data / "in.parquet") as file:
        file.read_row_group(0)
    for _ in pq.ParquetFile(data / "in.parquet").iter_batches():
        pass


@case("R parts")
def parquet_dataset(data: Path) -> None:
    pq.ParquetDataset(data / "parts").read()


@case("R in.parquet")
def what_stands_in_a_footer(data: Path) -> None:
    pq.read_schema(data / "in.parquet")
    pq.read_metadata(data / "in.parquet")
    pq.read_pandas(data / "in.parquet")


@case("W out.parquet")
def write_table(data: Path) -> None:
    pq.write_table(one(), data / "out.parquet")


@case("W out.parquet")
def write_table_with_the_place_by_name(data: Path) -> None:
    pq.write_table(table=one(), where=str(data / "out.parquet"))


@case("W out.parquet")
def parquet_writer(data: Path) -> None:
    with pq.ParquetWriter(data / "out.parquet", one().schema) as writer:
        writer.write_table(one())
        writer.write_table(one())


@case("W out")
def write_to_dataset(data: Path) -> None:
    pq.write_to_dataset(one(), data / "out", partition_cols=["g"])


@case("W _metadata")
def write_metadata(data: Path) -> None:
    pq.write_metadata(one().schema, data / "_metadata")


# -- csv, json, feather, ipc, orc ------------------------------------------------------------------------


@case("R in.csv")
def csv_readers(data: Path) -> None:
    pa.csv.read_csv(data / "in.csv")
    with pa.csv.open_csv(str(data / "in.csv")) as reader:
        reader.read_all()


@case("W one.csv", "W two.csv")
def csv_writers(data: Path) -> None:
    pa.csv.write_csv(one(), data / "one.csv")
    with pa.csv.CSVWriter(str(data / "two.csv"), one().schema) as writer:
        writer.write_table(one())


@case("R in.jsonl")
def json_reader(data: Path) -> None:
    pa.json.read_json(data / "in.jsonl")


@case("R in.feather", "W out.feather")
def feather(data: Path) -> None:
    pa.feather.write_feather(pa.feather.read_table(data / "in.feather"), data / "out.feather")
    pa.feather.read_feather(data / "in.feather", memory_map=True)


@case("R in.orc", "W out.orc")
def orc(data: Path) -> None:
    pa.orc.write_table(pa.orc.read_table(data / "in.orc"), data / "out.orc")
    pa.orc.ORCFile(data / "in.orc").read()


@case("W two.orc")
def orc_writer(data: Path) -> None:
    with pa.orc.ORCWriter(str(data / "two.orc")) as writer:
        writer.write(one())


@case("R in.arrows", "R in.feather", "W out.arrow", "W out.arrows")
def ipc_by_paths(data: Path) -> None:
    pa.ipc.open_stream(str(data / "in.arrows")).read_all()
    pa.ipc.open_file(str(data / "in.feather")).read_all()
    with pa.ipc.new_file(str(data / "out.arrow"), one().schema) as writer:
        writer.write_table(one())
    with pa.RecordBatchStreamWriter(str(data / "out.arrows"), one().schema) as writer:
        writer.write_table(one())


@case("R in.feather", "W out.arrow")
def ipc_by_files_of_arrow(data: Path) -> None:
    with pa.OSFile(str(data / "in.feather")) as source:
        table = pa.ipc.open_file(source).read_all()
    with pa.OSFile(str(data / "out.arrow"), mode="wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@case("R in.csv", "W out.csv", "W copy.csv", "W new.log")
def streams_of_a_file_system(data: Path) -> None:
    local, root = pyarrow.fs.FileSystem.from_uri(data.as_uri())
    with (
        local.open_input_stream(f"{root}/in.csv") as source,
        local.open_output_stream(f"{root}/out.csv") as target,
    ):
        target.write(source.read())
    with local.open_input_file(path=f"{root}/in.csv") as source:
        source.read()
    with local.open_append_stream(f"{root}/new.log") as target:
        target.write(b"x")
    local.copy_file(f"{root}/in.csv", dest=f"{root}/copy.csv")


@case("R in.csv", "W out.bin")
def streams_below_a_folder(data: Path) -> None:
    below = pyarrow.fs.SubTreeFileSystem(str(data), pyarrow.fs.LocalFileSystem())
    with below.open_input_stream("in.csv") as source, below.open_output_stream("out.bin") as target:
        target.write(source.read())


@case("R in.feather")
def ipc_by_a_memory_map(data: Path) -> None:
    with pa.memory_map(str(data / "in.feather")) as source:
        pa.ipc.open_file(source).read_all()


@case("R in.csv", "W out.csv.gz")
def streams(data: Path) -> None:
    with pa.input_stream(str(data / "in.csv")) as source, pa.output_stream(data / "out.csv.gz") as sink:
        sink.write(source.read())


# -- datasets ------------------------------------------------------------------------------------------


@case("R parts")
def dataset_to_table(data: Path) -> None:
    pa.dataset.dataset(data / "parts", partitioning="hive").to_table(columns=["id"])


@case("R in.csv", "R in.parquet")
def datasets_of_files(data: Path) -> None:
    pa.dataset.dataset([str(data / "in.parquet")], format="parquet").scanner(columns=["id"]).to_table()
    pa.dataset.dataset(data / "in.csv", format="csv").count_rows()


@case("R in.parquet", "R parts")
def dataset_of_datasets(data: Path) -> None:
    few = pa.dataset.dataset(data / "in.parquet")
    rest = pa.dataset.dataset(data / "parts", partitioning="hive")
    for _ in pa.dataset.dataset([few, rest]).to_batches():
        pass


@case("W out")
def write_dataset(data: Path) -> None:
    pa.dataset.write_dataset(one(), data / "out", format="parquet", partitioning=["g"])


@case("R in.csv", "W out")
def write_dataset_from_a_dataset(data: Path) -> None:
    source = pa.dataset.dataset(data / "in.csv", format="csv")
    pa.dataset.write_dataset(source, str(data / "out"), format="feather")


@case()
def dataset_in_memory(data: Path) -> None:
    pa.dataset.dataset(one()).to_table()


@case("R parts", "W out")
def copy_files(data: Path) -> None:
    pa.fs.copy_files(str(data / "parts"), str(data / "out"))


# -- through pandas --------------------------------------------------------------------------------------


@case("R in.parquet", "W out.parquet")
def pandas_over_arrow(data: Path) -> None:
    pd.read_parquet(data / "in.parquet").to_parquet(data / "out.parquet")


@pytest.mark.parametrize(("call", "truth", "needs"), arrow.cases)
def test_a_call_of_arrow_is_seen_as_what_it_does(
    call: Call, truth: list[str], needs: str, data: Path
) -> None:
    arrow.check(call, truth, needs, data)


# -- how, and harmlessly -------------------------------------------------------------------------------


def seen_of(data: Path, call: Call) -> Captured:
    with captured(pandas_io, pyarrow_io, root=data) as seen:
        call(data)
    assert not seen.problems
    return seen


def test_the_outermost_library_names_the_edge(data: Path) -> None:
    seen = seen_of(data, lambda data: pd.read_parquet(data / "in.parquet"))
    assert seen.vias == {"R in.parquet": "pandas.read_parquet"}
    seen = seen_of(data, lambda data: pq.read_table(data / "in.parquet"))
    assert seen.vias == {"R in.parquet": "pyarrow.parquet.read_table"}


def test_a_table_and_a_footer_tell_rows_columns_and_format(data: Path) -> None:
    def call(data: Path) -> None:
        pq.ParquetFile(data / "in.parquet")
        pa.feather.read_table(data / "in.feather")
        pa.csv.write_csv(one(), data / "out.csv")

    seen = seen_of(data, call)
    for line in ("R in.parquet", "R in.feather"):
        content = seen.edge(line).content
        assert (content.format, content.rows) == (line.rpartition(".")[2], 50)
        assert content.schema == (("id", "int64"), ("g", "string"))
    assert (seen.edge("W out.csv").content.rows, seen.edge("W out.csv").content.format) == (2, "csv")


def test_a_part_of_a_file_does_not_tell_of_the_whole(data: Path) -> None:
    def call(data: Path) -> None:
        pq.read_table(data / "in.parquet", columns=["id"], filters=[("id", ">", 3)])

    content = seen_of(data, call).edge("R in.parquet").content
    assert (content.rows, content.schema) == (None, ())


def test_a_directory_has_the_digest_of_its_members(data: Path) -> None:
    read = seen_of(data, lambda data: pq.read_table(data / "parts")).edge("R parts").content
    shutil.copytree(data / "parts", data / "copy")
    again = seen_of(data, lambda data: pa.dataset.dataset(data / "copy")).edge("R copy").content
    assert read.covers == "all"
    assert read.digest == again.digest


def test_objects_of_arrow_are_of_the_classes_that_they_were(data: Path) -> None:
    before = pa.OSFile
    with captured(pyarrow_io, root=data):
        with pa.OSFile(str(data / "in.csv")) as file:
            assert isinstance(file, pa.OSFile)
            assert isinstance(file, pa.NativeFile)
            assert type(file) is before
        assert issubclass(before, pa.OSFile)
        assert pickle.loads(pickle.dumps(pq.read_table)) is pq.read_table
        assert pickle.loads(pickle.dumps(pq.ParquetWriter)) is pq.ParquetWriter
        assert pickle.loads(pickle.dumps(one())) == one()
    assert pa.OSFile is before


def test_a_failing_call_fails_as_without_us(data: Path) -> None:
    with captured(pyarrow_io, root=data) as seen:
        for _ in range(7):
            with pytest.raises(FileNotFoundError):
                pq.read_table(data / "missing.parquet")
            with pytest.raises(TypeError):
                pq.read_table()
    assert seen.lines == []
    assert not seen.problems


def test_a_remote_file_system_makes_a_uri(data: Path) -> None:
    from prefect_lineage_hooks.places import place

    class Fake:
        type_name = "s3"

    assert place("bucket/a.parquet", Fake()) == "s3://bucket/a.parquet"
    assert place("a.parquet", "s3://bucket/folder") == "s3://bucket/folder/a.parquet"
    assert place("simplecache::s3://bucket/a.parquet") == "s3://bucket/a.parquet"
