"""What runs did that capture did not understand: found in what was recorded of them, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect_lineage.model.entities import Edge, Graph, Run, Version

__all__ = ["Coverage", "Gap", "coverage_of"]

_DECLARE = (
    "Name what it reads and writes: use_artifact(...), log_artifact(...) or @track(inputs=..., outputs=...)."
)
_ADVICE = {
    "program": _DECLARE,
    "process": "Start it through multiprocessing, concurrent.futures or joblib, or declare what it does.",
    "adapter": "Files that it opens through Python are still seen. Tell the plugin's author; `prefect-lineage plugins`"
    " says more.",
    "library": "Use a release that is known, or declare what it does; `prefect-lineage plugins` names the range.",
    "call": _DECLARE,
    "native": "It opens files in compiled code and no plugin watches it. " + _DECLARE,
    "dropped": "Raise PREFECT_LINEAGE_MAX_EDGES_PER_RUN, or leave files out by PREFECT_LINEAGE_IGNORE.",
    "late": "Wait for the thread or the future before the task returns.",
    "unattributed": "Start the thread inside the task, or give it the work through an executor's submit().",
    "unhashed": "Raise PREFECT_LINEAGE_HASH_LIMIT, or log the data where it lies with log_artifact(...).",
    "raced": "Close files before the task returns, and let nobody else write to them meanwhile.",
    "inferred": "Nobody saw it happen. Declare it where it matters: a declared edge counts as known.",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that was not understood.

    Attributes:
        kind: ``program``, ``process``, ``adapter``, ``library``, ``call``, ``native``, ``dropped``, ``late``,
            ``unattributed``, ``unhashed``, ``raced`` or ``inferred``.
        what: which of them: a command, a call, a library, a file.
        times: how often.
        jobs: of the runs in which it happened.
    """

    kind: str
    what: str
    times: int
    jobs: tuple[str, ...]

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE[self.kind]

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "what": self.what,
            "times": self.times,
            "jobs": list(self.jobs),
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was and what was not understood of a run and all that is nested in it."""

    run: Run
    runs: int
    edges: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": self.run.to_dict(),
            "runs": self.runs,
            "edges": dict(self.edges),
            "complete": not self.gaps,
            "gaps": [gap.to_dict() for gap in self.gaps],
        }


def coverage_of(run: Run, nested: Iterable[Run], graph: Graph) -> Coverage:
    """The coverage of ``run``.

    Args:
        nested: the run itself, and the runs that are nested in it.
        graph: what they read and wrote.
    """
    runs = {one.id: one for one in nested} | {run.id: run}
    edges = [edge for edge in graph.edges if edge.run in runs]
    counts: dict[str, int] = {"observed": 0, "declared": 0, "inferred": 0}
    for edge in edges:
        counts[edge.how] = counts.get(edge.how, 0) + 1
    versions = {version.id: version for version in graph.versions}
    told: dict[tuple[str, str], tuple[int, dict[str, None]]] = {}
    found = [*_of_runs(runs.values()), *_of_edges(edges, versions, runs)]
    for kind, what, times, job in found:
        so_far, jobs = told.get((kind, what), (0, {}))
        told[kind, what] = (so_far + times, {**jobs, job: None})
    order = list(_ADVICE)
    gaps = [Gap(kind, what, times, tuple(jobs)) for (kind, what), (times, jobs) in told.items()]
    gaps.sort(key=lambda gap: (order.index(gap.kind), -gap.times, gap.what))
    return Coverage(run, len(runs), counts, tuple(gaps))


_Found = tuple[str, str, int, str]


def _of_runs(runs: Iterable[Run]) -> Iterator[_Found]:
    for run in runs:
        details = run.details
        programs = [one for one in _list(details.get("programs")) if isinstance(one, Mapping)]
        for program in programs:
            words = " ".join(map(str, _list(program.get("arguments"))))
            yield "program", words or str(program.get("via")), 1, run.job
        unnamed = len(programs)
        for reason, times in _counts(details.get("misses")):
            kind, what = _kind(reason)
            if kind == "program":  # those of which the command is known have been told
                times, unnamed = max(0, times - unnamed), max(0, unnamed - times)
            if times:
                yield kind, what, times, run.job
        for name, what in _items(details.get("problems")):
            yield (
                ("library" if "outside the tested range" in str(what) else "adapter"),
                f"{name}: {what}",
                1,
                run.job,
            )
        for name in _list(details.get("native")):
            yield "native", str(name), 1, run.job
        yield from _dropped(run)
        for job, times in _counts(details.get("late")):
            yield "late", f"accesses after {job} had ended", times, job
        for call, times in _counts(details.get("unattributed")):
            yield "unattributed", call, times, run.job


def _dropped(run: Run) -> Iterator[_Found]:
    """What was beyond the limit, by the folder where it lay as far as that is known."""
    number = run.details.get("dropped")
    if not isinstance(number, int):
        return
    for folder, times in _counts(run.details.get("dropped_below")):
        if folder:
            yield "dropped", f"reads and writes below {folder}", times, run.job
            number -= times
    if number > 0:
        yield "dropped", "reads and writes beyond the limit", number, run.job


_PROGRAMS = ("Popen", "os.system", "os.posix_spawn", "os.exec")


def _kind(reason: str) -> tuple[str, str]:
    head, colon, what = reason.partition(": ")
    if head == "not seen inside" and colon:
        return ("program" if what in _PROGRAMS else "process"), what
    return ("adapter", what) if head == "adapter failed" else ("call", reason)


def _of_edges(
    edges: Iterable[Edge], versions: Mapping[str, Version], runs: Mapping[str, Run]
) -> Iterator[_Found]:
    for edge in edges:
        version, job = versions[edge.version], runs[edge.run].job
        if edge.how == "inferred" and not version.uri.startswith("inmemory://"):
            yield "inferred", f"{version} ({edge.direction} of {edge.via})", 1, job
        if version.raced:
            yield "raced", str(version), 1, job
        elif version.covers == "none" and version.uri.startswith("file://"):
            yield "unhashed", str(version), 1, job


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _items(value: object) -> list[tuple[str, Any]]:
    return [(str(key), one) for key, one in value.items()] if isinstance(value, Mapping) else []


def _counts(value: object) -> list[tuple[str, int]]:
    return [(key, times) for key, times in _items(value) if isinstance(times, int)]
