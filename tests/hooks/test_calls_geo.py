"""What geopandas, pyogrio, fiona and rasterio read and write through GDAL, in compiled code."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, fiona_io, geopandas_io, pandas_io, pyarrow_io, rasterio_io
from prefect_lineage_hooks.gdal_places import spot
from tests.hooks.calls import Call, Calls

calls = Calls(files, fiona_io, geopandas_io, pandas_io, pyarrow_io, rasterio_io)
case = calls.case


def one() -> Any:
    geopandas = pytest.importorskip("geopandas", reason="geopandas is not installed")
    return geopandas.GeoDataFrame({"a": [1]}, geometry=geopandas.points_from_xy([0], [0]), crs=4326)


@case("R in.gpkg", needs="geopandas")
def read_file(data: Path) -> None:
    import geopandas

    geopandas.read_file(data / "in.gpkg")


@case("R in.gpkg", needs="fiona")
def read_file_by_fiona(data: Path) -> None:
    import geopandas

    geopandas.read_file(data / "in.gpkg", engine="fiona")


@case("R in.zip", needs="geopandas")
def read_file_in_an_archive(data: Path) -> None:
    import geopandas

    geopandas.read_file(f"zip://{data}/in.zip!in.gpkg")


@case("W out.geojson", "W out.gpkg", needs="geopandas")
def to_file(data: Path) -> None:
    one().to_file(data / "out.gpkg")
    one().to_file(str(data / "out.geojson"), driver="GeoJSON")


@case("R in.gpkg", "W in.gpkg", needs="geopandas")
def to_file_appending(data: Path) -> None:
    one().to_file(data / "in.gpkg", mode="a")


@case("W out.parquet", "W out.feather", needs="geopandas")
def columns(data: Path) -> None:
    import geopandas

    one().to_parquet(data / "out.parquet")
    geopandas.read_parquet(data / "out.parquet")
    one().to_feather(data / "out.feather")


@case("R in.gpkg", "W out.gpkg", needs="pyogrio")
def pyogrio_dataframes(data: Path) -> None:
    import pyogrio

    pyogrio.read_info(data / "in.gpkg")
    pyogrio.write_dataframe(pyogrio.read_dataframe(data / "in.gpkg"), data / "out.gpkg")


@case("R in.gpkg", needs="pyogrio")
def pyogrio_arrow(data: Path) -> None:
    import pyogrio

    pyogrio.list_layers(data / "in.gpkg")
    with pyogrio.open_arrow(data / "in.gpkg", use_pyarrow=True) as (_, reader):
        reader.read_all()


@case("R in.gpkg", "W out.geojson", needs="fiona")
def fiona_open(data: Path) -> None:
    import fiona

    with (
        fiona.open(data / "in.gpkg") as source,
        fiona.open(
            str(data / "out.geojson"), "w", driver="GeoJSON", schema=source.schema, crs=source.crs
        ) as target,
    ):
        target.writerecords(list(source))


@case("R in.tif", needs="rasterio")
def rasterio_open(data: Path) -> None:
    import rasterio

    with rasterio.open(data / "in.tif") as raster:
        raster.read(1)


@case("R in.tif", "W out.tif", needs="rasterio")
def rasterio_write(data: Path) -> None:
    import rasterio

    with rasterio.open(data / "in.tif") as source:
        profile, pixels = source.profile, source.read()
    with rasterio.open(str(data / "out.tif"), "w", **profile) as target:
        target.write(pixels)


@case("R in.tif", "W in.tif", needs="rasterio")
def rasterio_in_place(data: Path) -> None:
    import rasterio

    with rasterio.open(data / "in.tif", "r+") as raster:
        raster.write(np.full((4, 4), 7, "uint8"), 1)


@case("R in.tif", "W copy.tif", needs="rasterio")
def rasterio_copy(data: Path) -> None:
    import rasterio.shutil

    rasterio.shutil.copy(str(data / "in.tif"), str(data / "copy.tif"))


@case(needs="rasterio")
def rasterio_in_memory(data: Path) -> None:
    import rasterio
    from rasterio.io import MemoryFile

    with MemoryFile() as memory:
        with memory.open(driver="GTiff", width=1, height=1, count=1, dtype="uint8") as raster:
            raster.write(np.ones((1, 1), "uint8"), 1)
        with memory.open() as raster:
            raster.read()
    assert rasterio is not None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one().to_file(tmp_path / "in.gpkg")
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            archive.write(tmp_path / "in.gpkg", "in.gpkg")
        rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")
        with rasterio.open(
            tmp_path / "in.tif", "w", driver="GTiff", width=4, height=4, count=1, dtype="uint8"
        ) as raster:
            raster.write(np.ones((4, 4), "uint8"), 1)
    return tmp_path


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rasters without a projection
        calls.check(call, truth, needs, data)


def test_rows_columns_and_projection_are_told(data: Path) -> None:
    import geopandas

    with captured(geopandas_io, root=data) as seen:
        geopandas.read_file(data / "in.gpkg").to_file(data / "out.gpkg")
    for line in ("R in.gpkg", "W out.gpkg"):
        assert (seen.edge(line).content.rows, seen.edge(line).metadata["crs"]) == (1, "EPSG:4326")


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/d/a.gpkg", "/d/a.gpkg"),
        ("/vsizip//d/a.zip/b.shp", "/d/a.zip"),
        ("zip:///d/a.zip!b.shp", "/d/a.zip"),
        ("zip+file:///d/a.zip!b.shp", "/d/a.zip"),
        ("/vsis3/bucket/key.tif", "s3://bucket/key.tif"),
        ("/vsicurl/https://host/a.tif", "https://host/a.tif"),
        ("s3://bucket/key.tif", "s3://bucket/key.tif"),
        ("/vsimem/a.tif", None),
        ("PG:dbname=x", None),
        ('{"type": "FeatureCollection"}', None),
    ],
)
def test_places_of_gdal(target: str, place: str | None) -> None:
    assert spot(target) == place
