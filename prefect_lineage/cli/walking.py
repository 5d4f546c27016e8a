"""``upstream`` and ``downstream``."""

from __future__ import annotations

from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import GraphOptions, OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.tree import print_closure
from prefect_lineage.graph.levels import check_level

__all__ = ["print_walk"]


def print_walk(ref: str, direction: str, options: GraphOptions, out: OutputOptions) -> int:
    """Print the closure of ``ref`` in one direction."""
    check_level(options.level)
    up, down = (direction == side for side in ("upstream", "downstream"))
    with opened(out) as lineage:
        found = lineage.graph(ref, upstream=up, downstream=down, **options.chosen())
        graph = lineage.at_level(found, options.level)
    if out.json:
        print_json(graph.to_dict())
    else:
        print_closure(graph, direction, Screen())
    return 0
