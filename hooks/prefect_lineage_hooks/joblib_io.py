"""joblib: what it dumps and loads, and which of that is a model of scikit-learn's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor
from prefect_lineage_hooks.sklearn_io import class_of, is_model, parameters_of

_CACHED = re.compile(r"/joblib/.+/(?:func_code\.py|[0-9a-f]{32}/(?:output\.pkl|metadata\.json)[^/]*)$")
_MAX_MEMORIES = 100
_memories: set[str] = set()
_SHARED = "joblib_memmapping_folder_"


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("joblib", "dump", _dumped),
        Interceptor("joblib", "load", _loaded),
        Interceptor("joblib.memory", "Memory.__init__", after=_caches, outside=True, optional=True),
    ]


def _caches(call: Call) -> Iterable[Claim]:
    """Where a ``Memory`` keeps its results, under whatever name."""
    location = getattr(getattr(call.args[0], "store_backend", None), "location", None)
    if isinstance(location, (str, os.PathLike)) and len(_memories) < _MAX_MEMORIES:
        place = os.path.realpath(os.fsdecode(location))
        _memories.update((place + os.sep, os.path.join(os.path.dirname(place), ".gitignore")))  # noqa: PTH118, PTH120
    return []


def _dumped(call: Call) -> Iterable[Claim]:
    if not isinstance(call["filename"], (str, os.PathLike)):
        return []
    return [Claim(call["filename"], "write", "joblib", describe=lambda call: _description(call["value"]))]


def _loaded(call: Call) -> Iterable[Claim]:
    if not isinstance(call["filename"], (str, os.PathLike)):
        return []
    return [Claim(call["filename"], "read", "joblib", describe=lambda call: _description(call.result))]


def _description(value: object) -> Description | None:
    if not is_model(value):
        return None
    return Description(type="model", metadata={"class": class_of(value), "parameters": parameters_of(value)})


@hookimpl
def lineage_noise(path: str) -> bool | None:
    """The cache of ``joblib.Memory``, and the arrays that ``joblib.Parallel`` shares through files."""
    if "joblib" in path and (_SHARED in path or _CACHED.search(path)):
        return True
    return True if _memories and path.startswith(tuple(_memories)) else None
