"""xarray: what it opens, together or alone, and what it saves. Its files are opened by other libraries, most of them
in compiled code; a Zarr store is one thing, also where it is read later than it was opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Description, Interceptor
from prefect_lineage_hooks.places import expanded, places
from prefect_lineage_hooks.zarr_io import root_of

MAX_VARIABLES = 1_000

_READERS = (
    "open_dataset",
    "open_dataarray",
    "open_datatree",
    "open_groups",
    "load_dataset",
    "load_dataarray",
    "load_datatree",
)


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name in _READERS:
        yield Interceptor("xarray", name, _read, optional=True)
    yield Interceptor("xarray", "open_mfdataset", _read_together, optional=True)
    yield Interceptor("xarray", "open_zarr", _zarr_read, optional=True)
    yield Interceptor("xarray", "save_mfdataset", _written_apart, optional=True)
    for kind in ("Dataset", "DataArray", "DataTree"):
        yield Interceptor("xarray", f"{kind}.to_netcdf", _netcdf_written, optional=True)
        yield Interceptor("xarray", f"{kind}.to_zarr", _zarr_written, optional=True)


def _read(call: Call) -> Iterable[Claim]:
    source = call["filename_or_obj"]
    root = root_of(source)
    return [] if root is None else [_reading(root, call)]


def _read_together(call: Call) -> Iterable[Claim]:
    return [_reading(path, call, alone=False) for path in expanded(places(_flat(call["paths"])))]


def _flat(paths: Any) -> Any:
    """A list of lists, as it is given for several dimensions."""
    if not isinstance(paths, (list, tuple)):
        return paths
    found: list[Any] = []
    for one in paths:
        inner = _flat(one)
        found += inner if isinstance(inner, list) else [inner]
    return found


def _reading(path: str, call: Call, *, alone: bool = True) -> Claim:
    zarr = call["engine"] == "zarr" or path.rstrip("/").endswith(".zarr")
    return Claim(
        path, "read", "zarr" if zarr else "netcdf", describe=_described if alone else None, members=zarr
    )


def _zarr_read(call: Call) -> Iterable[Claim]:
    root = root_of(call["store"])
    return [] if root is None else [Claim(root, "read", "zarr", describe=_described, members=True)]


def _netcdf_written(call: Call) -> Iterable[Claim]:
    root = root_of(call["path"] if call["path"] is not None else call["filepath"])
    if root is None:
        return []
    mode: Claimed = "update" if str(call["mode"] or "w").startswith(("a", "r")) else "write"
    return [Claim(root, mode, "netcdf", describe=_described_own)]


def _written_apart(call: Call) -> Iterable[Claim]:
    mode: Claimed = "update" if call["mode"] == "a" else "write"
    return [Claim(path, mode, "netcdf") for path in places(call["paths"])]


def _zarr_written(call: Call) -> Iterable[Claim]:
    """An append or a region changes what is there; without a mode, a store that is there is an error."""
    root = root_of(call["store"])
    if root is None:
        return []
    changes = str(call["mode"] or "").startswith(("a", "r")) or call["append_dim"] or call["region"]
    return [Claim(root, "update" if changes else "write", "zarr", describe=_described_own, members=True)]


def _described(call: Call) -> Description | None:
    return _variables(call.result)


def _described_own(call: Call) -> Description | None:
    return _variables(call.args[0]) if call["mode"] in (None, "w", "w-") else None


def _variables(data: Any) -> Description | None:
    """The variables with their types and dimensions: they stand in the header, and are no data."""
    variables = getattr(data, "variables", None)
    if variables is None or not hasattr(data, "sizes"):
        return None
    shown = list(variables.items())[:MAX_VARIABLES]
    schema = tuple((str(name), f"{one.dtype}[{', '.join(map(str, one.dims))}]") for name, one in shown)
    return Description(
        schema=schema, metadata={"sizes": {str(name): size for name, size in data.sizes.items()}}
    )
