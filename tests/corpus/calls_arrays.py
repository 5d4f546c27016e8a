"""Arrays: NumPy, SciPy, HDF5, NetCDF, Zarr; and pictures."""

from __future__ import annotations

from pathlib import Path

from corpus_truth import truth


@truth("R in.npy", "W out.npy", needs="numpy")
def numpy_one_array(d: Path) -> None:
    import numpy as np

    np.save(d / "out", np.load(d / "in.npy"))


@truth("R in.npz", "W out.npz", needs="numpy")
def numpy_archive(d: Path) -> None:
    import numpy as np

    with np.load(d / "in.npz") as arrays:
        np.savez_compressed(d / "out.npz", v=arrays["v"])


@truth("R in.npy", needs="numpy")
def numpy_mapped(d: Path) -> None:
    import numpy as np

    np.load(d / "in.npy", mmap_mode="r")[:3].sum()


@truth("R in.txt", "W out.txt", needs="numpy")
def numpy_text(d: Path) -> None:
    import numpy as np

    np.savetxt(d / "out.txt", np.loadtxt(d / "in.txt"))
    np.genfromtxt(d / "in.txt")


@truth("R in.bin", "W out.bin", needs="numpy")
def numpy_raw(d: Path) -> None:
    import numpy as np

    np.fromfile(d / "in.bin").tofile(d / "out.bin")


@truth("W out.map", needs="numpy")
def numpy_memmap(d: Path) -> None:
    import numpy as np

    array = np.memmap(d / "out.map", dtype="float32", mode="w+", shape=(3,))
    array[:] = 1
    array.flush()


@truth("W out.npy", needs="numpy")
def numpy_format(d: Path) -> None:
    import numpy as np

    mapped = np.lib.format.open_memmap(d / "out.npy", mode="w+", dtype="i4", shape=(2,))
    mapped[:] = 1


@truth("W out.mat", needs="scipy")
def scipy_matlab(d: Path) -> None:
    import numpy as np
    import scipy.io

    scipy.io.savemat(d / "out.mat", {"a": np.ones(3)})
    scipy.io.loadmat(d / "out.mat")


@truth("W out.npz", needs="scipy")
def scipy_sparse(d: Path) -> None:
    import scipy.sparse

    scipy.sparse.save_npz(d / "out.npz", scipy.sparse.eye(3, format="csr"))


@truth("W out.wav", needs="scipy")
def scipy_sound(d: Path) -> None:
    import numpy as np
    import scipy.io.wavfile

    scipy.io.wavfile.write(d / "out.wav", 8000, np.zeros(8, "int16"))


