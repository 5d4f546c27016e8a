"""What h5py and PyTables open: HDF5 does it in compiled code."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, h5py_io, tables_io
from tests.hooks.calls import Call, Calls

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

calls = Calls(files, h5py_io, tables_io)
case = calls.case


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["v"] = np.arange(10.0)
    return tmp_path


@case("R in.h5")
def read(data: Path) -> None:
    with h5py.File(data / "in.h5") as file:
        file["v"][:]
    with h5py.File(str(data / "in.h5").encode(), "r") as file:
        file["v"][2]


@case("W out.h5")
def write(data: Path) -> None:
    with h5py.File(data / "out.h5", "w") as file:
        file["v"] = [1]


@case("W out.h5", "W two.h5")
def write_what_must_not_be_there(data: Path) -> None:
    with h5py.File(data / "out.h5", "x") as file:
        file["v"] = [1]
    with h5py.File(data / "two.h5", "a") as file:
        file["v"] = [1]


@case("R in.h5", "W in.h5")
def change_in_place(data: Path) -> None:
    with h5py.File(data / "in.h5", "r+") as file:
        file["v"][0] = 7


@case("R in.h5", "W in.h5")
def add_to_what_is_there(data: Path) -> None:
    with h5py.File(data / "in.h5", "a") as file:
        file["w"] = [1]


@case("R in.h5", "W out.h5")
def copy_a_dataset_into_another_file(data: Path) -> None:
    with h5py.File(data / "in.h5") as source, h5py.File(data / "out.h5", "w") as target:
        source.copy("v", target)


@case()
def in_memory(data: Path) -> None:
    with h5py.File("nothing.h5", "w", driver="core", backing_store=False) as file:
        file["v"] = [1]
    with h5py.File(io.BytesIO(), "w") as file:
        file["v"] = [1]


@case()
def what_is_not_there(data: Path) -> None:
    with pytest.raises(FileNotFoundError):
        h5py.File(data / "missing.h5", "r")


@case("W in.h5")
def replace_what_is_there(data: Path) -> None:
    with h5py.File(data / "in.h5", mode="w") as file:
        file["v"] = [1]


@case("R in.h5", "W out.h5", needs="tables")
def open_file_of_tables(data: Path) -> None:
    import tables

    with tables.open_file(str(data / "in.h5")) as source, tables.open_file(data / "out.h5", "w") as target:
        target.create_array("/", "v", source.root.v.read())


@case("R in.h5", "W copy.h5", needs="tables")
def copy_file_of_tables(data: Path) -> None:
    import tables

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unclosed, by PyTables
        tables.copy_file(str(data / "in.h5"), str(data / "copy.h5"))


@case("R in.h5", "W in.h5", needs="tables")
def change_in_place_by_tables(data: Path) -> None:
    import tables

    with tables.File(str(data / "in.h5"), "a") as file:
        file.create_array("/", "w", [1])


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    calls.check(call, truth, needs, data)


def test_a_file_that_stays_open_is_told_as_not_final(data: Path) -> None:
    with captured(h5py_io, root=data) as seen:
        file = h5py.File(data / "out.h5", "w")
        file["v"] = [1]
    file.close()
    assert seen.lines == ["W out.h5"]
    assert seen.edge("W out.h5").content.format == "hdf5"


def test_a_file_that_was_opened_to_be_changed_and_was_not_is_only_read(data: Path) -> None:
    with captured(h5py_io, root=data) as seen, h5py.File(data / "in.h5", "r+") as file:
        file["v"][:]
    assert "R in.h5" in seen.lines
