"""The plugin that Prefect loads at its own import when ``PREFECT_PLUGINS_ENABLED=1``.

Prefect calls ``setup_environment`` before its engines are loaded; nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

import pluggy

__all__ = ["setup_environment"]

# The marker's name is Prefect's, in every release from 3.4 to 3.9.
_hookimpl = pluggy.HookimplMarker("prefect-experimental")


@_hookimpl
def setup_environment(*, ctx: Any) -> None:  # keyword-only, for that is how Prefect's specification has it
    """Switch capture on for this process."""
    del ctx
    from prefect_lineage.capture.switch import enable

    enable()
