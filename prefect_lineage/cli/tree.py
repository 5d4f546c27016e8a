"""A closure as an indented tree: the root on top, one line for each node, every node opened once.

A graph is no tree. A node that several paths lead to is opened where it comes first, and is only named
where it comes again. A branch that is too deep for the width of the terminal goes on below, under its own head.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text
from rich.tree import Tree

from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.text import count, duration, shortened, size, visible
from prefect_lineage.graph.levels import MOST_PAIRS, ArtifactEdge, ArtifactGraph
from prefect_lineage.model.entities import Artifact, Edge, Graph, Run, Version

__all__ = ["STATE_STYLES", "edge_words", "node_line", "print_closure", "summary"]

STATE_STYLES = {
    "Completed": "green",
    "Cached": "cyan",
    "Running": "blue",
    "Failed": "red",
    "Crashed": "red",
    "Cancelled": "yellow",
}
_ARROWS = {"upstream": "←", "downstream": "→"}
_TIMES = "\N{MULTIPLICATION SIGN}"
_INDENT = 4  # columns that one level takes
_TEXT_WIDTH = 32  # columns that a node's line wants
_MAX_LEVELS = 60  # however wide the output: deeper lines are not read any more


@dataclass
class _Walk:
    """One way through a graph, from node to node along the edges of one direction."""

    graph: Graph | ArtifactGraph
    direction: str
    screen: Screen
    opened: set[str] = field(default_factory=set)
    waiting: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.nodes = {node.id: node for node in self.graph.nodes}
        self.steps: dict[str, list[tuple[str, list[Edge | ArtifactEdge]]]] = {}
        grouped: dict[tuple[str, str], list[Edge | ArtifactEdge]] = {}
        for edge in self.graph.edges:
            near, far = (edge.head, edge.tail) if self.direction == "upstream" else (edge.tail, edge.head)
            grouped.setdefault((near, far), []).append(edge)
        for (near, far), edges in sorted(grouped.items(), key=lambda item: item[1][0].at):
            if near in self.nodes and far in self.nodes:
                self.steps.setdefault(near, []).append((far, edges))
        room = (self.screen.width - _TEXT_WIDTH) // _INDENT
        self.levels = max(3, min(_MAX_LEVELS, room))

    def starts(self) -> Iterator[str]:
        """The heads of the trees: the root, branches that go on below, then whatever was not reached."""
        if self.graph.root is not None and self.graph.root in self.nodes:
            yield self.graph.root
        reached = {far for steps in self.steps.values() for far, _ in steps}
        loose = [identity for identity in self.nodes if identity not in reached]
        for identity in (*loose, *self.nodes):  # a loop has no head: any of its nodes will do
            while self.waiting:
                yield self.waiting.popleft()
            yield identity
        while self.waiting:
            yield self.waiting.popleft()

    def tree(self, start: str) -> Tree:
        """The tree below ``start``; opens its nodes."""
        top = Tree(node_line(self.nodes[start], self.screen), guide_style="dim")
        self.opened.add(start)
        pending = [(top, step, 1) for step in reversed(self.steps.get(start, []))]
        while pending:
            branch, (identity, edges), level = pending.pop()
            line = self._step(identity, edges)
            further = self.steps.get(identity, [])
            if identity in self.opened and further:
                branch.add(line.append("  (shown above)", style="dim"))
            elif level >= self.levels and further:
                branch.add(line.append("  (goes on below)", style="dim"))
                self.waiting.append(identity)
            else:
                self.opened.add(identity)
                grown = branch.add(line)
                pending.extend((grown, step, level + 1) for step in reversed(further))
        return top

    def _step(self, identity: str, edges: list[Edge | ArtifactEdge]) -> Text:
        line = Text(f"{_ARROWS[self.direction]} ", style="dim")
        line.append_text(node_line(self.nodes[identity], self.screen))
        between = [edge for edge in edges if isinstance(edge, ArtifactEdge)]
        words = (
            _job_words(between) if between else edge_words([edge for edge in edges if isinstance(edge, Edge)])
        )
        line.append(f"  {words}", style="dim")
        return line


def print_closure(graph: Graph | ArtifactGraph, direction: str, screen: Screen) -> None:
    """Print what lies upstream or downstream of the graph's root, then how much it is."""
    walk = _Walk(graph, direction, screen)
    for start in walk.starts():
        if start not in walk.opened:
            screen.print(walk.tree(start))
    screen.note(summary(graph))


