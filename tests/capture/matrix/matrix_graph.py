"""What a store says of scenarios, as lines of text: every run, every edge, every mark on either."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect_lineage import Edge, Lineage, Run, Version


class Told:
    """All that a store holds.

    A run is called ``make a`` or ``take a``, by its part in the scenario and its item; a further run of the same is
    ``make a again``. A file is called by what follows the scenario's name, with its version; a value by
    the run that made it first, and by its number among those.
    """

    def __init__(self, url: str) -> None:
        with Lineage(url, readonly=True) as lineage:
            self.runs = sorted(lineage.runs(limit=None), key=lambda run: (run.started_at or 0, run.id))
            graph = lineage.graph()
        assert graph.truncated == 0
        self.versions = {version.id: version for version in graph.versions}
        self.edges = graph.edges
        self._names: dict[str, str] = {}
        for run in self.runs:
            self._names[run.id] = self._called(run)

    def _called(self, run: Run) -> str:
        part = "take" if run.job.endswith("_take") else "make" if run.kind == "task" else "flow"
        name = f"{part} {run.details['parameters'].get('item', '')}".strip()
        same = [other for other in self.runs if other.job == run.job and self._names.get(other.id) == name]
        return f"{name} again" if same else name

    def of(self, scenario: str) -> list[str]:
        """Everything about the scenario of that name, sorted."""
        runs = [run for run in self.runs if run.job.endswith((f".{scenario}", f".{scenario}_take"))]
        return sorted([*map(self._run, runs), *self._edges(runs, f"{scenario}.")])

    def jobs(self) -> set[str]:
        return {run.job for run in self.runs}

    def elsewhere(self) -> list[str]:
        """The edges that belong to no task, or to a file that is called by no scenario."""
        jobs = {run.id: run.job.removeprefix("matrix.").removesuffix("_take") for run in self.runs}
        odd = []
        for edge in self.edges:
            version = self.versions[edge.version]
            is_file = version.namespace != "inmemory://"
            if is_file and not _file(version).startswith(f"{jobs[edge.run]}."):
                odd.append(f"{jobs[edge.run]}: {edge.direction} {version}")
        return odd

    def _run(self, run: Run) -> str:
        (parent,) = [other for other in self.runs if other.id == run.parent] or [None]
        inside = f"in {parent.kind} {parent.job}" if parent else "alone"
        cached = f", made by {self._names[run.cached_from]}" if run.cached_from else ""
        attempts = f" after {run.attempt} attempts" if run.attempt > 1 else ""
        return f"{self._names[run.id]}: {run.kind} {run.state}{attempts}{cached}, {inside}"

    def _edges(self, runs: Iterable[Run], files: str) -> Iterable[str]:
        wanted = {run.id for run in runs}
        for edge in self.edges:
            version = self.versions[edge.version]
            if edge.run in wanted or _file(version).startswith(files):
                yield self._edge(edge, version, files)

    def _value(self, version: Version) -> str:
        maker = version.producer_ids[0]
        same = [
            other.number
            for other in self.versions.values()
            if other.artifact == version.artifact and other.producer_ids[:1] == version.producer_ids[:1]
        ]
        return f"value {sorted(same).index(version.number) + 1} of {self._names[maker]}"

    def _edge(self, edge: Edge, version: Version, files: str) -> str:
        verb = "reads" if edge.direction == "input" else "writes"
        what = f"{_file(version).removeprefix(files)}:{version.version}"
        if version.namespace == "inmemory://":
            verb = "receives" if edge.direction == "input" else "returns"
            what = self._value(version)
        marks = [mark for mark in ("partial", "unchanged") if getattr(edge, mark)]
        marks += [edge.how] if edge.how != "observed" else []
        marks += ["half a version"] if version.partial else []
        marks += ["raced"] if version.raced else []
        if version.replaced_by is not None:
            marks.append(f"replaced by {self.versions[version.replaced_by].version}")
        attempt = f" in attempt {edge.attempt}" if edge.attempt > 1 else ""
        times = f" {edge.times} times" if edge.times != 1 else ""
        return (
            f"{self._names[edge.run]}{attempt} {verb} {what}{times}{''.join(f', {mark}' for mark in marks)}"
        )


def _file(version: Version) -> str:
    return Path(version.key).name
