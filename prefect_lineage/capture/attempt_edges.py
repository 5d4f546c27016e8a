"""The edges of an attempt's record: what it was seen to do, and what it said of itself."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.model.records import EdgeRecord

__all__ = ["edges_told", "with_unchanged"]


def edges_told(attempt: Attempt, observed: list[EdgeRecord], *, completed: bool) -> list[EdgeRecord]:
    """What was observed, each thing once; with what a task declared, which counts only if it has completed."""
    edges = _counted_once(observed, attempt.declared) if attempt.declared else observed
    edges = with_unchanged(edges, attempt.declared)
    if attempt.may_fail and attempt.declared:
        outputs = attempt.outputs
        return [*edges, *(outputs if completed else map(_of_failure, outputs))]
    return edges


def _of_failure(edge: EdgeRecord) -> EdgeRecord:
    return replace(edge, partial=True, aliases=())


def _counted_once(edges: list[EdgeRecord], declared: list[EdgeRecord]) -> list[EdgeRecord]:
    """What was declared and observed is one edge; the observation adds what it knows of the content."""
    said = {(edge.location.uri, edge.direction, edge.content.digest) for edge in declared}
    return [
        replace(edge, times=0) if (edge.location.uri, edge.direction, edge.content.digest) in said else edge
        for edge in edges
    ]


def with_unchanged(edges: list[EdgeRecord], declared: Iterable[EdgeRecord]) -> list[EdgeRecord]:
    """Mark outputs that have the very content that was read from the same place."""
    read = {
        (edge.location.uri, edge.content.digest) for edge in (*edges, *declared) if edge.direction == "input"
    }
    if not read:
        return edges
    return [
        replace(edge, unchanged=True)
        if edge.direction == "output" and (edge.location.uri, edge.content.digest) in read
        else edge
        for edge in edges
    ]
