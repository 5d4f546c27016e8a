"""The plugin that Prefect loads at its own import when ``PREFECT_PLUGINS_ENABLED=1``.

Many processes import Prefect and run nothing: command lines, servers, workers. So capture itself is imported when the
first of Prefect's engines is, which happens at the first run of a process; until then a finder waits for that.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pluggy

__all__ = ["disarm", "setup_environment"]

log = logging.getLogger("prefect_lineage")

_ENGINES = {"prefect.engine", "prefect.flow_engine", "prefect.task_engine"}
"""One of them is looked for before anything runs: also by ``python -m prefect.flow_engine``."""

# The marker's name is Prefect's, in every release from 3.4 to 3.9.
_hookimpl = pluggy.HookimplMarker("prefect-experimental")


class _Waiting:
    """A finder of modules that finds none by itself, but sees the first search for an engine."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _ENGINES:
            return None
        disarm()
        try:
            from prefect_lineage.capture.switch import enable

            enable()
        except Exception as error:  # Prefect must be imported, whatever is wrong with us
            log.warning("Lineage is not captured in this process: %r", error, exc_info=error)
        # Searched anew, for now there may be another finder before those that this search will still ask.
        return importlib.util.find_spec(name)


_waiting = _Waiting()


@_hookimpl
def setup_environment(*, ctx: Any) -> None:  # keyword-only, for that is how Prefect's specification has it
    """Switch capture on for this process, as soon as something runs in it."""
    del ctx
    if _ENGINES & sys.modules.keys():
        from prefect_lineage.capture.switch import enable

        enable()
    elif _waiting not in sys.meta_path:
        sys.meta_path.insert(0, _waiting)


def disarm() -> None:
    """Wait no more: capture is on already, or is not wanted."""
    if _waiting in sys.meta_path:
        sys.meta_path.remove(_waiting)
