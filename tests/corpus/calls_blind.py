"""Calls that were written down after all the adapters, and scored before anything was mended for them: recall and
precision 0.96. One is missed still: files that ``pyarrow.fs`` opens in compiled code have no name afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import logging
import os
import pickle
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from corpus_truth import truth


@truth("W out.csv")
def csv_dict_writer(d: Path) -> None:
    with open(d / "out.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["a"])
        writer.writeheader()
        writer.writerow({"a": 1})


@truth("R in.zip")
def zip_path(d: Path) -> None:
    (zipfile.Path(d / "in.zip") / "in.csv").read_text()


@truth("R in.csv", "W out.csv")
def path_copy_by_lines(d: Path) -> None:
    with (d / "in.csv").open() as source, (d / "out.csv").open("w") as target:
        target.writelines(source)


@truth("W out.txt")
def redirected_output(d: Path) -> None:
    with open(d / "out.txt", "w") as file, contextlib.redirect_stdout(file):
        print("hello")


@truth("R in.csv", "W out.csv")
def to_thread(d: Path) -> None:
    async def main() -> None:
        text = await asyncio.to_thread((d / "in.csv").read_text)
        await asyncio.to_thread((d / "out.csv").write_text, text)

    asyncio.run(main())


@truth("W many/c.txt", "R many/a.txt", "R many/b.txt")
def walk_and_join(d: Path) -> None:
    texts = [path.read_text() for path in sorted((d / "many").rglob("*.txt"))]
    (d / "many" / "c.txt").write_text("".join(texts))


@truth("R in.txt", "W in.txt")
def sorted_in_place(d: Path) -> None:
    lines = sorted((d / "in.txt").read_text().splitlines())
    (d / "in.txt").write_text("\n".join(lines))


@truth("W out.json")
def dumped_by_json_tool(d: Path) -> None:
    handle, name = tempfile.mkstemp(dir=d)
    os.write(handle, b"{}")
    os.close(handle)
    shutil.move(name, d / "out.json")


@truth("R in.csv", "W out.csv.gz")
def gzip_program(d: Path) -> None:
    with open(d / "out.csv.gz", "wb") as out:
        subprocess.run(["gzip", "-c", "in.csv"], cwd=d, stdout=out, check=True)


@truth("R in.csv")
def program_fed_by_pipe(d: Path) -> None:
    with open(d / "in.csv", "rb") as source:
        subprocess.run(["wc", "-l"], stdin=source, check=True, capture_output=True)


@truth()
def rotating_log(d: Path) -> None:
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(d / "app.log", maxBytes=10, backupCount=1)
    logger = logging.getLogger("corpus.rotating")
    logger.addHandler(handler)
    for _ in range(4):
        logger.warning("hello")
    logger.removeHandler(handler)
    handler.close()


@truth("R in.pkl", needs="pandas")
def plain_pickle_of_a_frame(d: Path) -> None:
    with open(d / "in.pkl", "rb") as file:
        pickle.load(file)


@truth("R in.csv", "W out.md", needs="pandas tabulate")
def pandas_markdown(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv").head().to_markdown(d / "out.md")


@truth("R in.csv", "W out.zip", needs="pandas")
def pandas_zip(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv").to_csv(d / "out.zip")


@truth("R in.csv", "R in.parquet", "W joined.parquet", needs="pandas pyarrow")
def pandas_merge(d: Path) -> None:
    import pandas as pd

    left, right = pd.read_csv(d / "in.csv"), pd.read_parquet(d / "in.parquet", columns=["id", "v"])
    left.merge(right, on="id").to_parquet(d / "joined.parquet", index=False)


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", "W all.csv", needs="pandas pyarrow")
def pandas_concat_of_a_glob(d: Path) -> None:
    import pandas as pd

    frames = [pd.read_parquet(path) for path in sorted((d / "many_parquet").glob("*.parquet"))]
    pd.concat(frames).to_csv(d / "all.csv")


@truth("R in.xlsx", needs="pandas openpyxl")
def pandas_all_sheets(d: Path) -> None:
    import pandas as pd

    pd.read_excel(d / "in.xlsx", sheet_name=None)


@truth("R in.parquet", "W out.csv", needs="polars")
def polars_sql(d: Path) -> None:
    import polars as pl

    context = pl.SQLContext(t=pl.scan_parquet(d / "in.parquet"))
    context.execute("select id from t where id > 3").collect().write_csv(d / "out.csv")


@truth("R in.csv", "R in.parquet", needs="polars")
def polars_concat(d: Path) -> None:
    import polars as pl

    pl.concat(
        [pl.scan_csv(d / "in.csv"), pl.scan_parquet(d / "in.parquet")], how="diagonal_relaxed"
    ).collect()


@truth("R in.parquet", "W out/", needs="polars")
def polars_partitioned(d: Path) -> None:
    import polars as pl

    pl.read_parquet(d / "in.parquet").write_parquet(d / "out", partition_by="g")


@truth("R in.xlsx", needs="polars fastexcel")
def polars_excel(d: Path) -> None:
    import polars as pl

    pl.read_excel(d / "in.xlsx")


@truth("R in.csv", "W made.parquet", needs="polars")
def polars_batched_frame(d: Path) -> None:
    import polars as pl

    frame = pl.read_csv(io.BytesIO((d / "in.csv").read_bytes()))
    frame.lazy().filter(pl.col("id") > 1).sink_parquet(d / "made.parquet")


@truth("R in.parquet", "W out.parquet", needs="duckdb")
def duckdb_relation_to_parquet(d: Path) -> None:
    import duckdb

    relation = duckdb.read_parquet(str(d / "in.parquet"))
    relation.aggregate("count(*) as n").to_parquet(str(d / "out.parquet"))


@truth("R in.csv", "R in.duckdb", "W in.duckdb", needs="duckdb")
def duckdb_loads_a_table(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "in.duckdb")) as connection:
        connection.execute(f"create table loaded as select * from read_csv_auto('{d}/in.csv')")


@truth("R parts/", needs="duckdb")
def duckdb_hive(d: Path) -> None:
    import duckdb

    duckdb.sql(
        f"select count(*) from read_parquet('{d}/parts/*/*.parquet', hive_partitioning=true)"
    ).fetchall()


@truth("R in.parquet", "W out.parquet", needs="pyarrow duckdb")
def duckdb_over_arrow(d: Path) -> None:
    import duckdb
    import pyarrow.parquet as pq

    rows = pq.read_table(d / "in.parquet")
    pq.write_table(duckdb.sql("select id from rows where id > 3").to_arrow_table(), d / "out.parquet")
    assert rows.num_rows


@truth("R parts/", needs="pyarrow")
def arrow_scanner(d: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    ds.dataset(str(d / "parts"), partitioning="hive").scanner(filter=pc.field("id") > 3).to_table()


@truth("W out.arrows", needs="pyarrow")
def arrow_stream(d: Path) -> None:
    import pyarrow as pa

    table = pa.table({"a": [1]})
    with pa.ipc.new_stream(str(d / "out.arrows"), table.schema) as writer:
        writer.write_table(table)


@truth("R in.parquet", needs="pyarrow")
def arrow_local_file_system(d: Path) -> None:
    import pyarrow.fs
    import pyarrow.parquet as pq

    with pyarrow.fs.LocalFileSystem().open_input_file(str(d / "in.parquet")) as file:
        pq.read_table(file)


@truth("R in.npz", "W out.npy", needs="numpy")
def numpy_by_open_files(d: Path) -> None:
    import numpy as np

    with open(d / "in.npz", "rb") as source, open(d / "out.npy", "wb") as target:
        np.save(target, np.load(source)["v"])


@truth("W out.csv", needs="numpy")
def numpy_savetxt_gz(d: Path) -> None:
    import numpy as np

    np.savetxt(str(d / "out.csv"), np.ones((2, 2)), delimiter=",")


@truth("R in.h5", "W out.npy", needs="h5py numpy")
def h5py_slices(d: Path) -> None:
    import h5py
    import numpy as np

    file = h5py.File(d / "in.h5")
    np.save(d / "out.npy", file["v"][:1])
    file.close()


@truth("R in.nc", "W out.csv", needs="xarray h5netcdf pandas")
def xarray_to_pandas(d: Path) -> None:
    import xarray as xr

    with xr.open_dataset(d / "in.nc", engine="h5netcdf") as data:
        data.to_dataframe().to_csv(d / "out.csv")


@truth("R in.png", "W thumb.png", needs="PIL")
def pillow_thumbnail(d: Path) -> None:
    from PIL import Image

    picture = Image.open(str(d / "in.png"))
    picture.thumbnail((2, 2))
    with open(d / "thumb.png", "wb") as file:
        picture.save(file, "PNG")


@truth("W out.svg", needs="matplotlib pandas")
def pandas_plot(d: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import pandas as pd

    axes = pd.DataFrame({"a": [1, 2]}).plot()
    axes.figure.savefig(d / "out.svg")
    plt.close("all")


@truth("R in.csv", "W model.pkl", "W metrics.json", needs="sklearn pandas")
def train_and_report(d: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import Ridge

    frame = pd.read_csv(d / "in.csv")
    model = Ridge().fit(frame[["id"]], frame["v"])
    with open(d / "model.pkl", "wb") as file:
        pickle.dump(model, file)
    (d / "metrics.json").write_text(json.dumps({"r2": model.score(frame[["id"]], frame["v"])}))


@truth("R in.joblib", "W out.joblib.gz", needs="joblib")
def joblib_compressed(d: Path) -> None:
    import joblib

    joblib.dump(joblib.load(str(d / "in.joblib")), str(d / "out.joblib.gz"))


@truth("R in.csv", "W out.txt", needs="joblib")
def joblib_parallel_threads(d: Path) -> None:
    from joblib import Parallel, delayed

    sizes = Parallel(2, prefer="threads")(
        delayed(lambda path: len(path.read_text()))(d / "in.csv") for _ in range(3)
    )
    (d / "out.txt").write_text(str(sizes))


@truth("R in.pt", "W out.pt", needs="torch")
def torch_state(d: Path) -> None:
    import torch

    state = torch.load(d / "in.pt", weights_only=True)
    with open(d / "out.pt", "wb") as file:
        torch.save(state, file)


@truth("R in.safetensors", "W out.safetensors", needs="safetensors numpy")
def safetensors_bytes(d: Path) -> None:
    import safetensors.numpy as sn

    tensors = sn.load((d / "in.safetensors").read_bytes())
    (d / "out.safetensors").write_bytes(sn.save(tensors))


@truth("R in.delta/", "W out.parquet", needs="deltalake pyarrow")
def delta_to_parquet(d: Path) -> None:
    import deltalake
    import pyarrow.parquet as pq

    pq.write_table(
        deltalake.DeltaTable(str(d / "in.delta")).to_pyarrow_dataset().to_table(), d / "out.parquet"
    )


@truth("R in.db", "W out.csv", needs="pandas sqlalchemy")
def sql_table_to_csv(d: Path) -> None:
    import pandas as pd
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{d}/in.db")
    with engine.connect() as connection:
        pd.read_sql_table("src", connection).to_csv(d / "out.csv")
    engine.dispose()


@truth("R in.yaml", "R in.toml", "W out.yaml", needs="yaml")
def configuration(d: Path) -> None:
    import tomllib

    import yaml

    settings = yaml.safe_load((d / "in.yaml").read_text()) | tomllib.loads((d / "in.toml").read_text())
    with open(d / "out.yaml", "w") as file:
        yaml.safe_dump(settings, file)
