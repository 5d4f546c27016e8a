"""What polars reads and writes, each call with its truth: all of it is done in compiled code."""

from __future__ import annotations

import asyncio
import io
import pickle
import shutil
import warnings
from contextlib import chdir, suppress
from pathlib import Path

import polars as pl
import pytest

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import files, polars_io
from tests.hooks.calls import Call, Calls

polars = Calls(files, polars_io)
case = polars.case


def one() -> pl.DataFrame:
    return pl.DataFrame({"a": [1, 2], "g": ["x", "y"]})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("polars")
    frame = pl.DataFrame({"id": range(50), "g": [f"g{row % 3}" for row in range(50)]})
    frame.write_csv(folder / "in.csv")
    frame.write_csv(folder / "a, b.csv")
    frame.write_parquet(folder / "in.parquet")
    frame.write_ipc(folder / "in.ipc")
    frame.write_ipc_stream(folder / "in.arrows")
    frame.write_ndjson(folder / "in.ndjson")
    frame.write_json(folder / "in.json")
    frame.write_avro(folder / "in.avro")
    (folder / "many").mkdir()
    for name in "abcd":
        frame.write_parquet(folder / "many" / f"{name}.parquet")
        frame.write_csv(folder / f"day-{name}.csv")
    frame.write_parquet(folder / "parts", partition_by="g", mkdir=True)
    return folder


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(_made, tmp_path / "data")


MANY = [f"R many/{name}.parquet" for name in "abcd"]
DAYS = [f"R day-{name}.csv" for name in "abcd"]

# -- eager readers -------------------------------------------------------------------------------------


@case("R in.csv")
def read_csv(data: Path) -> None:
    pl.read_csv(data / "in.csv")


@case("R in.csv")
def read_csv_relative_and_by_uri(data: Path) -> None:
    with chdir(data):
        pl.read_csv("in.csv")
    if not pl.__version__.startswith("1."):  # older releases do not know such URIs
        pl.read_csv((data / "in.csv").as_uri())


@case("R in.csv")
def read_csv_from_an_open_file(data: Path) -> None:
    with open(data / "in.csv", "rb") as file:
        pl.read_csv(file)


@case("R in.csv")
def read_csv_from_the_bytes_of_a_file(data: Path) -> None:
    pl.read_csv((data / "in.csv").read_bytes())


@case()
def read_csv_from_memory(data: Path) -> None:
    pl.read_csv(io.BytesIO(b"a\n1"))
    pl.read_csv(b"a\n1")


@case("R in.csv")
def read_csv_by_arrow(data: Path) -> None:
    pl.read_csv(data / "in.csv", use_pyarrow=True)


@case(*DAYS)
def read_csv_of_a_pattern(data: Path) -> None:
    pl.read_csv(data / "day-*.csv")


@case("R a, b.csv")
def read_csv_whose_name_has_a_comma(data: Path) -> None:
    pl.read_csv(data / "a, b.csv")
    pl.scan_csv(data / "a, b.csv").collect()


@case()
def read_csv_of_nothing(data: Path) -> None:
    with suppress(FileNotFoundError):
        pl.read_csv(data / "missing.csv")


@case("R in.parquet")
def read_parquet(data: Path) -> None:
    pl.read_parquet(data / "in.parquet", columns=["id"])


@case("R in.parquet")
def read_what_stands_in_a_footer(data: Path) -> None:
    pl.read_parquet_schema(data / "in.parquet")
    pl.read_parquet_metadata(data / "in.parquet")


@case("R parts")
def read_parquet_of_a_directory(data: Path) -> None:
    pl.read_parquet(data / "parts")


@case(*MANY)
def read_parquet_of_a_pattern(data: Path) -> None:
    pl.read_parquet(str(data / "many" / "*.parquet"))


@case("R in.parquet", "R many/a.parquet")
def read_parquet_of_a_list(data: Path) -> None:
    pl.read_parquet([data / "in.parquet", data / "many" / "a.parquet"])


