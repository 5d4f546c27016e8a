"""Coarser views of a graph: a flow run as one node, and artifact to artifact with the runs on the edge.

What these levels mean is defined here; the map draws them (``export/levels.py``), the commands print them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from prefect_lineage.errors import LineageError
from prefect_lineage.graph.links import strongest
from prefect_lineage.model.entities import Artifact, Edge, Graph, Run, Version
from prefect_lineage.model.times import iso

__all__ = [
    "LEVELS",
    "MOST_PAIRS",
    "ArtifactEdge",
    "ArtifactGraph",
    "around_ids",
    "artifact_ids",
    "by_artifact",
    "by_flow_run",
    "check_level",
    "flow_run_ids",
    "flow_run_of",
    "inside_a_flow_run",
]

LEVELS = ("run", "flow", "artifact")
"""What is one node: a run and a version; a flow run and a version; an artifact."""

MOST_PAIRS = 4000
"""A run with more pairs of inputs and outputs says nothing of what was made from what, and would hide the rest."""


@dataclass(frozen=True, slots=True)
class ArtifactEdge:
    """Runs read some version of one artifact and wrote some version of another.

    Attributes:
        tail, head: the artifacts' ids; the arrow follows the data.
        runs: their UUIDs, in the order of the graph's edges.
        jobs: what they executed, each once.
        how: the strongest evidence that a run gives, of which the weaker one of its two edges counts.
        at: when the first of them wrote, in microseconds.
    """

    tail: str
    head: str
    runs: tuple[str, ...]
    jobs: tuple[str, ...]
    how: str
    at: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "tail": self.tail,
            "head": self.head,
            "runs": list(self.runs),
            "jobs": list(self.jobs),
            "how": self.how,
            "at": iso(self.at),
        }


@dataclass(frozen=True, slots=True)
class ArtifactGraph:
    """Artifacts with the edges between them.

    Attributes:
        root: the artifact of the version that was asked for; None where a run was.
        truncated: how many runs and versions a bound left out.
        crowded: how many runs have too many inputs and outputs for pairs of them (``MOST_PAIRS``).
    """

    nodes: tuple[Artifact, ...]
    edges: tuple[ArtifactEdge, ...]
    root: str | None = None
    truncated: int = 0
    crowded: int = 0

    def __len__(self) -> int:
        return len(self.nodes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [edge.to_dict() for edge in self.edges],
            "truncated": self.truncated,
            "crowded": self.crowded,
        }


def check_level(level: str) -> None:
    """Refuse what is no level.

    Raises:
        LineageError: there is none of this name.
    """
    if level not in LEVELS:
        raise LineageError(f"There is no level {level!r}; it is one of {', '.join(LEVELS)}.")


def flow_run_of(run: Run) -> str:
    """The flow run that a run is shown as: the one that it belongs to, else itself."""
    return run.flow_run or run.id


def inside_a_flow_run(graph: Graph) -> frozenset[str]:
    """Versions that the same flow runs wrote and read, each for itself: their own business."""
    home = {run.id: flow_run_of(run) for run in graph.runs}
    writers: dict[str, set[str]] = {}
    readers: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.run in home:
            touched = writers if edge.direction == "output" else readers
            touched.setdefault(edge.version, set()).add(home[edge.run])
    return frozenset(version for version, wrote in writers.items() if readers.get(version) == wrote)


def flow_run_ids(graph: Graph) -> list[str]:
    """The flow runs that runs of a graph belong to, each once, in its order."""
    return list(dict.fromkeys(run.flow_run for run in graph.runs if run.flow_run))


def around_ids(graph: Graph) -> list[str]:
    """The runs that runs of a graph belong to or are nested in, but that are not in it, each once, in its order."""
    inside = {run.id for run in graph.runs}
    outer = (other for run in graph.runs for other in (run.flow_run, run.parent) if other)
    return [other for other in dict.fromkeys(outer) if other not in inside]


def by_flow_run(graph: Graph, flow_runs: Iterable[Run]) -> Graph:
    """Every flow run as one node with all that its runs did, and the versions that go in and out.

    What one flow run both wrote and read is drawn as written; what stays inside it is left out, but for the root.

    Args:
        graph: runs and versions.
        flow_runs: those that its runs belong to; a run whose flow run is not among them stands for itself.
    """
    known = {run.id: run for run in (*graph.runs, *flow_runs)}
    home = {run.id: found if (found := flow_run_of(run)) in known else run.id for run in graph.runs}
    inside = inside_a_flow_run(graph) - {graph.root}
    joined: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in graph.edges:
        if edge.run in home and edge.version not in inside:
            joined.setdefault((home[edge.run], edge.version, edge.direction), []).append(edge)
    edges = [
        _joined(run, edges)
        for (run, version, direction), edges in joined.items()
        if direction == "output" or (run, version, "output") not in joined
    ]
    nodes: dict[str, Version | Run] = {}
    for node in graph.nodes:
        if isinstance(node, Run):
            nodes[home[node.id]] = known[home[node.id]]
        elif node.id not in inside:
            nodes[node.id] = node
    root = None if graph.root is None else home.get(graph.root, graph.root)
    return Graph(tuple(nodes.values()), tuple(edges), root, graph.truncated)


def artifact_ids(graph: Graph) -> list[str]:
    """The artifacts that have versions in a graph, each once, in its order."""
    return list(dict.fromkeys(version.artifact for version in graph.versions))


def by_artifact(graph: Graph, artifacts: Iterable[Artifact]) -> ArtifactGraph:
    """From each artifact of which a run read a version to each other of which it wrote one.

    Args:
        graph: runs and versions.
        artifacts: those of its versions.
    """
    owner = {version.id: version.artifact for version in graph.versions}
    jobs = {run.id: run.job for run in graph.runs}
    touched: dict[str, tuple[list[Edge], list[Edge]]] = {run: ([], []) for run in jobs}
    for edge in graph.edges:
        if edge.run in touched and edge.version in owner:
            touched[edge.run][edge.direction == "output"].append(edge)
    pairs: dict[tuple[str, str], dict[str, list[tuple[Edge, Edge]]]] = {}
    crowded = 0
    for run, (reads, writes) in touched.items():
        if len({edge.version for edge in reads}) * len({edge.version for edge in writes}) > MOST_PAIRS:
            crowded += 1
            continue
        for read, write in product(reads, writes):
            tail, head = owner[read.version], owner[write.version]
            if tail != head:
                pairs.setdefault((tail, head), {}).setdefault(run, []).append((read, write))
    return ArtifactGraph(
        tuple(artifacts),
        tuple(_between(pair, runs, jobs) for pair, runs in pairs.items()),
        owner.get(graph.root) if graph.root is not None else None,
        graph.truncated,
        crowded,
    )


def _between(
    pair: tuple[str, str], runs: Mapping[str, list[tuple[Edge, Edge]]], jobs: Mapping[str, str]
) -> ArtifactEdge:
    both = [edges for found in runs.values() for edges in found]
    return ArtifactEdge(
        tail=pair[0],
        head=pair[1],
        runs=tuple(runs),
        jobs=tuple(dict.fromkeys(jobs[run] for run in runs)),
        how=strongest(_weaker(read.how, write.how) for read, write in both),
        at=min(write.at for _, write in both),
    )


def _weaker(first: str, second: str) -> str:
    return second if strongest((first, second)) == first else first


def _joined(run: str, edges: list[Edge]) -> Edge:
    first = edges[0]
    return Edge(
        run,
        first.version,
        first.direction,
        strongest(edge.how for edge in edges),
        ", ".join(dict.fromkeys(edge.via for edge in edges if edge.via)),
        sum(edge.times for edge in edges),
        max(edge.attempt for edge in edges),
        min(edge.at for edge in edges),
        unchanged=all(edge.unchanged for edge in edges),
        partial=all(edge.partial for edge in edges),
    )
