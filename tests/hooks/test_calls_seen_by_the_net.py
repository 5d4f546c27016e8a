"""Libraries that need no hook, for they open their files through Python; and small hooks for those that do not.

Each call with its truth. In the first part no hook is on at all.
"""

from __future__ import annotations

import configparser
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import (
    adbc_io,
    fastparquet_io,
    files,
    lxml_io,
    pandas_io,
    pyreadstat_io,
    scipy_io,
    soundfile_io,
)
from tests.hooks.calls import Call, Calls

bare = Calls()
hooked = Calls(adbc_io, fastparquet_io, files, lxml_io, pandas_io, pyreadstat_io, scipy_io, soundfile_io)


def one() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "g": ["x", "y"]})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.ones(4))
    np.savez(tmp_path / "in.npz", v=np.ones(4))
    np.ones(4).tofile(tmp_path / "in.bin")
    (tmp_path / "in.toml").write_text("a = 1\n")
    (tmp_path / "in.yaml").write_text("a: 1\n")
    (tmp_path / "in.ini").write_text("[a]\nb = 1\n")
    (tmp_path / "in.xml").write_text("<a><b/></a>")
    (tmp_path / "in.html").write_text("<html><body><p>x</p></body></html>")
    return tmp_path


# -- NumPy and SciPy -----------------------------------------------------------------------------------


@bare.case("R in.npy", "R in.npz", "W out.npy", "W out.npz")
def numpy_files(data: Path) -> None:
    np.save(data / "out", np.load(data / "in.npy"))
    with np.load(data / "in.npz") as found:
        np.savez_compressed(data / "out", v=found["v"])


@bare.case("R in.bin", "W out.bin")
def numpy_raw(data: Path) -> None:
    np.fromfile(data / "in.bin").tofile(data / "out.bin")


@bare.case("R in.npy", "W made.npy")
def numpy_mapped(data: Path) -> None:
    np.load(data / "in.npy", mmap_mode="r")[:2].sum()
    made = np.lib.format.open_memmap(data / "made.npy", mode="w+", shape=(2,))
    made[:] = 1
    made.flush()


@bare.case("R in.bin", "W raw.bin")
def numpy_memmap(data: Path) -> None:
    np.memmap(data / "in.bin", mode="r")[:2].sum()
    np.memmap(data / "raw.bin", dtype="f8", mode="w+", shape=(2,))[:] = 1


@bare.case("W out.mat")
def scipy_mat(data: Path) -> None:
    import scipy.io

    scipy.io.savemat(data / "out.mat", {"v": np.ones(3)})
    scipy.io.loadmat(data / "out.mat")


@bare.case("W out.npz", "W out.wav")
def scipy_sparse_and_sound(data: Path) -> None:
    import scipy.io.wavfile
    import scipy.sparse

    scipy.sparse.save_npz(data / "out.npz", scipy.sparse.eye(3, format="csr"))
    scipy.io.wavfile.write(data / "out.wav", 8000, np.zeros(8, "int16"))


@bare.case("W out.nc")
def scipy_netcdf(data: Path) -> None:
    import scipy.io

    with scipy.io.netcdf_file(str(data / "out.nc"), "w") as file:
        file.createDimension("x", 1)


# -- settings ------------------------------------------------------------------------------------------


@bare.case("R in.ini", "R in.toml", "W out.ini")
def toml_and_ini(data: Path) -> None:
    with open(data / "in.toml", "rb") as file:
        tomllib.load(file)
    parser = configparser.ConfigParser()
    parser.read(data / "in.ini")
    with open(data / "out.ini", "w") as file:
        parser.write(file)


@bare.case("R in.yaml", "W out.yaml", needs="yaml")
def yaml_files(data: Path) -> None:
    import yaml

    with open(data / "in.yaml") as source, open(data / "out.yaml", "w") as target:
        yaml.safe_dump(yaml.safe_load(source), target)


# -- pictures ------------------------------------------------------------------------------------------