@truth("R in.h5", needs="h5py")
def h5py_reads(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5", "r") as file:
        file["v"][:]


@truth("W out.h5", needs="h5py")
def h5py_writes(d: Path) -> None:
    import h5py

    with h5py.File(d / "out.h5", "w") as file:
        file["v"] = [1, 2]


@truth("R in.h5", "W in.h5", needs="h5py")
def h5py_appends(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5", "a") as file:
        file["w"] = [1, 2]


@truth("R in.h5", "W out.h5", needs="tables")
def pytables(d: Path) -> None:
    import tables

    with tables.open_file(str(d / "in.h5")) as file:
        file.root.v.read()
    with tables.open_file(str(d / "out.h5"), "w") as file:
        file.create_array("/", "v", [1, 2])


@truth("R in.nc", "W out.nc", needs="netCDF4")
def netcdf4(d: Path) -> None:
    import netCDF4

    netCDF4.Dataset(d / "in.nc").close()
    with netCDF4.Dataset(d / "out.nc", "w") as made:
        made.createDimension("x", 3)


@truth("R in.nc", needs="xarray h5netcdf")
def xarray_netcdf(d: Path) -> None:
    import xarray as xr

    with xr.open_dataset(d / "in.nc", engine="h5netcdf") as data:
        data.load()


@truth("R in.nc", needs="xarray netCDF4")
def xarray_load(d: Path) -> None:
    import xarray as xr

    xr.load_dataset(d / "in.nc")
    xr.open_dataarray(d / "in.nc").close()


@truth("W out.nc", needs="xarray netCDF4")
def xarray_writes(d: Path) -> None:
    import xarray as xr

    xr.Dataset({"v": ("x", [1.0, 2.0])}).to_netcdf(d / "out.nc")


@truth("R in.nc", "R other.nc", needs="xarray h5netcdf dask")
def xarray_many(d: Path) -> None:
    import xarray as xr

    paths = [d / "in.nc", d / "other.nc"]
    xr.open_mfdataset(paths, engine="h5netcdf", combine="nested", concat_dim="x").load().close()


@truth("R in.zarr/", "W out.zarr/", needs="xarray zarr")
def xarray_zarr(d: Path) -> None:
    import xarray as xr

    xr.open_zarr(d / "in.zarr", chunks=None).load().to_zarr(d / "out.zarr", mode="w")


@truth("W out.zarr/", needs="zarr")
def zarr_saves(d: Path) -> None:
    import numpy as np
    import zarr

    zarr.save(str(d / "out.zarr"), np.ones(3))


@truth("R in.zarr/", needs="zarr")
def zarr_opens(d: Path) -> None:
    import zarr

    zarr.open(str(d / "in.zarr"), mode="r")["v"][:]


@truth("W out.zarr/", needs="zarr")
def zarr_group(d: Path) -> None:
    import zarr

    group = zarr.open_group(str(d / "out.zarr"), mode="w")
    group.create_array("a", shape=(3,), dtype="i4")[:] = 1


# -- pictures --------------------------------------------------------------------------------------


@truth("R in.png", "W out.jpg", needs="PIL")
def pillow(d: Path) -> None:
    from PIL import Image

    with Image.open(d / "in.png") as picture:
        picture.convert("RGB").save(d / "out.jpg")


@truth("W out.png", "W out.pdf", needs="matplotlib")
def matplotlib_figure(d: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    figure.savefig(d / "out.png")
    plt.savefig(d / "out.pdf")
    plt.close(figure)


@truth("R in.png", "W out.png", needs="matplotlib")
def matplotlib_image(d: Path) -> None:
    import matplotlib.image

    matplotlib.image.imsave(d / "out.png", matplotlib.image.imread(d / "in.png"))


@truth("R in.png", "W out.png", needs="cv2")
def opencv(d: Path) -> None:
    import cv2

    cv2.imwrite(str(d / "out.png"), cv2.imread(str(d / "in.png")))


@truth("W out.html", "W out.json", needs="plotly")
def plotly_figure(d: Path) -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(y=[1, 2]))
    figure.write_html(d / "out.html")
    figure.write_json(d / "out.json")


@truth("W out.tif", needs="rasterio")
def rasterio_raster(d: Path) -> None:
    import numpy as np
    import rasterio

    with rasterio.open(
        d / "out.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8"
    ) as raster:
        raster.write(np.ones((1, 2, 2), "uint8"))
    rasterio.open(d / "out.tif").read()


@truth("W out.gpkg", needs="geopandas")
def geopandas_file(d: Path) -> None:
    import geopandas as gpd

    points = gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326)
    points.to_file(d / "out.gpkg")
    gpd.read_file(d / "out.gpkg")


@truth("W out.parquet", "W out.geojson", needs="geopandas")
def geopandas_other(d: Path) -> None:
    import geopandas as gpd

    points = gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326)
    points.to_parquet(d / "out.parquet")
    points.to_file(d / "out.geojson", driver="GeoJSON")


@truth("W out.flac", needs="soundfile")
def soundfile_sound(d: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(d / "out.flac", np.zeros(64), 8000)
    soundfile.read(d / "out.flac")
