"""Keras: models and weights saved and loaded, each as one file, whatever it is put together from."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.watching import Where, reading, writing

_SAVES: dict[str, Where] = {
    "Model.save": "filepath",
    "Model.save_weights": "filepath",
    "Model.export": "filepath",
}
_FUNCTIONS: dict[str, Where] = {"save_model": "filepath", "save_weights": "filepath"}
_LOADS: dict[str, Where] = {"load_model": "filepath", "load_weights": "filepath"}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing("keras", _SAVES, "keras", type_="model")
    yield from reading("keras", {"Model.load_weights": "filepath"}, "keras", type_="model")
    for module in ("keras.saving", "keras.models"):
        yield from writing(module, _FUNCTIONS, "keras", type_="model")
        yield from reading(module, _LOADS, "keras", type_="model")