@bare.case("R in.png", "W out.jpg", "W out.png", needs="PIL")
def pillow(data: Path) -> None:
    from PIL import Image

    with Image.open(data / "in.png") as image:
        image.convert("RGB").save(data / "out.jpg")
        image.copy().save(str(data / "out.png"), format="PNG")


@bare.case("R in.png", "W out.gif", needs="PIL")
def pillow_lazily_and_animated(data: Path) -> None:
    from PIL import Image

    with open(data / "in.png", "rb") as file:
        image = Image.open(file)
        image.load()
    image.save(data / "out.gif", save_all=True, append_images=[image])


@bare.case("W out.pdf", "W out.png", "W out.svg", needs="matplotlib")
def matplotlib_figures(data: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    for name in ("out.png", "out.svg", "out.pdf"):
        figure.savefig(data / name)


@bare.case("R in.png", "W copy.png", needs="matplotlib")
def matplotlib_images(data: Path) -> None:
    import matplotlib.image

    matplotlib.image.imsave(data / "copy.png", matplotlib.image.imread(data / "in.png"))


@bare.case("W out.html", "W out.json", needs="plotly")
def plotly_figures(data: Path) -> None:
    import plotly.graph_objects
    import plotly.io

    figure = plotly.graph_objects.Figure(plotly.graph_objects.Bar(y=[1, 2]))
    figure.write_html(data / "out.html")
    plotly.io.write_json(figure, data / "out.json")


# -- tables --------------------------------------------------------------------------------------------


@bare.case("R in.xlsx", "W out.xlsx", needs="openpyxl")
def openpyxl_books(data: Path) -> None:
    import openpyxl

    openpyxl.load_workbook(data / "in.xlsx").save(data / "out.xlsx")


@bare.case("R in.xlsx", needs="openpyxl")
def openpyxl_read_only(data: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(data / "in.xlsx", read_only=True)
    list(book.active.values)
    book.close()


@bare.case("W out.xlsx", needs="xlsxwriter")
def xlsxwriter_books(data: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(data / "out.xlsx")) as book:
        book.add_worksheet().write(0, 0, 1)


@bare.case("W out.avro", needs="fastavro")
def fastavro_records(data: Path) -> None:
    import fastavro

    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}
    with open(data / "out.avro", "wb") as file:
        fastavro.writer(file, schema, [{"a": 1}])
    with open(data / "out.avro", "rb") as file:
        list(fastavro.reader(file))


# -- with small hooks ----------------------------------------------------------------------------------


@hooked.case("R in.mtx", "W out.mtx")
def scipy_matrix_market(data: Path) -> None:
    import scipy.io

    scipy.io.mmwrite(data / "out", scipy.io.mmread(data / "in.mtx"))


@hooked.case("R in.xml", "R in.html", needs="lxml")
def lxml_documents(data: Path) -> None:
    import lxml.etree
    import lxml.html

    lxml.etree.parse(data / "in.xml")
    list(lxml.etree.iterparse(str(data / "in.xml")))
    lxml.html.parse(str(data / "in.html"))


@hooked.case("R in.xml", "W out.xml", needs="lxml")
def lxml_through_open_files(data: Path) -> None:
    import lxml.etree

    with open(data / "in.xml", "rb") as source, open(data / "out.xml", "wb") as target:
        lxml.etree.parse(source).write(target)


@hooked.case("W out.xml", needs="lxml")
def lxml_xmlfile(data: Path) -> None:
    import lxml.etree

    with lxml.etree.xmlfile(str(data / "out.xml")) as file, file.element("a"):
        file.write("x")


@hooked.case("W out.dta", "W out.sav", needs="pyreadstat")
def pyreadstat_files(data: Path) -> None:
    import pyreadstat

    pyreadstat.write_sav(one(), data / "out.sav")
    pyreadstat.write_dta(one(), str(data / "out.dta"))
    pyreadstat.read_sav(str(data / "out.sav"))


@hooked.case("R in.sav", needs="pyreadstat")
def pandas_over_pyreadstat(data: Path) -> None:
    pd.read_spss(data / "in.sav")


@hooked.case("R in.wav", "W out.flac", needs="soundfile")
def sounds(data: Path) -> None:
    import soundfile

    samples, rate = soundfile.read(data / "in.wav")
    soundfile.write(str(data / "out.flac"), samples, rate)
    with soundfile.SoundFile(data / "in.wav") as file:
        file.read(2)


@hooked.case("R in.db", "W in.db", needs="adbc_driver_sqlite")
def adbc_changes(data: Path) -> None:
    import adbc_driver_sqlite.dbapi

    with adbc_driver_sqlite.dbapi.connect(str(data / "in.db")) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (a int)")
        connection.commit()


@hooked.case("R in.db", needs="adbc_driver_sqlite")
def adbc_reads(data: Path) -> None:
    import adbc_driver_sqlite.dbapi

    with adbc_driver_sqlite.dbapi.connect(f"file:{data}/in.db") as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
        cursor.fetch_arrow_table()


@hooked.case("R in.parquet", "W out.parquet", needs="fastparquet")
def fastparquet_files(data: Path) -> None:
    import fastparquet

    fastparquet.write(
        str(data / "out.parquet"), fastparquet.ParquetFile(str(data / "in.parquet")).to_pandas()
    )


@hooked.case("W out", needs="fastparquet")
def fastparquet_partitions(data: Path) -> None:
    import fastparquet

    fastparquet.write(str(data / "out"), one(), file_scheme="hive", partition_on=["g"])
    fastparquet.ParquetFile(str(data / "out")).to_pandas()


@hooked.case("R parts", needs="fastparquet")
def fastparquet_reads_partitions_later(data: Path) -> None:
    import fastparquet

    file = fastparquet.ParquetFile(str(data / "parts"))
    file.to_pandas(columns=["a"])


def _make(data: Path, needs: str) -> None:
    if needs:
        pytest.importorskip(needs, reason=f"{needs} is not installed")
    if needs in ("PIL", "matplotlib"):
        from PIL import Image

        Image.new("RGB", (4, 4)).save(data / "in.png")
    elif needs == "openpyxl":
        one().to_excel(data / "in.xlsx")
    elif needs == "pyreadstat":
        import pyreadstat

        pyreadstat.write_sav(one(), data / "in.sav")
    elif needs == "soundfile":
        import soundfile

        soundfile.write(data / "in.wav", np.zeros(8), 8000)
    elif needs == "adbc_driver_sqlite":
        import sqlite3

        sqlite3.connect(data / "in.db").executescript(
            "create table s (a int); insert into s values (1);"
        ).close()
    elif needs == "fastparquet":
        import fastparquet

        fastparquet.write(str(data / "in.parquet"), one())
        fastparquet.write(str(data / "parts"), one(), file_scheme="hive", partition_on=["g"])
    elif not needs:
        import scipy.io
        import scipy.sparse

        scipy.io.mmwrite(data / "in.mtx", scipy.sparse.eye(3))


def check(calls: Calls, call: Call, truth: list[str], needs: str, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about their own future
        _make(data, needs)
        calls.check(call, truth, needs, data)


@pytest.mark.parametrize(("call", "truth", "needs"), bare.cases)
def test_a_call_is_seen_by_the_net_alone(call: Call, truth: list[str], needs: str, data: Path) -> None:
    check(bare, call, truth, needs, data)


@pytest.mark.parametrize(("call", "truth", "needs"), hooked.cases)
def test_a_call_is_seen_with_its_hook(call: Call, truth: list[str], needs: str, data: Path) -> None:
    check(hooked, call, truth, needs, data)


def test_a_footer_tells_rows_and_columns(data: Path) -> None:
    pytest.importorskip("fastparquet", reason="fastparquet is not installed")
    _make(data, "fastparquet")
    import fastparquet

    with captured(fastparquet_io, root=data) as seen:
        fastparquet.ParquetFile(str(data / "in.parquet"))
    content = seen.edge("R in.parquet").content
    assert (content.rows, [name for name, _ in content.schema]) == (2, ["a", "g"])