@case("R in.arrows", "R in.avro", "R in.ipc", "R in.json", "R in.ndjson")
def read_other_formats(data: Path) -> None:
    pl.read_ipc(data / "in.ipc")
    pl.read_ipc_schema(data / "in.ipc")
    pl.read_ipc_stream(data / "in.arrows")
    pl.read_ndjson(data / "in.ndjson")
    pl.read_json(data / "in.json")
    pl.read_avro(data / "in.avro")


@case("R in.csv")
def read_lines(data: Path) -> None:
    if hasattr(pl, "read_lines"):
        pl.read_lines(data / "in.csv")
    else:
        pl.read_csv(data / "in.csv")


@case("R in.xlsx", needs="openpyxl")
def read_excel(data: Path) -> None:
    pl.read_excel(data / "in.xlsx", engine="openpyxl")


@case("R in.xlsx", needs="fastexcel")
def read_excel_in_compiled_code(data: Path) -> None:
    pl.read_excel(data / "in.xlsx")


# -- lazy readers --------------------------------------------------------------------------------------


@case("R in.csv")
def scan_csv_and_collect(data: Path) -> None:
    pl.scan_csv(data / "in.csv").filter(pl.col("id") > 3).collect()


@case()
def scan_and_never_collect(data: Path) -> None:
    lazy = pl.scan_csv(data / "in.csv").filter(pl.col("id") > 3)
    assert lazy is not None
    pl.scan_parquet(data / "parts").select("id")
    lazy.sink_parquet(data / "out.parquet", lazy=True)


@case("R in.csv", "R in.parquet")
def join_of_two_scans(data: Path) -> None:
    pl.scan_parquet(data / "in.parquet").join(pl.scan_csv(data / "in.csv"), on="id").collect()


@case("R in.ipc", "R in.ndjson")
def concat_of_two_scans(data: Path) -> None:
    pl.concat([pl.scan_ipc(data / "in.ipc"), pl.scan_ndjson(data / "in.ndjson")]).collect()


@case(*MANY)
def scan_of_a_pattern(data: Path) -> None:
    pl.scan_parquet(str(data / "many" / "*.parquet")).collect()


@case("R many")
def scan_of_a_directory(data: Path) -> None:
    pl.scan_parquet(data / "many").collect()


@case("R parts")
def scan_of_partitions(data: Path) -> None:
    pl.scan_parquet(data / "parts", hive_partitioning=True).filter(pl.col("g") == "g1").collect()


@case(*MANY)
def scan_of_a_list(data: Path) -> None:
    pl.scan_parquet([data / "many" / f"{name}.parquet" for name in "abcd"]).collect()


@case("R in.parquet", *DAYS)
def scans_of_files_and_of_one(data: Path) -> None:
    few = pl.scan_csv(data / "day-*.csv").group_by("g").len()
    pl.scan_parquet(data / "in.parquet").join(few, on="g").collect()


@case("R in.csv")
def scan_relative(data: Path) -> None:
    with chdir(data):
        pl.scan_csv("in.csv").collect()


@case("R in.csv")
def scan_of_an_open_file(data: Path) -> None:
    with open(data / "in.csv", "rb") as file:
        pl.scan_csv(file).collect()


@case()
def frames_from_memory(data: Path) -> None:
    one().lazy().join(pl.scan_csv(io.BytesIO(b"a\n1")), on="a").collect()


@case("R in.csv", "R in.parquet")
def collect_all(data: Path) -> None:
    pl.collect_all([pl.scan_parquet(data / "in.parquet"), pl.scan_csv(data / "in.csv")])


@case("R in.csv")
def collect_in_the_background(data: Path) -> None:
    asyncio.run(_awaited(data))


async def _awaited(data: Path) -> None:
    await pl.scan_csv(data / "in.csv").collect_async()


@case("R in.csv")
def collect_streaming_and_in_batches(data: Path) -> None:
    pl.scan_csv(data / "in.csv").collect(engine="streaming")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the call is called unstable
        if hasattr(pl.LazyFrame, "collect_batches"):
            list(pl.scan_csv(data / "in.csv").collect_batches())


@case("R in.csv")
def describe_of_a_lazy_frame(data: Path) -> None:
    pl.scan_csv(data / "in.csv").describe()


