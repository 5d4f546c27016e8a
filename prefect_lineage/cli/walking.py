"""``upstream`` and ``downstream``."""

from __future__ import annotations

from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import GraphOptions, OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.tree import print_closure

__all__ = ["print_walk"]


def print_walk(ref: str, direction: str, options: GraphOptions, out: OutputOptions) -> int:
    """Print the closure of ``ref`` in one direction."""
    chosen = options.chosen()
    with opened(out) as lineage:
        graph = lineage.graph(
            ref, upstream=direction == "upstream", downstream=direction == "downstream", **chosen
        )
    if out.json:
        print_json(graph.to_dict())
    else:
        print_closure(graph, direction, Screen())
    return 0
