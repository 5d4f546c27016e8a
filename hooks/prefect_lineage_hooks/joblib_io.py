"""joblib: what it dumps and loads, and which of that is a model of scikit-learn's.

Models have no digest: ``joblib.hash`` differs between a forest and its own copy (it hashes the padding inside the
trees), and between a nearest-neighbours model before and after it was used. So a model that is passed in
memory is one version per run that made it; one in a file is known by the file's bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor

_CACHED = re.compile(r"/joblib/.+/(?:func_code\.py|[0-9a-f]{32}/(?:output\.pkl|metadata\.json)[^/]*)$")
_SHARED = "joblib_memmapping_folder_"


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [Interceptor("joblib", "dump", _dumped), Interceptor("joblib", "load", _loaded)]


def _dumped(call: Call) -> Iterable[Claim]:
    if not isinstance(call["filename"], (str, os.PathLike)):
        return []
    return [Claim(call["filename"], "write", "joblib", describe=lambda call: _description(call["value"]))]


def _loaded(call: Call) -> Iterable[Claim]:
    if not isinstance(call["filename"], (str, os.PathLike)):
        return []
    return [Claim(call["filename"], "read", "joblib", describe=lambda call: _description(call.result))]


def _description(value: object) -> Description | None:
    if not _is_model(value):
        return None
    return Description(type="model", metadata={"class": _class(value)})


def _class(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _is_model(value: object) -> bool:
    """Whether it is an estimator: it fits, has parameters, and its class descends from scikit-learn's."""
    if not (hasattr(value, "fit") and hasattr(value, "get_params")):
        return False
    return any(base.__module__.partition(".")[0] == "sklearn" for base in type(value).__mro__)


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Estimators are models."""
    return {"type": "model", "format": _class(value)} if _is_model(value) else None


@hookimpl
def lineage_noise(path: str) -> bool | None:
    """The cache of ``joblib.Memory``, and the arrays that ``joblib.Parallel`` shares through files."""
    return True if _CACHED.search(path) or _SHARED in path else None
