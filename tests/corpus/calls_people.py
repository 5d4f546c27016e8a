"""Calls as people write them, a third list: written down, and scored, before anything was mended for them: recall 0.87,
precision 0.98. A torch DataLoader with a worker stood here, too; inside a flow it fails now and then without capture.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import csv
import gzip
import json
import multiprocessing
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from corpus_truth import truth


@truth("W out.bin")
def opened_by_path(d: Path) -> None:
    with (d / "out.bin").open("wb") as file:
        file.write(b"\0" * 10)


@truth("R many/a.txt", "R many/b.txt", "W many.tar.gz")
def folder_added_to_a_tar(d: Path) -> None:
    with tarfile.open(d / "many.tar.gz", "w:gz") as archive:
        archive.add(d / "many", arcname="many")


@truth("R in.bin", "W in.bin", needs="numpy")
def memmap_in_place(d: Path) -> None:
    import numpy as np

    values = np.memmap(d / "in.bin", dtype="float64", mode="r+")
    values[0] = 9
    values.flush()


@truth("R in.zip", needs="pandas")
def pandas_csv_in_a_zip(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.zip")


@truth("R in.csv", "W g0.csv", "W g1.csv", "W g2.csv", needs="pandas")
def file_for_each_group(d: Path) -> None:
    import pandas as pd

    for name, part in pd.read_csv(d / "in.csv").groupby("g"):
        part.to_csv(d / f"{name}.csv", index=False)


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", "W all.parquet", needs="polars")
def polars_glob_to_sink(d: Path) -> None:
    import polars as pl

    pl.scan_parquet(f"{d}/many_parquet/*.parquet").sink_parquet(d / "all.parquet")


@truth("R in.csv", "W byg/", needs="duckdb")
def duckdb_copies_by_partition(d: Path) -> None:
    import duckdb

    duckdb.sql(f"copy (select * from '{d}/in.csv') to '{d}/byg' (format parquet, partition_by (g))")


@truth("R in.db", "W copy.db")
def sqlite_backs_up(d: Path) -> None:
    source, target = sqlite3.connect(d / "in.db"), sqlite3.connect(d / "copy.db")
    source.backup(target)
    target.close()
    source.close()


@truth("R in.zip", "W x/in.csv", "W out.csv", needs="pandas")
def zip_unpacked_and_read(d: Path) -> None:
    import pandas as pd

    with zipfile.ZipFile(d / "in.zip") as archive:
        archive.extractall(d / "x")
    pd.read_csv(d / "x" / "in.csv").to_csv(d / "out.csv")


@truth("W state.json")
def json_replaced_at_once(d: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=d, suffix=".tmp", delete=False) as file:
        json.dump({"n": 2}, file)
    os.replace(file.name, d / "state.json")


@truth("W out.pkl.gz")
def pickle_by_gzip(d: Path) -> None:
    with gzip.open(d / "out.pkl.gz", "wb") as file:
        pickle.dump({"a": 1}, file)


@truth("R in.h5", "W out.h5", needs="h5py")
def h5py_groups(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5", "r") as source, h5py.File(d / "out.h5", "w") as target:
        target.create_group("a/b").create_dataset("v", data=source["v"][:] * 2)


@truth("R in.nc", "W out.zarr/", needs="xarray h5netcdf zarr")
def netcdf_to_zarr(d: Path) -> None:
    import xarray as xr

    with xr.open_dataset(d / "in.nc", engine="h5netcdf") as data:
        (data * 2).to_zarr(d / "out.zarr", mode="w")


@truth("R in.png", "W out.gif", needs="PIL")
def gif_of_frames(d: Path) -> None:
    from PIL import Image

    frames = [Image.open(d / "in.png").convert("P") for _ in range(2)]
    frames[0].save(d / "out.gif", save_all=True, append_images=frames[1:])


@truth("R in.xlsx", "W in.xlsx", needs="openpyxl")
def book_is_edited(d: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(d / "in.xlsx")
    book.active["B1"] = "seen"
    book.save(d / "in.xlsx")


@truth("R in.yaml", "W in.yaml", needs="yaml")
def yaml_is_edited(d: Path) -> None:
    import yaml

    settings = yaml.safe_load(open(d / "in.yaml"))
    settings["n"] += 1
    with open(d / "in.yaml", "w") as file:
        yaml.safe_dump(settings, file)


@truth("W out.bin", needs="pyarrow")
def arrow_output_stream_of_a_file_system(d: Path) -> None:
    import pyarrow.fs

    with pyarrow.fs.LocalFileSystem().open_output_stream(str(d / "out.bin")) as stream:
        stream.write(b"abc")


@truth("R in.csv", "W out.csv", needs="pyarrow")
def arrow_streams_of_a_file_system(d: Path) -> None:
    import pyarrow.fs

    local, root = pyarrow.fs.FileSystem.from_uri(d.as_uri())
    with local.open_input_stream(f"{root}/in.csv") as source:
        text = source.read()
    with local.open_output_stream(f"{root}/out.csv") as target:
        target.write(text)


@truth("R in.csv", "W out.parquet", needs="pyarrow")
def arrow_csv_to_parquet_by_batches(d: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet as pq

    reader = pyarrow.csv.open_csv(d / "in.csv")
    with pq.ParquetWriter(d / "out.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


@truth("W out.csv.gz", needs="pyarrow")
def arrow_compressed_stream(d: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv

    with pa.output_stream(str(d / "out.csv.gz"), compression="gzip") as stream:
        pyarrow.csv.write_csv(pa.table({"a": [1]}), stream)


@truth("R in.csv", "W out.csv")
def python_by_subprocess(d: Path) -> None:
    code = "text = open('in.csv').read(); open('out.csv', 'w').write(text)"
    subprocess.run([sys.executable, "-c", code], cwd=d, check=True)


@truth("W step.py", "R in.csv", "W report.json")
def script_by_subprocess(d: Path) -> None:
    (d / "step.py").write_text(
        "import csv, json, pathlib, sys\n"
        "rows = list(csv.DictReader(open(sys.argv[1])))\n"
        "pathlib.Path('report.json').write_text(json.dumps(len(rows)))\n"
    )
    subprocess.check_call([sys.executable, "step.py", "in.csv"], cwd=d)


@truth("R in.csv", "W out.gz")
def python_in_a_line_for_the_shell(d: Path) -> None:
    line = f"cd {d} && {sys.executable} -c 'print(open(\"in.csv\").read())' | gzip > out.gz"
    subprocess.run(line, shell=True, check=True)


@truth("R in.csv", "W out.txt", needs="anyio")
def files_by_anyio(d: Path) -> None:
    import anyio

    async def main() -> None:
        async with await anyio.open_file(d / "in.csv") as file:
            text = await file.read()
        await anyio.Path(d / "out.txt").write_text(text)

    asyncio.run(main())


@truth("R in.csv", "W out.db", needs="pandas sqlalchemy")
def csv_to_a_new_database(d: Path) -> None:
    import pandas as pd
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{d}/out.db")
    pd.read_csv(d / "in.csv").to_sql("t", engine, index=False)
    engine.dispose()


@truth("R in.csv", "W model.pkl", needs="sklearn pandas cloudpickle")
def model_by_cloudpickle(d: Path) -> None:
    import cloudpickle
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    rows = pd.read_csv(d / "in.csv")
    with open(d / "model.pkl", "wb") as file:
        cloudpickle.dump(LinearRegression().fit(rows[["id"]], rows["v"]), file)


@truth("R in.csv", "W out.parquet/", needs="dask pandas pyarrow")
def dask_csv_to_parquet(d: Path) -> None:
    import dask.dataframe as dd

    dd.read_csv(str(d / "in*.csv"), dtype_backend="numpy_nullable").to_parquet(str(d / "out.parquet"))


@truth("W out.npz", "W out.txt.gz", needs="numpy")
def numpy_compressed(d: Path) -> None:
    import numpy as np

    np.savez_compressed(d / "out.npz", a=np.ones(3))
    np.savetxt(d / "out.txt.gz", np.ones(3))


@truth("R in.tar", "W names.txt")
def unpacked_in_a_temporary_folder(d: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(d / "in.tar", folder, filter="data")
        names = [path.name for path in Path(folder).iterdir()]
    (d / "names.txt").write_text("\n".join(names))


@truth("R in.csv", "W done/in.csv", "D in.csv", needs="pandas")
def read_and_moved_away(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv")
    (d / "done").mkdir()
    shutil.move(d / "in.csv", d / "done")


@truth("R in.csv", "W good.csv", "W bad.csv")
def rows_sorted_out(d: Path) -> None:
    with (
        open(d / "in.csv", newline="") as source,
        open(d / "good.csv", "w", newline="") as good,
        open(d / "bad.csv", "w", newline="") as bad,
    ):
        writers = {True: csv.writer(good), False: csv.writer(bad)}
        for row in csv.reader(source):
            writers[row[1] == "g0"].writerow(row)


@truth("R in.jsonl", "W out.csv", needs="polars")
def polars_lines_to_csv(d: Path) -> None:
    import polars as pl

    pl.scan_ndjson(d / "in.jsonl").filter(pl.col("id") > 3).sink_csv(d / "out.csv")


@truth("R in.xml", "W out.xml", needs="lxml")
def lxml_is_edited(d: Path) -> None:
    from lxml import etree

    tree = etree.parse(str(d / "in.xml"))
    tree.getroot().set("seen", "1")
    tree.write(str(d / "out.xml"))


def _length(path: str) -> int:
    with open(path) as file:
        return len(file.read())


@truth("R many/a.txt", "R many/b.txt", "W lengths.json")
def read_by_other_processes(d: Path) -> None:
    paths = [str(path) for path in sorted((d / "many").iterdir())]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        (d / "lengths.json").write_text(json.dumps(list(pool.map(_length, paths))))


@truth("R in.svm", "W model.json", needs="xgboost")
def xgboost_of_a_file(d: Path) -> None:
    import xgboost as xgb

    rows = xgb.DMatrix(f"{d}/in.svm?format=libsvm")
    xgb.train({}, rows, num_boost_round=1).save_model(d / "model.json")
