"""CatBoost: models saved and loaded, and data that it reads from files by itself, all in compiled code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.boosting_models import data_files
from prefect_lineage_hooks.watching import reading, writing

_LOGS = re.compile(r"/catboost_info(/|$)")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing("catboost", {"CatBoost.save_model": "fname"}, "catboost", type_="model")
    yield from reading("catboost", {"CatBoost.load_model": "fname"}, "catboost", type_="model")
    yield Interceptor("catboost", "Pool.__init__", data_files("data"), optional=True)
    yield from writing("catboost", {"Pool.save": "fname", "CatBoost.save_borders": "fname"})


@hookimpl
def lineage_noise(path: str) -> bool | None:
    """The log of its training."""
    return True if "catboost_info" in path and _LOGS.search(path) else None
