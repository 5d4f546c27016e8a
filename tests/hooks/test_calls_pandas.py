"""What pandas' readers and writers read and write, each with its truth: files on this machine."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import read_csv

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import files, pandas_io

Call = Callable[[Path], object]
CASES: list[tuple[str, list[str], str, Call]] = []


def case(*truth: str, needs: str = "pandas") -> Callable[[Call], Call]:
    """Add a call with the lines that it must give, and the library without which it is skipped."""

    def add(call: Call) -> Call:
        CASES.append((call.__name__, sorted(truth), needs, call))
        return call

    return add


def one() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "g": ["x", "y"]})


# -- reading -----------------------------------------------------------------------------------------


@case("R in.csv")
def read_csv_by_path(data: Path) -> None:
    pd.read_csv(data / "in.csv")


@case("R in.csv")
def read_csv_by_a_name_bound_early(data: Path) -> None:
    read_csv(str(data / "in.csv"))


@case("R in.csv")
def read_csv_by_uri(data: Path) -> None:
    pd.read_csv((data / "in.csv").as_uri())


@case("R in.csv", needs="pyarrow")
def read_csv_by_arrow(data: Path) -> None:
    pd.read_csv(data / "in.csv", engine="pyarrow")


@case("R in.csv.gz")
def read_csv_compressed(data: Path) -> None:
    pd.read_csv(data / "in.csv.gz")


@case("R in.csv")
def read_csv_from_an_open_file(data: Path) -> None:
    with open(data / "in.csv") as file:
        pd.read_csv(file)


@case("R in.csv")
def read_csv_in_chunks(data: Path) -> None:
    with pd.read_csv(data / "in.csv", chunksize=10) as chunks:
        assert sum(map(len, chunks)) == 50


@case("R in.csv")
def read_csv_relative(data: Path) -> None:
    with chdir(data):
        pd.read_csv("link.csv")
        pd.read_csv("./in.csv")


@case()
def read_csv_from_memory(data: Path) -> None:
    pd.read_csv(io.StringIO("a\n1"))


@case()
def read_csv_of_nothing(data: Path) -> None:
    with suppress(FileNotFoundError):
        pd.read_csv(data / "missing.csv")


@case("R in.txt", "R in.tsv")
def read_table_and_fixed_widths(data: Path) -> None:
    pd.read_table(data / "in.tsv")
    pd.read_fwf(data / "in.txt")


@case("R in.json", "R in.jsonl")
def read_json(data: Path) -> None:
    pd.read_json(data / "in.json")
    pd.read_json(data / "in.jsonl", lines=True)


@case("R in.parquet", needs="pyarrow")
def read_parquet(data: Path) -> None:
    pd.read_parquet(data / "in.parquet")


@case("R parts", needs="pyarrow")
def read_parquet_of_a_directory(data: Path) -> None:
    pd.read_parquet(data / "parts")


@case("R in.parquet", needs="fastparquet")
def read_parquet_by_fastparquet(data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 deprecates the engine, and it is still there
        pd.read_parquet(data / "in.parquet", engine="fastparquet")


@case("R in.parquet", needs="pyarrow")
def read_parquet_with_a_file_system_of_arrow(data: Path) -> None:
    from pyarrow.fs import LocalFileSystem

    pd.read_parquet(str(data / "in.parquet"), filesystem=LocalFileSystem())


@case("R in.parquet", needs="fsspec")
def read_parquet_with_a_file_system_of_fsspec(data: Path) -> None:
    import fsspec

    pd.read_parquet(str(data / "in.parquet"), filesystem=fsspec.filesystem("file"))


@case("R in.feather", "R in.orc", needs="pyarrow")
def read_feather_and_orc(data: Path) -> None:
    pd.read_feather(data / "in.feather")
    pd.read_orc(data / "in.orc")


@case("R in.pkl", "R in.dta")
def read_pickle_and_stata(data: Path) -> None:
    pd.read_pickle(data / "in.pkl")
    pd.read_stata(data / "in.dta")


@case("R in.csv", "R in.json")
def readers_that_are_passed_on(data: Path) -> None:
    pd.concat([reader(data / name) for reader, name in ((pd.read_csv, "in.csv"), (pd.read_json, "in.json"))])


# -- writing -----------------------------------------------------------------------------------------


@case("W out.csv")
def to_csv(data: Path) -> None:
    one().to_csv(data / "out.csv")


@case("W out.csv")
def series_to_csv(data: Path) -> None:
    one()["a"].to_csv(data / "out.csv")


@case("R in.csv", "W in.csv")
def to_csv_appending(data: Path) -> None:
    one().to_csv(data / "in.csv", mode="a", header=False)


@case("W out.csv")
def to_csv_in_pieces(data: Path) -> None:
    one().to_csv(data / "out.csv")
    one().to_csv(data / "out.csv", mode="a", header=False)


@case()
def to_csv_as_text(data: Path) -> None:
    one().to_csv()
    one().to_csv(io.StringIO())


@case("W out.csv")
def to_csv_into_an_open_file(data: Path) -> None:
    with open(data / "out.csv", "w") as file:
        one().to_csv(file)


@case("W out.parquet", needs="pyarrow")
def to_parquet(data: Path) -> None:
    one().to_parquet(data / "out.parquet")


@case("W out", needs="pyarrow")
def to_parquet_partitioned(data: Path) -> None:
    one().to_parquet(data / "out", partition_cols=["g"])


@case("W out.json", "W out.pkl", "W out.dta")
def to_json_pickle_stata(data: Path) -> None:
    one().to_json(data / "out.json")
    one().to_pickle(data / "out.pkl")
    one().to_stata(data / "out.dta")


@case("W out.feather", "W out.orc", needs="pyarrow")
def to_feather_and_orc(data: Path) -> None:
    one().to_feather(data / "out.feather")
    one().to_orc(data / "out.orc")


@case("W out.html", "W out.txt", needs="jinja2")
def to_html_and_string(data: Path) -> None:
    one().to_html(data / "out.html")
    one().to_string(data / "out.txt")


@case("W out.tex", needs="jinja2")
def to_latex(data: Path) -> None:
    one().to_latex(data / "out.tex")


@case("W out.md", needs="tabulate")
def to_markdown(data: Path) -> None:
    one().to_markdown(data / "out.md")


@case("W out.xml", "R in.html", needs="lxml")
def xml_and_html(data: Path) -> None:
    one().to_xml(data / "out.xml")
    pd.read_xml(data / "out.xml")
    pd.read_html(data / "in.html")


@case("R in.xlsx", "W out.xlsx", needs="openpyxl")
def excel(data: Path) -> None:
    pd.read_excel(data / "in.xlsx").to_excel(data / "out.xlsx")


@case("W out.xlsx", needs="openpyxl")
def excel_by_a_writer(data: Path) -> None:
    with pd.ExcelWriter(data / "out.xlsx") as writer:
        one().to_excel(writer, sheet_name="a")
        one().to_excel(writer, sheet_name="b")


@case("R in.xlsx", needs="openpyxl")
def excel_by_a_file(data: Path) -> None:
    with pd.ExcelFile(data / "in.xlsx") as book:
        pd.read_excel(book)


@case("R in.h5", "W out.h5", needs="tables")
def hdf(data: Path) -> None:
    pd.read_hdf(data / "in.h5", "one").to_hdf(data / "out.h5", key="two")


@case("R in.h5", "W in.h5", needs="tables")
def hdf_with_one_more_key(data: Path) -> None:
    one().to_hdf(data / "in.h5", key="two")


@case("R in.h5", needs="tables")
def hdf_store_only_read(data: Path) -> None:
    with pd.HDFStore(data / "in.h5") as store:
        store["one"]


@case("W out.h5", needs="tables")
def hdf_store_made_and_read_back(data: Path) -> None:
    with pd.HDFStore(data / "out.h5") as store:
        store["one"] = one()
        store["one"]


MADE: dict[str, Callable[[Path], None]] = {
    "openpyxl": lambda data: one().to_excel(data / "in.xlsx", index=False),
    "tables": lambda data: one().to_hdf(data / "in.h5", key="one"),
    "lxml": lambda data: one().to_html(data / "in.html"),
}


@pytest.mark.parametrize(("truth", "needs", "call"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_a_call_of_pandas_is_seen_as_what_it_does(
    truth: list[str], needs: str, call: Call, data: Path
) -> None:
    pytest.importorskip(needs, reason=f"{needs} is not installed")
    MADE.get(needs, lambda _: None)(data)
    with captured(files, pandas_io, root=data) as seen:
        call(data)
    assert seen.lines == truth
    assert not seen.problems


# -- descriptions ----------------------------------------------------------------------------------------


def captured_call(data: Path, call: Call) -> Captured:
    with captured(pandas_io, root=data) as seen:
        call(data)
    assert not seen.problems
    return seen


def test_the_edge_is_named_after_the_call_of_pandas(data: Path) -> None:
    seen = captured_call(data, lambda data: pd.read_parquet(data / "in.parquet").to_csv(data / "out.csv"))
    assert seen.vias == {"R in.parquet": "pandas.read_parquet", "W out.csv": "pandas.DataFrame.to_csv"}


def test_a_whole_file_tells_its_rows_columns_and_format(data: Path) -> None:
    seen = captured_call(data, lambda data: pd.read_parquet(data / "in.parquet"))
    content = seen.edge("R in.parquet").content
    assert (content.rows, content.format) == (50, "parquet")
    assert [name for name, _ in content.schema] == ["id", "group", "value"]
    assert content.schema[0] == ("id", "int64")


def test_a_written_frame_tells_the_rows_of_its_file(data: Path) -> None:
    content = captured_call(data, lambda data: one().to_csv(data / "out.csv")).edge("W out.csv").content
    assert (content.rows, content.format, len(content.schema)) == (2, "csv", 2)


def test_a_part_of_a_file_tells_neither_the_rows_nor_the_columns_of_all(data: Path) -> None:
    few = captured_call(data, lambda data: pd.read_csv(data / "in.csv", nrows=3)).edge("R in.csv").content
    assert (few.rows, len(few.schema)) == (None, 3)
    narrow = captured_call(data, lambda data: pd.read_csv(data / "in.csv", usecols=["id"]))
    assert (narrow.edge("R in.csv").content.rows, narrow.edge("R in.csv").content.schema) == (50, ())


def test_what_was_appended_is_not_taken_for_the_whole(data: Path) -> None:
    seen = captured_call(data, lambda data: one().to_csv(data / "in.csv", mode="a"))
    assert seen.edge("W in.csv").content.rows is None


def test_chunks_tell_no_rows(data: Path) -> None:
    def read(data: Path) -> None:
        with pd.read_csv(data / "in.csv", iterator=True) as reader:
            reader.get_chunk(5)

    assert captured_call(data, read).edge("R in.csv").content.rows is None


def test_a_directory_is_digested_over_its_members(data: Path) -> None:
    before = captured_call(data, lambda data: pd.read_parquet(data / "parts")).edge("R parts").content
    extra = next((data / "parts").glob("*/*.parquet"))
    (extra.parent / "more.parquet").write_bytes(extra.read_bytes())
    after = captured_call(data, lambda data: pd.read_parquet(data / "parts")).edge("R parts").content
    assert before.covers == after.covers == "all"
    assert before.digest != after.digest


def test_a_very_wide_frame_is_described_in_part_and_says_so(data: Path) -> None:
    wide = pd.DataFrame(np.zeros((1, pandas_io.MAX_COLUMNS + 5)))
    edge = captured_call(data, lambda data: wide.to_pickle(data / "out.pkl")).edge("W out.pkl")
    assert len(edge.content.schema) == pandas_io.MAX_COLUMNS
    assert edge.metadata["columns"] == pandas_io.MAX_COLUMNS + 5


def test_a_call_that_is_wrong_fails_as_it_would_without_us(data: Path) -> None:
    with captured(pandas_io, root=data) as seen:
        for _ in range(10):
            with pytest.raises(TypeError):
                pd.read_csv(data / "in.csv", no_such_argument=1)
        pd.read_csv(data / "in.csv")
    assert seen.vias == {"R in.csv": "pandas.read_csv"}
    assert not seen.problems


class _S3:
    """What the hook asks of a file system of fsspec's."""

    def unstrip_protocol(self, path: str) -> str:
        return f"s3://{path}"


@pytest.mark.parametrize(
    ("path", "filesystem", "target"),
    [
        ("s3://bucket/a.parquet", None, "s3://bucket/a.parquet"),
        ("simplecache::s3://bucket/a.parquet", None, "s3://bucket/a.parquet"),
        ("bucket/a.parquet", _S3(), "s3://bucket/a.parquet"),
    ],
)
def test_remote_places_are_claimed_by_their_uri(path: str, filesystem: object, target: str) -> None:
    from prefect_lineage.interceptors import Call as Intercepted

    [reader] = [found for found in pandas_io.lineage_interceptors() if found.name == "read_parquet"]
    [claim] = reader.claims(Intercepted(pd.read_parquet, (path,), {"filesystem": filesystem}))
    assert claim.target == target


def test_a_document_in_the_place_of_a_path_is_no_place() -> None:
    from prefect_lineage.interceptors import Call as Intercepted

    [reader] = [found for found in pandas_io.lineage_interceptors() if found.name == "read_json"]
    assert list(reader.claims(Intercepted(pd.read_json, ('[{"a": 1}]',), {}))) == []
