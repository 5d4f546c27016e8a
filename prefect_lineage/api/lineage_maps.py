"""From a graph to its map, with the looks that the plugins give."""

from __future__ import annotations

from typing import Any

from prefect_lineage.export.map import LineageMap, lineage_map
from prefect_lineage.model.entities import Graph
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import load

__all__ = ["draw"]


def draw(
    graph: Graph, *, title: str | None = None, source: str = "", ui_url: str | None = None
) -> LineageMap:
    """The map of ``graph``; each plugin that implements ``lineage_node_style`` may style its nodes.

    Args:
        graph: what to draw.
        title: the heading; by default the name of the graph's root.
        source: what the graph was read from, as it may be shown to anybody.
        ui_url: where Prefect's UI is.
    """
    plugins = Plugins(load().disable)

    def style(node: dict[str, Any]) -> dict[str, str] | None:
        answer: dict[str, str] | None = plugins.first("lineage_node_style", node=node)
        return answer

    styled = style if plugins.implements("lineage_node_style") else None
    return lineage_map(graph, title=title, source=source, ui_url=ui_url, style=styled)
