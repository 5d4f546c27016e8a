"""safetensors: it reads and writes in compiled code. What it holds are weights: models."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.watching import reading, writing

_FRAMEWORKS = ("flax", "mlx", "numpy", "paddle", "tensorflow", "torch")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from reading("safetensors", {"safe_open": ("filename", 0)}, "safetensors", type_="model")
    yield from writing("safetensors", {"serialize_file": ("filename", 1)}, "safetensors", type_="model")
    for framework in _FRAMEWORKS:
        module = f"safetensors.{framework}"
        yield from reading(
            module, {"load_file": "filename", "load_model": "filename"}, "safetensors", type_="model"
        )
        yield from writing(
            module, {"save_file": "filename", "save_model": "filename"}, "safetensors", type_="model"
        )
