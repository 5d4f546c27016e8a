"""zarr: a store is one thing, however many files it has, and also where it is read later than it was opened."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import is_remote, local, place

__all__ = ["root_of"]

_OPENS = ("open", "open_array", "open_group", "open_consolidated", "load", "consolidate_metadata")
_MAKES = (
    *("array", "create", "create_array", "create_group", "create_hierarchy", "from_array", "group"),
    *("empty", "empty_like", "full", "full_like", "ones", "ones_like", "open_like", "zeros", "zeros_like"),
    *("save", "save_array", "save_group", "copy", "copy_all", "copy_store"),
)


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name in _OPENS:
        yield Interceptor("zarr", name, _opened, optional=True)
    for name in _MAKES:
        yield Interceptor("zarr", name, _made, optional=True)


def root_of(store: Any) -> str | None:
    """The directory, file or URI of a store: of a path, or of an object of zarr's."""
    for name in ("store", "root", "path"):  # a StorePath has a store, a LocalStore a root, a ZipStore a path
        inner = getattr(store, name, None)
        if inner is not None and not isinstance(store, (str, os.PathLike)):
            filesystem = getattr(store, "fs", None)
            return place(str(inner), filesystem) if name == "path" else root_of(inner)
    path = place(store)
    return None if path is None else local(path) or path


def _store(call: Call) -> str | None:
    store = call["store"]
    if store is None:
        name = next((name for name in ("store", "path") if name in call.kwargs), None)
        store = call.kwargs[name] if name else call.args[0] if call.args and call["shape"] is None else None
    return root_of(store)


def _opened(call: Call) -> Iterable[Claim]:
    """A store is read if it is there; what is written to it later is seen below it."""
    root, mode = _store(call), str(call["mode"] or call.kwargs.get("mode") or "r")
    if root is None:
        return []
    new = mode.startswith("w") or (mode.startswith("a") and not (is_remote(root) or os.path.lexists(root)))
    return [Claim(root, "write" if new else "read", "zarr", members=True)]


def _made(call: Call) -> Iterable[Claim]:
    root = _store(call)
    return [] if root is None else [Claim(root, "write", "zarr", members=True)]
