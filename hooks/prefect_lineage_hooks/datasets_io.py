"""Hugging Face datasets: a saved dataset is one directory; its cache is no data of the user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.places import expanded, local, place, places
from prefect_lineage_hooks.watching import Where, writing

_FORMATS = ("csv", "json", "parquet", "text")
_WRITES: dict[str, Where] = {f"Dataset.to_{name}": "path_or_buf" for name in ("csv", "json", "parquet")}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name, parameter in (("load_from_disk", "dataset_path"), ("Dataset.load_from_disk", "dataset_path")):
        yield Interceptor("datasets", name, _loading(parameter), optional=True)
    yield Interceptor("datasets", "DatasetDict.load_from_disk", _loading("dataset_dict_path"), optional=True)
    for kind, parameter in (("Dataset", "dataset_path"), ("DatasetDict", "dataset_dict_path")):
        yield Interceptor("datasets", f"{kind}.save_to_disk", _saving(parameter), optional=True)
        for format_ in _FORMATS:
            yield Interceptor("datasets", f"{kind}.from_{format_}", _from_files(format_), optional=True)
    yield Interceptor("datasets", "load_dataset", _loaded, optional=True)
    yield from writing("datasets", _WRITES, describe=lambda call: _described(call.args[0]))


def _loading(parameter: str) -> Any:
    def claims(call: Call) -> Iterable[Claim]:
        path = place(call[parameter])
        told = lambda call: _described(call.result)  # noqa: E731
        return [] if path is None else [Claim(path, "read", "arrow", "dataset", told, members=True)]

    return claims


def _saving(parameter: str) -> Any:
    def claims(call: Call) -> Iterable[Claim]:
        path = place(call[parameter])
        told = lambda call: _described(call.args[0])  # noqa: E731
        return [] if path is None else [Claim(path, "write", "arrow", "dataset", told, members=True)]

    return claims


def _from_files(format_: str) -> Any:
    def claims(call: Call) -> Iterable[Claim]:
        _note_cache(call)
        return _files(call["path_or_paths"], format_)

    return claims


def _note_cache(call: Call) -> None:
    folder = place(call["cache_dir"])
    if folder is not None:
        _caches.add(os.path.realpath(folder))


_caches: set[str] = set()
"""Where a user wants prepared data to be kept."""


def _files(given: Any, format_: str | None) -> list[Claim]:
    """One place, several, or several for each split."""
    if isinstance(given, Mapping):
        return [claim for one in given.values() for claim in _files(one, format_)]
    return [Claim(local(path) or path, "read", format_) for path in expanded(places(given))]


def _loaded(call: Call) -> Iterable[Claim]:
    """``load_dataset("csv", data_files=...)``, or a directory of data; a name on the hub is not on this machine."""
    _note_cache(call)
    if call["data_files"] is not None:
        folder = place(call["data_dir"]) or (call["path"] if Path(str(call["path"])).is_dir() else None)
        format_ = str(call["path"]) if call["path"] in (*_FORMATS, "arrow") else None
        return _files(_below(call["data_files"], folder), format_)
    path = place(call["data_dir"]) or place(call["path"])
    return [Claim(path, "read", type="dataset")] if path is not None and Path(path).is_dir() else []


def _below(files: Any, folder: str | None) -> Any:
    if folder is None:
        return files
    if isinstance(files, Mapping):
        return {name: _below(one, folder) for name, one in files.items()}
    if isinstance(files, (list, tuple)):
        return [_below(one, folder) for one in files]
    return f"{folder.rstrip('/')}/{files}"


def _described(data: Any) -> Description | None:
    features = getattr(data, "features", None)
    rows = getattr(data, "num_rows", None)
    if not isinstance(features, Mapping) or not isinstance(rows, int):
        return None
    return Description(
        rows=rows,
        schema=tuple((str(name), str(getattr(kind, "dtype", kind))) for name, kind in features.items()),
    )


@hookimpl
def lineage_noise(path: str) -> bool | None:
    """What it keeps of data that it has prepared."""
    if not _caches and "datasets" not in sys.modules:
        return None
    cache = getattr(getattr(sys.modules.get("datasets"), "config", None), "HF_DATASETS_CACHE", None)
    known = _caches | ({os.path.realpath(str(cache))} if cache is not None else set())
    return True if any(path.startswith(one + os.sep) for one in known) else None
