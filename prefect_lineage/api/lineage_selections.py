"""Which part of a graph is wanted: a pure function from graph to graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from prefect_lineage.model.entities import Edge, Graph, Run, Version

__all__ = ["Selection", "select"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which edges to keep of a graph; None keeps all.

    Attributes:
        flow: a glob that the name of the run's flow must match.
        runs: the UUIDs that the run must be among.
        type: the artifact type that the version must have.
        since, until: microseconds, both included; when the edge was made.
    """

    flow: str | None = None
    runs: frozenset[str] | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None

    def keeps(self, edge: Edge, run: Run, version: Version) -> bool:
        """Whether the edge with its two ends is wanted."""
        return (
            (self.flow is None or fnmatchcase(run.flow or "", self.flow))
            and (self.runs is None or run.id in self.runs)
            and (self.type is None or version.type == self.type)
            and (self.since is None or edge.at >= self.since)
            and (self.until is None or edge.at <= self.until)
        )


def select(graph: Graph, selection: Selection) -> Graph:
    """The edges that are wanted with their ends, and the root of ``graph`` in any case."""
    if selection == Selection():
        return graph
    runs = {run.id: run for run in graph.runs}
    versions = {version.id: version for version in graph.versions}
    edges = [edge for edge in graph.edges if selection.keeps(edge, runs[edge.run], versions[edge.version])]
    kept = {identity for edge in edges for identity in (edge.run, edge.version)} | {graph.root}
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.id in kept), edges=tuple(edges))
