"""``show``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.text import duration, moment, size, visible
from prefect_lineage.cli.tree import STATE_STYLES, edge_words, node_line
from prefect_lineage.model.entities import Edge, Graph, Run, Version

__all__ = ["node_document", "show_node"]


def show_node(ref: str, out: OutputOptions) -> int:
    """Print all that is known of one version or run."""
    with opened(out) as lineage:
        node = lineage.node(ref)
        graph = lineage.graph(ref, depth=1)
        other = None if out.json else _other(node, lineage)
        twins = lineage.same_content(node) if isinstance(node, Version) else []
    if out.json:
        print_json(node_document(node, graph, twins))
        return 0
    screen = Screen()
    if isinstance(node, Version):
        _show_version(node, graph, other, screen)
        _twins(twins, screen)
    else:
        _show_run(node, graph, other, screen)
    return 0


def _other(node: Version | Run, lineage: Lineage) -> Version | Run | None:
    """What replaced the version, or computed what the cached run returned."""
    if isinstance(node, Version):
        return lineage.node(node.replaced_by) if node.replaced_by else None
    return lineage.node(f"run:{node.cached_from}") if node.cached_from else None


def node_document(node: Version | Run, graph: Graph, twins: Iterable[Version] = ()) -> dict[str, Any]:
    """The JSON of ``show``: the node, its edges, and for a run its inputs and outputs in full.

    Args:
        twins: of a version: those of other artifacts with the same content.
    """
    document = {**node.to_dict(), "edges": [edge.to_dict() for edge in _edges_of(node, graph)]}
    if isinstance(node, Version):
        document["same_content"] = [
            {"id": twin.id, "name": twin.name, "version": twin.version, "uri": twin.uri} for twin in twins
        ]
    if isinstance(node, Run):
        for key, direction in (("inputs", "input"), ("outputs", "output")):
            document[key] = [
                {**edge.to_dict(), "version": version.to_dict()}
                for version, edge in _sides(node, graph, direction)
            ]
    return document


def _edges_of(node: Version | Run, graph: Graph) -> list[Edge]:
    touching = [edge for edge in graph.edges if node.id in (edge.run, edge.version)]
    return sorted(touching, key=lambda edge: (edge.direction, edge.at))


def _sides(run: Run, graph: Graph, direction: str) -> list[tuple[Version, Edge]]:
    versions = {version.id: version for version in graph.versions}
    return [(versions[edge.version], edge) for edge in _edges_of(run, graph) if edge.direction == direction]


def _show_version(version: Version, graph: Graph, other: Version | Run | None, screen: Screen) -> None:
    _title(f"{visible(version.name)}:{version.version}", version.type, screen)
    marks = [
        word for word, holds in (("partial", version.partial), ("raced while read", version.raced)) if holds
    ]
    _facts(
        {
            "aliases": ", ".join(version.aliases),
            "created": _when(version.created_at, screen),
            "deleted": _when(version.deleted_at, screen) if version.deleted_at is not None else None,
            "location": version.uri,
            "digest": version.digest + ("" if version.covers == "all" else f" (covers {version.covers})"),
            "size": size(version.size),
            "format": version.format,
            "rows": version.rows,
            "description": version.description,
            "marks": ", ".join(marks),
            "replaced by": f"{other} ({other.id})" if isinstance(other, Version) else None,
            "id": version.id,
        },
        screen,
    )
    _mapping("metadata", version.metadata, screen)
    _mapping("columns", dict(version.schema), screen)
    runs = {run.id: run for run in graph.runs}
    for title, direction in (("produced by", "output"), ("used by", "input")):
        edges = [edge for edge in _edges_of(version, graph) if edge.direction == direction]
        _neighbours(title, ((runs[edge.run], edge) for edge in edges), screen)


def _show_run(run: Run, graph: Graph, other: Version | Run | None, screen: Screen) -> None:
    _title(visible(run.job), run.kind, screen)
    details = dict(run.details)
    _facts(
        {
            "run": run.name,
            "id": run.id,
            "state": Text(visible(run.state), style=STATE_STYLES.get(run.state, "")),
            "cached from": _origin(other, screen) if isinstance(other, Run) else None,
            "started": _when(run.started_at, screen),
            "ended": _when(run.ended_at, screen),
            "took": duration(run.duration),
            "attempt": run.attempt,
            "flow": run.flow,
            "flow run": run.flow_run,
            "part of": run.parent if run.parent != run.flow_run else None,
            "tags": ", ".join(map(str, details.pop("tags", None) or ())),
        },
        screen,
    )
    for name in ("parameters", "code", "environment"):
        _mapping(name, details.pop(name, None) or {}, screen)
    _mapping("further", details, screen)
    _neighbours("inputs", _sides(run, graph, "input"), screen)
    _neighbours("outputs", _sides(run, graph, "output"), screen)


def _origin(run: Run, screen: Screen) -> str:
    return f"{run.job} {run.id[:8]}, {_when(run.ended_at, screen)}"


def _title(name: str, kind: str, screen: Screen) -> None:
    screen.print(Text(name, style="bold").append(f"  {visible(kind)}", style="blue"))


def _when(micros: int | None, screen: Screen) -> str:
    if micros is None or not screen.terminal:
        return moment(micros)
    return f"{moment(micros)} ({screen.when(micros)})"


def _facts(facts: Mapping[str, object], screen: Screen) -> None:
    """A column of names and one of values; what is empty is left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in (None, "", Text("")):
            table.add_row(Text(visible(name)), value if isinstance(value, Text) else Text(visible(value)))
    screen.print(table)


def _mapping(title: str, values: object, screen: Screen) -> None:
    if not values:
        return
    screen.print(Text(f"\n{title}", style="bold"))
    members = values if isinstance(values, Mapping) else {"": values}
    _facts({f"  {name}": _plain(value) for name, value in members.items()}, screen)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _twins(twins: list[Version], screen: Screen) -> None:
    if not twins:
        return
    screen.print(Text("\nsame content as", style="bold"))
    for twin in twins:
        screen.print(Text("  ").append_text(node_line(twin, screen)))


def _neighbours(title: str, nodes: Iterable[tuple[Version | Run, Edge]], screen: Screen) -> None:
    lines = [_neighbour(node, edge, screen) for node, edge in nodes]
    if not lines:
        return
    screen.print(Text(f"\n{title}", style="bold"))
    for line in lines:
        screen.print(line)


def _neighbour(node: Version | Run, edge: Edge, screen: Screen) -> Text:
    line = Text("  ").append_text(node_line(node, screen)).append(f"  {edge_words([edge])}", style="dim")
    extra = [word for word, holds in (("unchanged", edge.unchanged), ("partial", edge.partial)) if holds]
    if edge.attempt > 1:
        extra.append(f"attempt {edge.attempt}")
    return line.append(f"  {', '.join(extra)}" if extra else "", style="yellow")
