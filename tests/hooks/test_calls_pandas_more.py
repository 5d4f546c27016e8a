"""More of pandas' readers and writers, each with its truth: engines, compression, directories, pieces, books."""

from __future__ import annotations

import io
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import (
    fastparquet_io,
    files,
    lxml_io,
    pandas_io,
    pyarrow_io,
    pyreadstat_io,
    tables_io,
)
from tests.hooks.calls import Call, Calls

calls = Calls(fastparquet_io, files, lxml_io, pandas_io, pyarrow_io, pyreadstat_io, tables_io)
case = calls.case


def one() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "g": ["x", "y", "x"]})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pandas")
    for end in ("csv", "csv.gz", "csv.bz2", "csv.xz", "csv.zip"):
        one().to_csv(folder / f"in.{end}", index=False)
    one().to_parquet(folder / "in.parquet")
    one().to_parquet(folder / "parts", partition_cols=["g"])
    one().to_orc(folder / "in.orc")
    one().to_json(folder / "in.jsonl", orient="records", lines=True)
    one().to_pickle(folder / "in.pkl.gz")
    one().to_stata(folder / "in.dta")
    one().to_html(folder / "in.html")
    one().to_xml(folder / "in.xml", parser="etree")
    (folder / "in.txt").write_text("a  b\n1  2\n")
    return folder


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(_made, tmp_path / "data")


@case("R in.csv.bz2", "R in.csv.gz", "R in.csv.xz", "R in.csv.zip")
def read_csv_compressed(data: Path) -> None:
    for end in ("gz", "bz2", "xz", "zip"):
        pd.read_csv(data / f"in.csv.{end}")


@case("R in.csv")
def read_csv_by_every_engine(data: Path) -> None:
    for engine in ("c", "python", "pyarrow"):
        pd.read_csv(data / "in.csv", engine=engine)


@case("R in.csv")
def read_csv_piece_by_piece(data: Path) -> None:
    with pd.read_csv(data / "in.csv", iterator=True) as reader:
        reader.get_chunk(1)
    for _ in pd.read_csv(data / "in.csv", chunksize=2):
        pass


@case("R in.csv")
def read_csv_from_a_binary_file(data: Path) -> None:
    with open(data / "in.csv", "rb") as file:
        pd.read_csv(file)
    pd.read_csv(io.BytesIO((data / "in.csv").read_bytes()))


@case("R in.csv", "R in.csv.gz")
def read_csv_of_what_a_pattern_finds(data: Path) -> None:
    pd.concat(map(pd.read_csv, [*data.glob("in.csv"), *data.glob("*.csv.gz")]))


@case("R in.txt")
def read_fwf_and_table(data: Path) -> None:
    pd.read_fwf(data / "in.txt")
    pd.read_table(data / "in.txt", sep=r"\s+")


@case("R parts")
def read_parquet_with_a_filter(data: Path) -> None:
    pd.read_parquet(data / "parts", filters=[("g", "==", "x")], columns=["a"])


@case("R in.parquet")
def read_parquet_from_buffers_and_files(data: Path) -> None:
    with open(data / "in.parquet", "rb") as file:
        pd.read_parquet(file)
    buffer = io.BytesIO()
    one().to_parquet(buffer)
    pd.read_parquet(buffer)


@case("R in.parquet", "W out.parquet", needs="fastparquet")
def parquet_by_fastparquet(data: Path) -> None:
    pd.read_parquet(data / "in.parquet", engine="fastparquet").to_parquet(
        data / "out.parquet", engine="fastparquet"
    )


@case("W out", needs="fastparquet")
def partitions_by_fastparquet(data: Path) -> None:
    one().to_parquet(str(data / "out"), engine="fastparquet", partition_cols=["g"])


@case("R parts", needs="fastparquet")
def read_partitions_by_fastparquet(data: Path) -> None:
    pd.read_parquet(str(data / "parts"), engine="fastparquet")


@case("R in.jsonl", "W out.jsonl")
def json_lines_piece_by_piece(data: Path) -> None:
    with pd.read_json(data / "in.jsonl", lines=True, chunksize=1) as reader:
        for chunk in reader:
            chunk.to_json(data / "out.jsonl", orient="records", lines=True, mode="a")


@case("R in.pkl.gz", "W out.pkl.xz")
def pickles_compressed(data: Path) -> None:
    pd.read_pickle(data / "in.pkl.gz").to_pickle(data / "out.pkl.xz")


@case("R in.dta", "W out.dta")
def stata_piece_by_piece(data: Path) -> None:
    with pd.read_stata(data / "in.dta", chunksize=2) as reader:
        for _ in reader:
            pass
    one().to_stata(data / "out.dta")


@case("R in.orc", "W out.orc")
def orc(data: Path) -> None:
    pd.read_orc(data / "in.orc").to_orc(data / "out.orc")


