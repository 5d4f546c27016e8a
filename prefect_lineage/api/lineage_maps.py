"""From a graph to its map, with the looks that the plugins give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from prefect_lineage.export.map import LineageMap, lineage_map
from prefect_lineage.model.entities import Graph, Run
from prefect_lineage.model.series import Series
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import load

__all__ = ["draw", "prefect_ui"]

_CLOUD = re.compile(r"https://api\.prefect\.cloud/api/accounts/([0-9a-f-]+)/workspaces/([0-9a-f-]+)/?")


def draw(
    graph: Graph,
    *,
    title: str | None = None,
    source: str = "",
    ui_url: str | None = None,
    level: str = "run",
    group: str | None = None,
    around: Iterable[Run] = (),
) -> LineageMap:
    """The map of ``graph``; each plugin that implements ``lineage_node_style`` may style its nodes.

    Args:
        graph: what to draw.
        title: the heading; by default the name of the graph's root.
        source: what the graph was read from, as it may be shown to anybody.
        ui_url: where Prefect's UI is.
        level: ``run``, ``flow`` or ``artifact``.
        group: ``flow`` for frames around flow runs.
        around: the flow runs that runs of the graph belong to and that are not in it.
    """
    settings = load()
    plugins = Plugins(settings.disable)

    def style(node: dict[str, Any]) -> dict[str, str] | None:
        answer: dict[str, str] | None = plugins.first("lineage_node_style", node=node)
        return answer

    styled = style if plugins.implements("lineage_node_style") else None
    return lineage_map(
        graph,
        title=title,
        source=source,
        ui_url=ui_url,
        style=styled,
        level=level,
        group=group,
        around=around,
        series=Series(settings.series).of,
    )


def prefect_ui(environment: Mapping[str, str]) -> str | None:
    """Where Prefect's UI is by Prefect's own variables: as ``PREFECT_UI_URL`` says, or beside its API."""
    stated = environment.get("PREFECT_UI_URL")
    api = environment.get("PREFECT_API_URL", "")
    if stated or not api:
        return stated or None
    if cloud := _CLOUD.fullmatch(api):
        return f"https://app.prefect.cloud/account/{cloud[1]}/workspace/{cloud[2]}"
    found = re.fullmatch(r"(https?://[^?#]+?)/api/?", api)
    return found[1] if found else None
