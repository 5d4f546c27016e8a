"""XGBoost: models saved and loaded, and data that it reads from files by itself, all in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.boosting_models import data_files
from prefect_lineage_hooks.watching import reading, writing


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing(
        "xgboost", {"Booster.save_model": "fname", "XGBModel.save_model": "fname"}, "xgboost", type_="model"
    )
    yield from writing("xgboost", {"Booster.dump_model": "fout"})
    yield from reading(
        "xgboost", {"Booster.load_model": "fname", "XGBModel.load_model": "fname"}, "xgboost", type_="model"
    )
    yield from reading("xgboost", {"Booster.__init__": "model_file"}, "xgboost", type_="model")
    for name in ("DMatrix", "QuantileDMatrix"):
        yield Interceptor("xgboost", f"{name}.__init__", data_files("data"), optional=True)
    yield from writing("xgboost", {"DMatrix.save_binary": "fname"})
