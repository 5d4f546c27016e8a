"""``map``."""

from __future__ import annotations

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from prefect_lineage.api.lineage_maps import draw, prefect_ui
from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import GraphOptions, OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import complain, print_json
from prefect_lineage.cli.text import visible
from prefect_lineage.cli.tree import summary
from prefect_lineage.errors import LineageError
from prefect_lineage.export.map import check_look
from prefect_lineage.model.entities import Graph

__all__ = ["Look", "write_map"]


@dataclass(frozen=True, slots=True)
class Look:
    """How the page is to look: its level, its frames, where its links to Prefect lead, and whether it is opened."""

    level: str = "run"
    group: str | None = None
    ui_url: str | None = None
    show: bool = False


def write_map(
    ref: str | None,
    output: Path,
    sides: tuple[bool, bool],
    options: GraphOptions,
    out: OutputOptions,
    look: Look,
) -> int:
    """Write the map of ``ref``, or of all, to ``output``; tell what it shows, and open it if asked to.

    ``sides`` is whether upstream and downstream were asked for; neither means both.
    """
    if ref is None:
        _refuse_without_reference(options, sides)
    check_look(look.level, look.group)
    upstream, downstream = sides if any(sides) else (True, True)
    chosen = options.chosen()
    # stderr: stdout carries the answer; and only for a person, who else would see the spinner
    with Console(stderr=True, quiet=not sys.stderr.isatty()).status("Reading the store") as status:
        with opened(out) as lineage:
            graph = lineage.graph(ref, upstream=upstream, downstream=downstream, **chosen)
            around = lineage.around(graph)
            source = lineage.source
        status.update("Drawing")
        link = look.ui_url or prefect_ui(os.environ)
        drawn = draw(graph, source=source, ui_url=link, level=look.level, group=look.group, around=around)
        path = drawn.save(output)
    _tell(path, graph, out)
    if look.show and not webbrowser.open(path.as_uri()):
        complain(f"No browser could be started; open {path} yourself.")
    return 0


def _tell(path: Path, graph: Graph, out: OutputOptions) -> None:
    if out.json:
        print_json(
            {
                "path": str(path),
                "nodes": len(graph),
                "edges": len(graph.edges),
                "runs": len(graph.runs),
                "versions": len(graph.versions),
            }
        )
    else:
        Screen().print(Text(f"{visible(path)}: {summary(graph)}"))


def _refuse_without_reference(options: GraphOptions, sides: tuple[bool, bool]) -> None:
    given = {"--depth": options.depth is not None, "--upstream": sides[0], "--downstream": sides[1]}
    for name, used in given.items():
        if used:
            raise LineageError(
                f"{name} needs a version or run to start from: prefect-lineage map REF {name}."
            )