def summary(graph: Graph | ArtifactGraph) -> str:
    """``3 runs, 4 versions, 7 edges``, and what was left out."""
    if isinstance(graph, ArtifactGraph):
        runs = {run for edge in graph.edges for run in edge.runs}
        amounts = [count(len(graph), "artifact"), count(len(graph.edges), "edge"), count(len(runs), "run")]
    else:
        amounts = [count(len(graph.runs), "run"), count(len(graph.versions), "version")]
        amounts.append(count(len(graph.edges), "edge"))
    words = [", ".join(amounts)]
    if graph.truncated:
        words.append(f"{count(graph.truncated, 'node')} left out")
    if isinstance(graph, ArtifactGraph) and graph.crowded:
        words.append(
            f"{count(graph.crowded, 'run')} left out, of more than {MOST_PAIRS:,} pairs of inputs and outputs"
        )
    return "; ".join(words)


def node_line(node: Version | Run | Artifact, screen: Screen) -> Text:
    """One line about a node; all that comes from the store is made visible."""
    if isinstance(node, Artifact):
        return _artifact_line(node)
    return _version_line(node) if isinstance(node, Version) else _run_line(node, screen)


def _artifact_line(artifact: Artifact) -> Text:
    line = Text(shortened(artifact.name), style="bold").append(f"  {visible(artifact.type)}", style="blue")
    return line.append(f"  {count(artifact.versions, 'version')}", style="dim")


def _version_line(version: Version) -> Text:
    line = Text(shortened(version.name), style="bold").append(f":{version.version}")
    line.append(f"  {visible(version.type)}", style="blue")
    if version.aliases:
        line.append(f"  [{', '.join(map(visible, version.aliases))}]", style="cyan")
    if version.size is not None:
        line.append(f"  {size(version.size)}", style="dim")
    if version.partial:
        line.append("  partial", style="yellow")
    return line


def _run_line(run: Run, screen: Screen) -> Text:
    line = Text(shortened(run.job), style="bold")
    line.append(f"  {shortened(run.name, 60)}")
    line.append(f"  {visible(run.state)}", style=STATE_STYLES.get(run.state, ""))
    facts = [word for word in (screen.when(run.started_at), duration(run.duration)) if word]
    if facts:
        line.append(f"  {', '.join(facts)}", style="dim")
    return line


def _job_words(edges: list[ArtifactEdge]) -> str:
    """Through which jobs the data went, in how many runs, and whether that was not seen but said or concluded."""
    jobs = ", ".join(shortened(job, 60) for job in dict.fromkeys(job for edge in edges for job in edge.jobs))
    runs = len({run for edge in edges for run in edge.runs})
    hows = dict.fromkeys(edge.how for edge in edges if edge.how != "observed")
    words = jobs + (f" {_TIMES}{runs}" if runs > 1 else "")
    return words + (f" ({', '.join(map(visible, hows))})" if hows else "")


def edge_words(edges: list[Edge]) -> str:
    """How the data went: the calls, how often, and whether it was not seen but said or concluded."""
    words = []
    for via in dict.fromkeys(edge.via for edge in edges):
        same = [edge for edge in edges if edge.via == via]
        times = sum(edge.times for edge in same)
        hows = dict.fromkeys(edge.how for edge in same if edge.how != "observed")
        word = shortened(via, 60) + (f" {_TIMES}{times}" if times > 1 else "")
        words.append(word + (f" ({', '.join(map(visible, hows))})" if hows else ""))
    return ", ".join(words)
