"""h5py: the files that it opens. HDF5 opens them in compiled code, so nothing of it is seen from Python."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import place
from prefect_lineage_hooks.watching import by_mode


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [Interceptor("h5py", "File.__init__", _opened)]


def _opened(call: Call) -> Iterable[Claim]:
    """A file that is opened to be changed is changed if it is another one at the end."""
    name = call["name"]
    path = place(name.decode() if isinstance(name, bytes) else name)
    in_memory = call["driver"] == "core" and call["kwds"] and call["kwds"].get("backing_store") is False
    if path is None or (in_memory and call["mode"] != "r"):
        return []
    return [Claim(path, by_mode(call["mode"]), "hdf5")]
