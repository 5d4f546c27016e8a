"""What a listing can be narrowed by, as a user writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from prefect_lineage.api.lineage_times import When, micros
from prefect_lineage.errors import LineageError
from prefect_lineage.model.entities import Run
from prefect_lineage.store.filters import Filter

__all__ = ["Filters", "filter_of"]


class Filters(TypedDict, total=False):
    """The keyword arguments of :meth:`Lineage.artifacts`, ``versions`` and ``runs``; all that are given must hold.

    What is asked of runs (``state``, ``job``, ``flow``, ``flow_run``) holds for an artifact or a version when
    it holds for a run that wrote or read it.

    Attributes:
        type: of an artifact; of runs, those that wrote or read such a one.
        state: as a run ended, in any case: ``Completed``, ``Failed`` …
        job: a glob on the qualified name of the flow or task.
        flow: a glob on the name of the enclosing flow.
        flow_run: a reference to a flow run: itself and all that is nested in it.
        tag: one of the tags.
        metadata: each pair must be in the metadata.
        since, until: a run's start, a version's creation, an artifact's last change; both included.
        limit: at most so many; None: all.
        offset: leave out so many of the newest.
    """

    type: str | None
    state: str | None
    job: str | None
    flow: str | None
    flow_run: str | Run | None
    tag: str | None
    metadata: Mapping[str, Any] | None
    since: When | None
    until: When | None
    limit: int | None
    offset: int


def filter_of(pattern: str | None, filters: Filters, flow_run: str | None) -> Filter:
    """The store's filter for what a user asked; ``flow_run`` is the UUID that theirs refers to.

    Raises:
        LineageError: a time is none, or a count is negative.
        TypeError: there is no filter of this name.
    """
    limit, offset = filters.get("limit"), filters.get("offset", 0)
    for name, number in (("limit", limit), ("offset", offset)):
        if number is not None and number < 0:
            raise LineageError(f"{name} is {number}, but must be a whole number from 0 up.")
    unknown = filters.keys() - Filters.__annotations__.keys()
    if unknown:
        raise TypeError(
            f"There is no filter {', '.join(sorted(unknown))}; there are {', '.join(Filters.__annotations__)}."
        )
    return Filter(
        name=pattern,
        type=filters.get("type"),
        state=filters.get("state"),
        job=filters.get("job"),
        flow=filters.get("flow"),
        flow_run=flow_run,
        tag=filters.get("tag"),
        metadata=filters.get("metadata"),
        since=micros("since", filters.get("since")),
        until=micros("until", filters.get("until")),
        limit=limit,
        offset=offset,
    )
