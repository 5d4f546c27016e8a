"""The folder that every call gets a copy of: one small file of each kind, as far as the libraries are installed."""

from __future__ import annotations

import dbm.dumb
import gzip
import io
import json
import shelve
import sqlite3
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

__all__ = ["make_folder"]


def make_folder(d: Path) -> None:
    """Fill a new folder ``d``."""
    d.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries that are deprecated among themselves
        for make in (_plain, _archives, _databases):
            make(d)
        for needs, make in _MAKERS:
            if all(find_spec(name) is not None for name in needs.split()):
                make(d)


def _plain(d: Path) -> None:
    rows = [{"id": number, "g": f"g{number % 3}", "v": number / 50} for number in range(50)]
    text = "id,g,v\n" + "".join(f"{row['id']},{row['g']},{row['v']}\n" for row in rows)
    (d / "in.csv").write_text(text)
    (d / "in.csv.gz").write_bytes(gzip.compress(text.encode()))
    (d / "in.json").write_text(json.dumps(rows))
    (d / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (d / "in.txt").write_text("1.0\n2.0\n3.0\n")
    (d / "in.ini").write_text("[a]\nn = 1\n")
    (d / "in.toml").write_text("n = 1\n")
    (d / "in.yaml").write_text("n: 1\n")
    (d / "in.xml").write_text("<rows><row><a>1</a></row><row><a>2</a></row></rows>")
    (d / "in.html").write_text("<table><tr><th>a</th></tr><tr><td>1</td></tr></table>")
    (d / "in.svm").write_text("1 1:0.5\n0 1:0.1\n")
    (d / "state.json").write_text('{"n": 1}')
    (d / "link.csv").symlink_to("in.csv")
    (d / "many").mkdir()
    for name in ("a.txt", "b.txt"):
        (d / "many" / name).write_text(name)


def _archives(d: Path) -> None:
    with zipfile.ZipFile(d / "in.zip", "w") as archive:
        archive.write(d / "in.csv", "in.csv")
    with tarfile.open(d / "in.tar", "w") as archive:
        member = tarfile.TarInfo("member.txt")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"text"))


def _databases(d: Path) -> None:
    connection = sqlite3.connect(d / "in.db")
    connection.execute("create table src (id integer, v real)")
    connection.execute("insert into src values (1, 0.5)")
    connection.execute("create table dst (id integer, v real)")
    connection.commit()
    connection.close()
    with shelve.Shelf(dbm.dumb.open(str(d / "in.shelf"))) as shelf:
        shelf["k"] = 1


def _arrays(d: Path) -> None:
    import numpy as np

    values = np.linspace(0, 1, 50)
    np.save(d / "in.npy", values)
    np.savez(d / "in.npz", v=values)
    values.tofile(d / "in.bin")


def _frames(d: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(d / "in.csv")
    frame.to_pickle(d / "in.pkl")
    frame.to_parquet(d / "in.parquet")
    frame.to_parquet(d / "parts", partition_cols=["g"])
    frame.to_feather(d / "in.feather", compression="uncompressed")
    frame.to_orc(d / "in.orc")
    (d / "many_parquet").mkdir()
    for name in ("a.parquet", "b.parquet"):
        frame.to_parquet(d / "many_parquet" / name)


def _book(d: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    book.save(d / "in.xlsx")


def _ipc(d: Path) -> None:
    import polars as pl

    pl.read_csv(d / "in.csv").write_ipc(d / "in.ipc")


def _duck(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "in.duckdb")) as connection:
        connection.execute("create table src as select 1 a")


def _hdf(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5", "w") as file:
        file["v"] = [1.0, 2.0]


def _netcdf(d: Path) -> None:
    import xarray as xr

    data = xr.Dataset({"v": ("x", [1.0, 2.0])})
    for name in ("in.nc", "other.nc"):
        data.to_netcdf(d / name, engine="h5netcdf")


def _zarr(d: Path) -> None:
    import xarray as xr

    xr.Dataset({"v": ("x", [1.0, 2.0])}).to_zarr(d / "in.zarr", mode="w")


def _delta(d: Path) -> None:
    import deltalake
    import pyarrow as pa

    deltalake.write_deltalake(str(d / "in.delta"), pa.table({"a": [1]}))


def _picture(d: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 4)).save(d / "in.png")


def _tensors(d: Path) -> None:
    import numpy as np
    import safetensors.numpy as sn

    sn.save_file({"w": np.ones(4)}, str(d / "in.safetensors"))


def _torch(d: Path) -> None:
    import torch

    torch.save({"w": torch.ones(4)}, d / "in.pt")


def _joblib(d: Path) -> None:
    import joblib

    joblib.dump({"a": [1]}, d / "in.joblib")


_MAKERS: list[tuple[str, Callable[[Path], None]]] = [
    ("numpy", _arrays),
    ("pandas pyarrow", _frames),
    ("openpyxl", _book),
    ("polars", _ipc),
    ("duckdb", _duck),
    ("h5py", _hdf),
    ("xarray h5netcdf", _netcdf),
    ("xarray zarr", _zarr),
    ("deltalake pyarrow", _delta),
    ("PIL", _picture),
    ("safetensors numpy", _tensors),
    ("torch", _torch),
    ("joblib", _joblib),
]