@case("R in.csv")
def sql_over_a_scan(data: Path) -> None:
    pl.SQLContext(t=pl.scan_csv(data / "in.csv")).execute("select count(*) from t", eager=True)


@case("R in.csv")
def a_plan_from_elsewhere(data: Path) -> None:
    pickle.loads(pickle.dumps(pl.scan_csv(data / "in.csv"))).collect()


# -- writers -------------------------------------------------------------------------------------------


@case("W out.csv")
def write_csv(data: Path) -> None:
    one().write_csv(data / "out.csv")


@case()
def write_csv_as_text(data: Path) -> None:
    one().write_csv()
    one().write_csv(io.BytesIO())


@case("W out.csv")
def write_csv_into_an_open_file(data: Path) -> None:
    with open(data / "out.csv", "wb") as file:
        one().write_csv(file)


@case("W out.arrows", "W out.avro", "W out.ipc", "W out.json", "W out.ndjson", "W out.parquet")
def write_other_formats(data: Path) -> None:
    one().write_parquet(data / "out.parquet")
    one().write_ipc(data / "out.ipc")
    one().write_ipc_stream(data / "out.arrows")
    one().write_ndjson(data / "out.ndjson")
    one().write_json(data / "out.json")
    one().write_avro(data / "out.avro")


@case("W out")
def write_parquet_partitioned(data: Path) -> None:
    one().write_parquet(data / "out", partition_by="g", mkdir=True)


@case("W out.xlsx", needs="xlsxwriter")
def write_excel(data: Path) -> None:
    one().write_excel(data / "out.xlsx")
    with chdir(data):
        one().write_excel("out")


@case("R in.csv", "W out.csv", "W out.ipc", "W out.ndjson", "W out.parquet")
def sinks(data: Path) -> None:
    lazy = pl.scan_csv(data / "in.csv")
    lazy.sink_parquet(data / "out.parquet")
    lazy.sink_csv(data / "out.csv")
    lazy.sink_ipc(data / "out.ipc")
    lazy.sink_ndjson(data / "out.ndjson")


