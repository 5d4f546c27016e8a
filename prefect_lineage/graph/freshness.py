"""Which versions are out of date, by what the graph itself proves.

A version is behind if every run that wrote it read something of which a newer version is known, or something
that is itself behind. Only what was observed or declared counts; what was inferred proves nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from prefect_lineage.model.entities import Graph, Version

__all__ = ["Freshness", "freshness"]

_VALUE = "value"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a version stands.

    Attributes:
        state: ``latest``; ``older``: another version is the latest; ``stale``: the latest, made from what is not.
        cause: of a stale version, the id of the nearest version upstream that has been replaced.
    """

    state: str
    cause: str | None = None


def freshness(graph: Graph) -> dict[str, Freshness]:
    """The standing of every complete version that is no value; values pass on what is behind them."""
    versions = {node.id: node for node in graph.nodes if isinstance(node, Version)}
    counted = {key: node for key, node in versions.items() if node.type != _VALUE and not node.partial}
    older = {key for key, node in counted.items() if "latest" not in node.aliases}
    behind = _behind(graph, versions, older)
    return {key: _standing(key, older, behind) for key in counted}


def _standing(key: str, older: set[str], behind: dict[str, str]) -> Freshness:
    if key in older:
        return Freshness("older")
    return Freshness("stale", behind[key]) if key in behind else Freshness("latest")


def _behind(graph: Graph, versions: dict[str, Version], older: set[str]) -> dict[str, str]:
    """What is behind, each with its nearest cause; breadth first from the versions that were replaced."""
    readers, writers, written, touched = _neighbours(graph, versions)
    waiting = {key: len(runs) for key, runs in writers.items()}
    cause: dict[str, str] = {}
    queue = deque((key, key) for key in versions if key in older)
    while queue:
        version, root = queue.popleft()
        for run in readers.get(version, ()):
            if run in cause or _knew_better(touched[run], version, versions, older):
                continue
            cause[run] = root
            for output in written.get(run, ()):
                waiting[output] -= 1
                if not waiting[output] and output not in older:
                    cause[output] = root
                    queue.append((output, root))
    return cause


def _knew_better(touched: list[str], version: str, versions: dict[str, Version], older: set[str]) -> bool:
    """Whether a run also read, or wrote itself, the latest version of the same artifact."""
    artifact = versions[version].artifact
    return any(
        versions[other].artifact == artifact and other not in older for other in touched if other != version
    )


_Lists = dict[str, list[str]]


def _neighbours(graph: Graph, versions: dict[str, Version]) -> tuple[_Lists, _Lists, _Lists, _Lists]:
    """Readers and writers of each version; what each run wrote, and what it wrote or read. Each pair once."""
    readers: dict[str, dict[str, None]] = {}
    writers: dict[str, dict[str, None]] = {}
    written: dict[str, dict[str, None]] = {}
    touched: dict[str, dict[str, None]] = {}
    for edge in graph.edges:
        if edge.how == "inferred" or edge.partial or edge.version not in versions:
            continue
        touched.setdefault(edge.run, {})[edge.version] = None
        if edge.direction == "input":
            readers.setdefault(edge.version, {})[edge.run] = None
        else:
            writers.setdefault(edge.version, {})[edge.run] = None
            written.setdefault(edge.run, {})[edge.version] = None
    return _lists(readers), _lists(writers), _lists(written), _lists(touched)


def _lists(found: dict[str, dict[str, None]]) -> _Lists:
    return {key: list(members) for key, members in found.items()}
