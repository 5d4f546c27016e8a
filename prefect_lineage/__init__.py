"""Automatic data lineage for open-source Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect_lineage.errors import LineageError

if TYPE_CHECKING:
    from prefect_lineage.api.declare import log_artifact, run, use_artifact
    from prefect_lineage.api.lineage import Lineage
    from prefect_lineage.api.switch import disable, enable
    from prefect_lineage.api.track import track
    from prefect_lineage.export.map import lineage_map
    from prefect_lineage.hookspecs import hookimpl, hookspec
    from prefect_lineage.model.entities import Artifact, Edge, Run, Version

__all__ = [
    "Artifact",
    "Edge",
    "Lineage",
    "LineageError",
    "Run",
    "Version",
    "disable",
    "enable",
    "hookimpl",
    "hookspec",
    "lineage_map",
    "log_artifact",
    "run",
    "track",
    "use_artifact",
]

# Each name is imported when it is first used: a flow process never loads the export side.
_HOMES = {
    "Artifact": "model.entities",
    "Edge": "model.entities",
    "Lineage": "api.lineage",
    "Run": "model.entities",
    "Version": "model.entities",
    "disable": "api.switch",
    "enable": "api.switch",
    "hookimpl": "hookspecs",
    "hookspec": "hookspecs",
    "lineage_map": "export.map",
    "log_artifact": "api.declare",
    "run": "api.declare",
    "track": "api.track",
    "use_artifact": "api.declare",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
