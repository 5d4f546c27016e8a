"""What dask's dataframes read and write: in parts, in threads, and later."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from prefect_lineage_hooks import dask_io, files, pandas_io, pyarrow_io
from tests.hooks.calls import Call, Calls

dd: Any = pytest.importorskip("dask.dataframe", reason="dask is not installed")

calls = Calls(dask_io, files, pandas_io, pyarrow_io)
case = calls.case


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"a": [1, 2, 3], "g": ["x", "y", "x"]})
    frame.to_csv(tmp_path / "day-1.csv", index=False)
    shutil.copy(tmp_path / "day-1.csv", tmp_path / "day-2.csv")
    frame.to_parquet(tmp_path / "parts", partition_cols=["g"])
    return tmp_path


@case("R day-1.csv", "R day-2.csv")
def read_csv_of_a_pattern(data: Path) -> None:
    assert len(dd.read_csv(str(data / "day-*.csv")).compute(scheduler="threads")) == 6


@case("R parts")
def read_parquet(data: Path) -> None:
    assert dd.read_parquet(data / "parts").a.sum().compute(scheduler="threads") == 6


@case("R parts", "W out.parquet")
def read_and_write_parquet(data: Path) -> None:
    dd.read_parquet(str(data / "parts")).to_parquet(str(data / "out.parquet"))


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas about what dask does
        calls.check(call, truth, needs, data)
