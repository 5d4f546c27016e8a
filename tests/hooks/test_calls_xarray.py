"""What xarray, netCDF4 and zarr open and save, each call with its truth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, h5py_io, netcdf4_io, xarray_io, zarr_io
from tests.hooks.calls import Call, Calls

xr = pytest.importorskip("xarray", reason="xarray is not installed")
zarr = pytest.importorskip("zarr", reason="zarr is not installed")

calls = Calls(files, h5py_io, netcdf4_io, xarray_io, zarr_io)
case = calls.case


def one() -> Any:
    return xr.Dataset({"v": ("x", np.arange(6.0))}, coords={"x": range(6)})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    one().to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    one().to_netcdf(tmp_path / "day-1.nc", engine="h5netcdf")
    one().assign_coords(x=range(6, 12)).to_netcdf(tmp_path / "day-2.nc", engine="h5netcdf")
    one().to_zarr(tmp_path / "in.zarr", mode="w", consolidated=False)
    return tmp_path


@case("R in.nc")
def open_dataset_by_h5netcdf(data: Path) -> None:
    xr.open_dataset(data / "in.nc", engine="h5netcdf").load().close()


@case("R in.nc")
def open_dataset_lazily_and_read_a_part_later(data: Path) -> None:
    with xr.open_dataset(str(data / "in.nc"), engine="h5netcdf") as found:
        found.v[:2].values.sum()


@case("R in.nc", needs="netCDF4")
def open_dataset_by_netcdf4(data: Path) -> None:
    with xr.open_dataset(data / "in.nc", engine="netcdf4") as found:
        found.load()


@case("R in.nc")
def load_dataset_and_dataarray(data: Path) -> None:
    xr.load_dataset(data / "in.nc", engine="h5netcdf")
    xr.load_dataarray(data / "in.nc", engine="h5netcdf")


@case("R day-1.nc", "R day-2.nc", needs="dask")
def open_mfdataset_of_a_pattern(data: Path) -> None:
    with xr.open_mfdataset(str(data / "day-*.nc"), engine="h5netcdf") as found:
        found.v.sum().compute()


@case("R day-1.nc", "R day-2.nc", needs="dask")
def open_mfdataset_of_a_list(data: Path) -> None:
    paths = [data / "day-1.nc", data / "day-2.nc"]
    with xr.open_mfdataset(paths, combine="nested", concat_dim="x", engine="h5netcdf") as found:
        found.load()


@case("W out.nc")
def to_netcdf(data: Path) -> None:
    one().to_netcdf(data / "out.nc", engine="h5netcdf")


@case("W out.nc")
def to_netcdf_by_scipy(data: Path) -> None:
    one().to_netcdf(data / "out.nc", engine="scipy")


@case("W out.nc", needs="netCDF4")
def to_netcdf_by_netcdf4(data: Path) -> None:
    one().v.to_netcdf(data / "out.nc", engine="netcdf4")


@case("R in.nc", "W in.nc")
def to_netcdf_of_one_more_variable(data: Path) -> None:
    xr.Dataset({"w": ("y", [1.0])}).to_netcdf(data / "in.nc", mode="a", engine="h5netcdf")


@case()
def to_netcdf_in_memory(data: Path) -> None:
    one().to_netcdf(engine="scipy")


@case("W a.nc", "W b.nc")
def save_mfdataset(data: Path) -> None:
    xr.save_mfdataset([one(), one()], [data / "a.nc", data / "b.nc"], engine="h5netcdf")


@case("R in.zarr")
def open_zarr(data: Path) -> None:
    xr.open_zarr(data / "in.zarr", chunks=None, consolidated=False).load()


@case("R in.zarr")
def open_zarr_lazily(data: Path) -> None:
    found = xr.open_dataset(data / "in.zarr", engine="zarr", consolidated=False)
    found.v[:2].values.sum()


@case("W out.zarr")
def to_zarr(data: Path) -> None:
    one().to_zarr(data / "out.zarr", mode="w", consolidated=False)


@case("R in.zarr", "W in.zarr")
def to_zarr_appending(data: Path) -> None:
    one().assign_coords(x=range(6, 12)).to_zarr(data / "in.zarr", append_dim="x", consolidated=False)


@case("R in.nc", "W out.zarr")
def from_netcdf_to_zarr(data: Path) -> None:
    with xr.open_dataset(data / "in.nc", engine="h5netcdf") as found:
        found.to_zarr(data / "out.zarr", consolidated=False)


# -- zarr ------------------------------------------------------------------------------------------------


@case("W out.zarr")
def zarr_save(data: Path) -> None:
    zarr.save(str(data / "out.zarr"), np.ones(3))


@case("R in.zarr")
def zarr_open_and_read_later(data: Path) -> None:
    group = zarr.open_group(str(data / "in.zarr"), mode="r")
    assert group["v"][:].sum() == 15
    zarr.open(data / "in.zarr", mode="r")["v"][0]


@case("R in.zarr")
def zarr_load(data: Path) -> None:
    zarr.load(str(data / "in.zarr"), path="v")


@case("W out.zarr")
def zarr_array_that_is_made_and_filled_later(data: Path) -> None:
    made = zarr.create_array(store=str(data / "out.zarr"), shape=(6,), chunks=(2,), dtype="f8")
    made[:] = np.arange(6)
    assert made[3] == 3


@case("R in.zarr", "W in.zarr")
def zarr_changed_in_place(data: Path) -> None:
    zarr.open_group(str(data / "in.zarr"), mode="r+")["v"][0] = 7


@case("W out.zarr")
def zarr_opened_to_be_made(data: Path) -> None:
    group = zarr.open_group(data / "out.zarr", mode="a")
    group.create_array("v", shape=(2,), dtype="f8")[:] = 1


@case("R in.zarr", "W out.zarr")
def zarr_by_stores(data: Path) -> None:
    source = zarr.open_array(zarr.storage.LocalStore(data / "in.zarr", read_only=True), path="v", mode="r")
    zarr.save_array(zarr.storage.LocalStore(data / "out.zarr"), source[:])


@case("W out.zip")
def zarr_in_an_archive(data: Path) -> None:
    with zarr.storage.ZipStore(data / "out.zip", mode="w") as store:
        zarr.save_array(store, np.ones(3))


@case()
def zarr_in_memory(data: Path) -> None:
    zarr.zeros((3,))[:] = 1
    zarr.save_array(zarr.storage.MemoryStore(), np.ones(3))


# -- netCDF4 ---------------------------------------------------------------------------------------------


@case("R in.nc", "W out.nc", needs="netCDF4")
def netcdf4_datasets(data: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(str(data / "in.nc")) as source, netCDF4.Dataset(data / "out.nc", mode="w") as target:
        target.createDimension("x", 6)
        target.createVariable("v", "f8", ("x",))[:] = source["v"][:]


@case("R in.nc", "W in.nc", needs="netCDF4")
def netcdf4_changed_in_place(data: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(data / "in.nc", "r+") as found:
        found["v"][0] = 7


@case("R one.nc", "R two.nc", needs="netCDF4")
def netcdf4_together(data: Path) -> None:
    import netCDF4

    with netCDF4.MFDataset(str(data / "???.nc"), aggdim="x") as found:
        found.variables["v"][:]


@case(needs="netCDF4")
def netcdf4_in_memory(data: Path) -> None:
    import netCDF4

    with netCDF4.Dataset("nothing.nc", "w", diskless=True) as found:
        found.createDimension("x", 1)


def _make_classic(data: Path) -> None:
    library = pytest.importorskip("netCDF4", reason="netCDF4 is not installed")
    for name in ("one.nc", "two.nc"):
        with library.Dataset(data / name, "w", format="NETCDF3_CLASSIC") as made:
            made.createDimension("x", None)
            made.createVariable("v", "f8", ("x",))[:] = [1, 2]


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    if "one.nc" in str(truth):
        _make_classic(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental formats, and what the libraries leave open
        calls.check(call, truth, needs, data)


def test_a_dataset_tells_its_variables(data: Path) -> None:
    with captured(xarray_io, root=data) as seen:
        xr.load_dataset(data / "in.nc", engine="h5netcdf").to_zarr(data / "out.zarr", consolidated=False)
    read, wrote = seen.edge("R in.nc"), seen.edge("W out.zarr")
    assert dict(read.content.schema)["v"] == "float64[x]"
    assert read.metadata["sizes"] == wrote.metadata["sizes"] == {"x": 6}
    assert (read.content.format, wrote.content.format) == ("netcdf", "zarr")
    assert seen.vias["W out.zarr"] == "xarray.Dataset.to_zarr"


def test_a_store_has_the_digest_of_all_its_files(data: Path) -> None:
    with captured(zarr_io, root=data) as wrote:
        made = zarr.create_array(store=str(data / "out.zarr"), shape=(6,), chunks=(2,), dtype="f8")
        made[:] = np.arange(6)
    with captured(zarr_io, root=data) as read:
        zarr.open(str(data / "out.zarr"), mode="r")[:]
    assert wrote.edge("W out.zarr").content.digest == read.edge("R out.zarr").content.digest
    assert wrote.edge("W out.zarr").content.covers == "all"
