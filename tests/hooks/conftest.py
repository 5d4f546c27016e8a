"""Real files to read, made once, and a fresh copy of them for every test."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest


def _frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": range(50), "group": [f"g{row % 3}" for row in range(50)], "value": np.linspace(0, 1, 50)}
    )


def _make_frames(folder: Path) -> None:
    frame = _frame()
    frame.to_csv(folder / "in.csv", index=False)
    frame.to_csv(folder / "in.csv.gz", index=False)
    frame.to_csv(folder / "in.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "in.parquet")
    frame.to_parquet(folder / "parts", partition_cols=["group"])
    frame.to_feather(folder / "in.feather", compression="uncompressed")
    frame.to_orc(folder / "in.orc")
    frame.to_json(folder / "in.json", orient="records")
    frame.to_json(folder / "in.jsonl", orient="records", lines=True)
    frame.to_pickle(folder / "in.pkl")
    frame.to_stata(folder / "in.dta", write_index=False)


def _make_arrays(folder: Path) -> None:
    values = _frame()["value"].to_numpy()
    np.save(folder / "in.npy", values)
    np.savez(folder / "in.npz", v=values)
    np.savetxt(folder / "in.txt", values)
    values.tofile(folder / "in.bin")
    joblib.dump({"values": values}, folder / "in.joblib")


def _make_archives(folder: Path) -> None:
    (folder / "conf.toml").write_text("n = 1")
    (folder / "in.ini").write_text("[a]\nn = 1\n")
    (folder / "state.json").write_text('{"n": 1}')
    (folder / "link.csv").symlink_to("in.csv")
    (folder / "many").mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / "many" / name).write_text(name)
    (folder / "in.txt.gz").write_bytes(gzip.compress(b"text"))
    with zipfile.ZipFile(folder / "in.zip", "w") as archive:
        archive.write(folder / "in.csv", "in.csv")
    with tarfile.open(folder / "in.tar", "w") as archive:
        member = tarfile.TarInfo("member.txt")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"text"))


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    _make_frames(folder)
    _make_arrays(folder)
    _make_archives(folder)
    return folder


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    """A directory with one file of each kind; the working directory is elsewhere."""
    return shutil.copytree(_made, tmp_path / "data", symlinks=True)
