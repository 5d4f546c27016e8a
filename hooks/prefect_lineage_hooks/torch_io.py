"""PyTorch: what it saves and loads; it writes its archives in compiled code. Modules and their weights are models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Description, Interceptor
from prefect_lineage_hooks.canonical import loaded
from prefect_lineage_hooks.watching import reading, writing

_SHOWN = 100


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing("torch", {"save": "f"}, "torch", describe=lambda call: described(call["obj"]))
    yield from reading("torch", {"load": "f"}, "torch", describe=lambda call: described(call.result))
    yield from reading("torch", {"from_file": ("filename", 0)})
    for module in ("torch.jit", "torch.export"):
        yield from writing(module, {"save": "f"}, "torch", type_="model")
        yield from reading(module, {"load": "f"}, "torch", type_="model")
    yield from writing(
        "torch.jit", {"ScriptModule.save": "f", "ScriptFunction.save": ("f", 1)}, "torch", type_="model"
    )
    yield from writing("torch.onnx", {"export": "f"}, "onnx", type_="model")


def described(value: Any) -> Description | None:
    """A module, its weights, or a checkpoint that has weights in it, is a model."""
    torch = loaded("torch", "nn", "Tensor")
    if torch is None:
        return None
    if isinstance(value, torch.nn.Module):
        return Description(
            type="model", metadata={"class": f"{type(value).__module__}.{type(value).__qualname__}"}
        )
    if not isinstance(value, Mapping):
        return None
    parts = list(islice(value.values(), _SHOWN))
    if parts and all(isinstance(part, torch.Tensor) for part in parts):
        schema = tuple((str(name), _kind(value[name])) for name in islice(value, _SHOWN))
        return Description(type="model", schema=schema, metadata={"tensors": len(value)})
    weights = any(isinstance(part, Mapping) and described(part) is not None for part in parts)
    return Description(type="model") if weights else None


def _kind(tensor: Any) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}[{', '.join(map(str, tensor.shape))}]"
