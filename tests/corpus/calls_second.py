"""Calls of the big libraries and of formats beside the usual ones, written down before any of them was run.

Recall 0.975, precision 1.0 then: one call raised, and one truth was wrong, for who reads back what he wrote has no
input.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

from corpus_truth import truth


@truth("W runs/checkpoint_1.pt", "W runs/checkpoint_2.pt", "W runs/best.pt", needs="torch")
def checkpoints(d: Path) -> None:
    import torch

    (d / "runs").mkdir()
    model = torch.nn.Linear(2, 1)
    for epoch in (1, 2):
        torch.save({"epoch": epoch, "model": model.state_dict()}, d / "runs" / f"checkpoint_{epoch}.pt")
    shutil.copyfile(d / "runs" / "checkpoint_2.pt", d / "runs" / "best.pt")


@truth("R in.pt", "W model.pt", needs="torch")
def weights_into_a_model(d: Path) -> None:
    import io

    import torch

    state = torch.load(d / "in.pt", weights_only=True)
    buffer = io.BytesIO()
    torch.save({name: 2 * value for name, value in state.items()}, buffer)
    (d / "model.pt").write_bytes(buffer.getvalue())


@truth("R in.csv", "W net.onnx", needs="onnx pandas")
def onnx_from_a_csv(d: Path) -> None:
    import onnx
    import pandas as pd
    from onnx import TensorProto, helper

    width = pd.read_csv(d / "in.csv").shape[1]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save_model(helper.make_model(graph), str(d / "net.onnx"))


@truth("R in.svm", "W booster.json", needs="xgboost")
def xgboost_from_svm(d: Path) -> None:
    import xgboost as xgb

    data = xgb.DMatrix(f"{d}/in.svm?format=libsvm")
    xgb.train({"max_depth": 1}, data, num_boost_round=1).save_model(d / "booster.json")


@truth("W booster.txt", "W booster_in.txt", needs="lightgbm numpy")
def lightgbm_goes_on(d: Path) -> None:
    import lightgbm as lgb
    import numpy as np

    x, y = np.arange(100.0).reshape(-1, 1), np.arange(100.0)
    given = {"verbose": -1, "min_data_in_leaf": 1}
    lgb.train(given, lgb.Dataset(x, y), 1).save_model(d / "booster_in.txt")
    lgb.train(given, lgb.Dataset(x, y), 1, init_model=str(d / "booster_in.txt")).save_model(d / "booster.txt")


@truth("R in.csv", "W learned.cbm", needs="catboost pandas")
def catboost_of_a_frame(d: Path) -> None:
    import pandas as pd
    from catboost import CatBoostRegressor

    frame = pd.read_csv(d / "in.csv")
    model = CatBoostRegressor(iterations=1, verbose=False, allow_writing_files=False)
    model.fit(frame[["id"]], frame["v"]).save_model(str(d / "learned.cbm"))


@truth("R in.csv", "W hf/", needs="datasets")
def datasets_from_csv(d: Path) -> None:
    import datasets

    with contextlib.suppress(OSError):
        os.mkdir(d / "hf-cache")
    data = datasets.load_dataset("csv", data_files=str(d / "in.csv"), cache_dir=str(d / "hf-cache"))["train"]
    data.save_to_disk(str(d / "hf"))
    shutil.rmtree(d / "hf-cache")


@truth("R in.json", "W rows.jsonl", needs="datasets")
def datasets_from_json(d: Path) -> None:
    import datasets

    rows = json.loads((d / "in.json").read_text())
    datasets.Dataset.from_list(rows).to_json(str(d / "rows.jsonl"))


@truth("R in.txt", "W vocab.json", needs="tokenizers")
def tokenizer_is_trained(d: Path) -> None:
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.train([str(d / "in.txt")], trainers.BpeTrainer(vocab_size=20, show_progress=False))
    tokenizer.save(str(d / "vocab.json"))


@truth("W pipeline/", needs="spacy")
def spacy_pipeline(d: Path) -> None:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(d / "pipeline")


@truth("W points.geojson", "W points.parquet", needs="geopandas pyarrow")
def geopandas_two_formats(d: Path) -> None:
    import geopandas as gpd

    frame = gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326)
    frame.to_file(d / "points.geojson", driver="GeoJSON")
    frame.to_parquet(d / "points.parquet")


@truth("W raster.tif", "W half.tif", needs="rasterio numpy")
def raster_is_halved(d: Path) -> None:
    import numpy as np
    import rasterio

    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "uint8"}
    with rasterio.open(d / "raster.tif", "w", **profile) as target:
        target.write(np.ones((4, 4), "uint8"), 1)
    with rasterio.open(d / "raster.tif") as source:
        small = source.read(1, out_shape=(2, 2))
    with rasterio.open(d / "half.tif", "w", **{**profile, "width": 2, "height": 2}) as target:
        target.write(small, 1)


@truth("R in.png", "W grey.jpg", needs="cv2")
def opencv_grey(d: Path) -> None:
    import cv2

    image = cv2.imread(str(d / "in.png"), cv2.IMREAD_GRAYSCALE)
    assert cv2.imwrite(str(d / "grey.jpg"), image)


@truth("R in.png", "W bytes.png", needs="cv2 numpy")
def opencv_of_bytes(d: Path) -> None:
    import cv2
    import numpy as np

    image = cv2.imdecode(np.fromfile(d / "in.png", np.uint8), cv2.IMREAD_COLOR)
    cv2.imencode(".png", image)[1].tofile(d / "bytes.png")


@truth("W tone.wav", "W tone.flac", needs="soundfile numpy")
def sound_to_flac(d: Path) -> None:
    import numpy as np
    import soundfile as sf

    sf.write(d / "tone.wav", np.zeros(100), 8000)
    data, rate = sf.read(d / "tone.wav")
    sf.write(str(d / "tone.flac"), data, rate)


@truth("R in.nc", "R other.nc", "W mean.nc", needs="xarray h5netcdf")
def many_netcdf_to_one(d: Path) -> None:
    import xarray as xr

    parts = [xr.load_dataset(d / name, engine="h5netcdf") for name in ("in.nc", "other.nc")]
    xr.concat(parts, "run").mean("run").to_netcdf(d / "mean.nc", engine="h5netcdf")


@truth("R in.nc", "W in.nc", needs="netCDF4")
def netcdf_attribute(d: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(d / "in.nc", "a") as data:
        data.title = "changed"


@truth("R in.zarr/", "W in.zarr/", needs="xarray zarr")
def zarr_is_appended(d: Path) -> None:
    import xarray as xr

    xr.Dataset({"v": ("x", [3.0])}).to_zarr(d / "in.zarr", append_dim="x")


@truth("W new.zarr/", needs="zarr numpy")
def zarr_by_chunks(d: Path) -> None:
    import numpy as np
    import zarr

    array = zarr.create_array(str(d / "new.zarr"), shape=(4,), chunks=(2,), dtype="f8")
    array[:2] = np.ones(2)
    array[2:] = np.zeros(2)


@truth("R in.h5", "W in.h5", needs="h5py")
def h5_dataset_is_added(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5", "r+") as file:
        file.create_dataset("w", data=[1, 2])


@truth("W virtual.h5", "R in.h5", needs="h5py")
def h5_virtual(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5") as source:
        view = h5py.VirtualSource(source["v"])
        layout = h5py.VirtualLayout(shape=source["v"].shape, dtype=source["v"].dtype)
        layout[:] = view
    with h5py.File(d / "virtual.h5", "w") as file:
        file.create_virtual_dataset("v", layout)


@truth("R in.csv", "W frame.sav", needs="pyreadstat pandas")
def csv_to_spss(d: Path) -> None:
    import pandas as pd
    import pyreadstat

    pyreadstat.write_sav(pd.read_csv(d / "in.csv"), str(d / "frame.sav"))


@truth("R in.csv", "W frame.dta", needs="pandas")
def csv_to_stata(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv").to_stata(d / "frame.dta", write_index=False)


@truth("W rows.lance/", needs="lance pyarrow")
def lance_grows(d: Path) -> None:
    import lance
    import pyarrow as pa

    lance.write_dataset(pa.table({"a": [1]}), str(d / "rows.lance"))
    lance.write_dataset(pa.table({"a": [2]}), str(d / "rows.lance"), mode="append")


@truth("W base/t.lance/", needs="lancedb")
def lancedb_is_added_to(d: Path) -> None:
    import lancedb

    table = lancedb.connect(str(d / "base")).create_table("t", [{"a": 1}])
    table.add([{"a": 2}])


@truth("R in.db", needs="adbc_driver_sqlite pyarrow")
def adbc_table(d: Path) -> None:
    import adbc_driver_sqlite.dbapi as adbc

    with adbc.connect(str(d / "in.db")) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from src")
        cursor.fetchall()


@truth("R in.parquet", "R in.csv", "W joined.csv", needs="ibis duckdb")
def ibis_join(d: Path) -> None:
    import ibis

    connection = ibis.duckdb.connect()
    left, right = connection.read_parquet(str(d / "in.parquet")), connection.read_csv(str(d / "in.csv"))
    left.join(right, "id").select("id").to_csv(str(d / "joined.csv"))


@truth("R in.csv", "W plot.html", needs="plotly pandas")
def plotly_page(d: Path) -> None:
    import pandas as pd
    import plotly.express as px

    px.line(pd.read_csv(d / "in.csv"), x="id", y="v").write_html(d / "plot.html", include_plotlyjs=False)


@truth("R in.csv", "W sheet.xlsx", needs="xlsxwriter pandas")
def xlsxwriter_by_pandas(d: Path) -> None:
    import pandas as pd

    with pd.ExcelWriter(str(d / "sheet.xlsx"), engine="xlsxwriter") as book:
        pd.read_csv(d / "in.csv").to_excel(book, sheet_name="rows", index=False)


@truth("R in.xlsx", "W from_book.csv", needs="fastexcel polars")
def polars_book(d: Path) -> None:
    import polars as pl

    pl.read_excel(d / "in.xlsx").write_csv(d / "from_book.csv")


@truth("R in.csv", "W in.csv.zst", needs="zstandard")
def zstandard_stream(d: Path) -> None:
    import zstandard

    with (d / "in.csv").open("rb") as source, (d / "in.csv.zst").open("wb") as target:
        zstandard.ZstdCompressor().copy_stream(source, target)


@truth("W put.txt", "R in.txt", needs="obstore")
def obstore_local(d: Path) -> None:
    import obstore
    from obstore.store import LocalStore

    store = LocalStore(str(d))
    obstore.put(store, "put.txt", obstore.get(store, "in.txt").bytes())


@truth("R in.parquet", "W by_g/", needs="polars pyarrow")
def polars_to_dataset(d: Path) -> None:
    import polars as pl
    import pyarrow.dataset as ds

    table = pl.read_parquet(d / "in.parquet").to_arrow()
    ds.write_dataset(table, d / "by_g", format="parquet", partitioning=["g"])


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", "W all.parquet", needs="polars")
def polars_list_of_files(d: Path) -> None:
    import polars as pl

    names = [str(d / "many_parquet" / name) for name in ("a.parquet", "b.parquet")]
    pl.concat([pl.scan_parquet(name) for name in names]).sink_parquet(d / "all.parquet")


@truth("R in.csv", "W pivot.parquet", needs="duckdb")
def duckdb_relation_chain(d: Path) -> None:
    import duckdb

    relation = duckdb.read_csv(str(d / "in.csv")).filter("v > 0.5").aggregate("g, count(*) n", "g")
    relation.to_parquet(str(d / "pivot.parquet"))


@truth("R in.duckdb", "W in.duckdb", "R in.parquet", needs="duckdb")
def duckdb_insert_from_parquet(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "in.duckdb")) as connection:
        connection.execute(f"create or replace table rows as from '{d}/in.parquet'")


@truth("R in.delta/", "W out_delta/", needs="deltalake pyarrow")
def delta_to_delta(d: Path) -> None:
    import deltalake

    table = deltalake.DeltaTable(str(d / "in.delta")).to_pyarrow_table()
    deltalake.write_deltalake(str(d / "out_delta"), table)


@truth("R in.delta/", "W in.delta/", needs="deltalake")
def delta_is_restored(d: Path) -> None:
    import deltalake

    deltalake.DeltaTable(str(d / "in.delta")).update({"a": "5"})


@truth("R in.db", "W in.db", needs="sqlalchemy")
def orm_row(d: Path) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{d}/in.db")
    table = sa.Table("dst", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"id": 1, "v": 2.0}])
    engine.dispose()


@truth("R in.db", "W copied.db")
def database_is_copied(d: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(d / "in.db")) as source,
        contextlib.closing(sqlite3.connect(d / "copied.db")) as target,
    ):
        source.backup(target)