@case("R in.html", "W out.html", needs="lxml")
def html_tables(data: Path) -> None:
    pd.read_html(str(data / "in.html"))[0].to_html(data / "out.html")


@case("R in.xml", "W out.xml", needs="lxml")
def xml_by_both_parsers(data: Path) -> None:
    pd.read_xml(data / "in.xml", parser="lxml").to_xml(data / "out.xml", parser="lxml")
    pd.read_xml(data / "in.xml", parser="etree")
    pd.read_xml(data / "in.xml", iterparse={"row": ["a", "g"]})


@case("R in.xml", "W out.xml", "W other.xml", needs="lxml")
def xml_trees(data: Path) -> None:
    from lxml import etree

    tree = etree.parse(str(data / "in.xml"))
    tree.write(str(data / "out.xml"), pretty_print=True)
    with open(data / "other.xml", "wb") as file:
        tree.write(file)


@case("R in.xpt", needs="pyreadstat")
def sas(data: Path) -> None:
    pd.read_sas(data / "in.xpt")


@case("R in.sav", needs="pyreadstat")
def spss(data: Path) -> None:
    pd.read_spss(data / "in.sav")


@case("R in.xlsx", "W out.xlsx", needs="openpyxl")
def books_sheet_by_sheet(data: Path) -> None:
    with pd.ExcelFile(data / "in.xlsx") as book, pd.ExcelWriter(data / "out.xlsx") as writer:
        for sheet in book.sheet_names:
            book.parse(sheet).to_excel(writer, sheet_name=sheet)
    pd.read_excel(data / "in.xlsx", sheet_name=None)


@case("R in.xlsx", "W in.xlsx", needs="openpyxl")
def one_more_sheet(data: Path) -> None:
    with pd.ExcelWriter(data / "in.xlsx", mode="a", engine="openpyxl") as writer:
        one().to_excel(writer, sheet_name="more")


@case("W out.xlsx", needs="xlsxwriter")
def a_book_by_xlsxwriter(data: Path) -> None:
    one().to_excel(data / "out.xlsx", engine="xlsxwriter")


@case("W out.html", "W out.xlsx", needs="openpyxl")
def styled(data: Path) -> None:
    style = one().style.highlight_max("a")
    style.to_html(data / "out.html")
    style.to_excel(data / "out.xlsx")


@case("R in.h5", "W out.h5", needs="tables")
def hdf_piece_by_piece(data: Path) -> None:
    for chunk in pd.read_hdf(data / "in.h5", "t", chunksize=2):
        chunk.to_hdf(data / "out.h5", key="t", append=True, format="table", mode="a")


@case("R in.h5", "W in.h5", needs="tables")
def hdf_store(data: Path) -> None:
    with pd.HDFStore(data / "in.h5") as store:
        store.append("t", store.select("t", where="index > 1"))
        assert "t" in store


@case("W out.tex", "W out.txt", "W out.md", needs="tabulate")
def texts(data: Path) -> None:
    one().to_latex(data / "out.tex")
    one().to_string(data / "out.txt")
    one()["a"].to_markdown(data / "out.md")


@case("W a.csv", "W a.json", "W a.pkl")
def series(data: Path) -> None:
    column = one()["a"]
    column.to_csv(data / "a.csv")
    column.to_json(data / "a.json")
    column.to_pickle(data / "a.pkl")


@case()
def in_memory(data: Path) -> None:
    one().to_csv()
    one().to_json()
    pd.read_json(io.StringIO('{"a": [1]}'))
    pd.read_html(io.StringIO(one().to_html()))
    one().to_pickle(io.BytesIO())
    one().to_feather(io.BytesIO())


def _make(data: Path, needs: str) -> None:
    if needs == "openpyxl":
        with pd.ExcelWriter(data / "in.xlsx") as writer:
            one().to_excel(writer, sheet_name="one", index=False)
            one().to_excel(writer, sheet_name="two", index=False)
    elif needs == "tables":
        one().to_hdf(data / "in.h5", key="t", format="table")
    elif needs == "pyreadstat":
        import pyreadstat

        pyreadstat.write_sav(one(), data / "in.sav")
        pyreadstat.write_xport(one(), data / "in.xpt", file_format_version=5)


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_of_pandas_is_seen_as_what_it_does(
    call: Call, truth: list[str], needs: str, data: Path
) -> None:
    if needs:
        pytest.importorskip(needs, reason=f"{needs} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas about engines, PyTables about names
        _make(data, needs)
        calls.check(call, truth, "", data)


def test_a_partitioned_directory_tells_its_columns_and_no_part_of_its_rows(data: Path) -> None:
    with captured(pandas_io, pyarrow_io, root=data) as seen:
        pd.read_parquet(data / "parts", filters=[("g", "==", "x")])
    content = seen.edge("R parts").content
    assert (content.rows, [name for name, _ in content.schema]) == (None, ["a", "g"])