@case("R in.csv", "W out")
def sink_partitioned(data: Path) -> None:
    if not hasattr(pl, "PartitionBy"):
        pytest.skip("this release of polars has no PartitionBy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is called unstable
        where = pl.PartitionBy(data / "out", key="g")
    pl.scan_csv(data / "in.csv").sink_parquet(where, mkdir=True)


@case("R in.csv", "W one.csv", "W two.parquet")
def sinks_that_are_collected_later(data: Path) -> None:
    lazy = pl.scan_csv(data / "in.csv")
    first = lazy.sink_csv(data / "one.csv", lazy=True)
    second = lazy.head(3).sink_parquet(data / "two.parquet", lazy=True)
    pl.collect_all([first, second])


@case("R in.csv", "W one.csv")
def a_sink_that_is_collected_later(data: Path) -> None:
    pl.scan_csv(data / "in.csv").sink_csv(data / "one.csv", lazy=True).collect()


@case("R in.csv", "W in.csv")
def a_file_that_is_replaced_by_what_was_read_from_it(data: Path) -> None:
    pl.read_csv(data / "in.csv").head(1).write_csv(data / "in.csv")


@case("W out.parquet")
def what_was_written_is_read_back(data: Path) -> None:
    one().write_parquet(data / "out.parquet")
    pl.scan_parquet(data / "out.parquet").collect()


@case("W out.bin")
def a_frame_that_is_serialised(data: Path) -> None:
    one().serialize(data / "out.bin")
    pl.DataFrame.deserialize(data / "out.bin")


@pytest.mark.parametrize(("call", "truth", "needs"), polars.cases)
def test_a_call_of_polars_is_seen_as_what_it_does(
    call: Call, truth: list[str], needs: str, data: Path
) -> None:
    if "xlsx" in str(truth) and "R" in str(truth):
        _make_book(data)
    polars.check(call, truth, needs, data)


def _make_book(data: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.save(data / "in.xlsx")


# -- how, and harmlessly -------------------------------------------------------------------------------


def seen_of(data: Path, call: Call) -> Captured:
    with captured(polars_io, root=data) as seen:
        call(data)
    assert not seen.problems
    return seen


def test_the_edges_are_named_after_the_call_that_read(data: Path) -> None:
    seen = seen_of(data, lambda data: pl.scan_csv(data / "in.csv").sink_parquet(data / "out.parquet"))
    assert seen.vias == {
        "R in.csv": "polars.LazyFrame.sink_parquet",
        "W out.parquet": "polars.LazyFrame.sink_parquet",
    }


def test_whole_files_tell_rows_columns_and_format(data: Path) -> None:
    def call(data: Path) -> None:
        pl.read_parquet(data / "in.parquet").head(7).write_csv(data / "out.csv")
        pl.scan_ipc(data / "in.ipc").collect()

    seen = seen_of(data, call)
    read, wrote, lazy = (seen.edge(line).content for line in ("R in.parquet", "W out.csv", "R in.ipc"))
    assert (read.format, read.rows, read.schema) == ("parquet", 50, (("id", "Int64"), ("g", "String")))
    assert (wrote.format, wrote.rows, len(wrote.schema)) == ("csv", 7, 2)
    assert (lazy.format, lazy.rows, len(lazy.schema)) == ("ipc", 50, 2)


def test_a_part_of_a_file_tells_neither_the_rows_nor_the_columns_of_all(data: Path) -> None:
    def call(data: Path) -> None:
        pl.read_csv(data / "in.csv", n_rows=3, columns=["id"])
        pl.scan_parquet(data / "in.parquet").filter(pl.col("id") > 3).select("id").collect()

    seen = seen_of(data, call)
    for line in ("R in.csv", "R in.parquet"):
        assert (seen.edge(line).content.rows, seen.edge(line).content.schema) == (None, ())


def test_a_frame_is_collected_in_another_attempt_than_it_was_scanned_in(data: Path) -> None:
    lazy = pl.scan_parquet(str(data / "many" / "*.parquet"))  # outside any
    with captured(polars_io, root=data):
        scanned = pl.scan_csv(data / "day-*.csv")
    with captured(polars_io, root=data) as seen:
        lazy.collect()
        scanned.collect()
    assert seen.lines == sorted([*DAYS, *MANY])


def test_a_plan_that_does_not_name_its_files_is_counted_and_collected(data: Path) -> None:
    lazy = pl.scan_parquet(str(data / "many" / "*.parquet")).join(one().lazy(), left_on="id", right_on="a")
    with captured(polars_io, root=data) as seen:
        lazy.collect()
    assert seen.lines == []
    assert seen.misses == {"polars.LazyFrame.collect: a plan that does not name all of its files": 1}
    assert not seen.problems


def test_a_plan_of_a_file_that_is_not_there_fails_as_without_us(data: Path) -> None:
    with captured(polars_io, root=data) as seen:
        for _ in range(7):
            with pytest.raises(FileNotFoundError):
                pl.scan_csv(data / "missing.csv").collect()
        pl.scan_csv(data / "in.csv").collect()
    assert seen.lines == ["R in.csv"]
    assert not seen.problems


def test_a_warning_blames_the_line_of_the_user(data: Path) -> None:
    with captured(polars_io, root=data), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pl.Config(warn_unstable=True):
            pl.scan_csv(data / "in.csv").collect(background=True).fetch_blocking()
    assert {warning.filename for warning in caught} == {__file__}


def test_a_generator_of_frames_is_left_to_polars(data: Path) -> None:
    with captured(polars_io, root=data) as seen:
        frames = pl.collect_all(pl.scan_csv(path) for path in [data / "in.csv"])
    assert [frame.height for frame in frames] == [50]
    assert not seen.problems


def test_frames_stay_what_they_are_and_can_be_pickled_inside(data: Path) -> None:
    with captured(polars_io, root=data):
        lazy = pickle.loads(pickle.dumps(pl.scan_csv(data / "in.csv")))
        assert type(lazy) is pl.LazyFrame
        assert pickle.loads(pickle.dumps(pl.read_csv)) is pl.read_csv
        assert pickle.loads(pickle.dumps(lazy.collect())).height == 50
