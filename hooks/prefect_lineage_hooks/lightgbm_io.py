"""LightGBM: models saved and loaded, and data that it reads from files by itself, in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.boosting_models import data_files
from prefect_lineage_hooks.watching import reading, writing


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing("lightgbm", {"Booster.save_model": "filename"}, "lightgbm", type_="model")
    yield from reading("lightgbm", {"Booster.__init__": "model_file"}, "lightgbm", type_="model")
    yield Interceptor("lightgbm", "Dataset.__init__", data_files("data"), optional=True)
    yield from writing("lightgbm", {"Dataset.save_binary": "filename"})
