"""Ends that nobody saw: a process was killed, the power failed, somebody cancelled a run at the server.

Such a run stays open in the store. Evidence is looked for in two places: at Prefect's server, if there is one, and
in this machine's list of processes. What is found is weaker than what the run says itself: ``details["ended_by"]``
tells the store so, and a record of the run that comes later replaces it. Without evidence a run stays open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prefect_lineage.capture.border import known_to_server
from prefect_lineage.capture.liveness import is_gone
from prefect_lineage.capture.states import Known
from prefect_lineage.model.entities import Run
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.store import Store

__all__ = ["Reconciled", "open_runs", "reconcile"]

LIMIT = 10_000
"""How many runs are looked at in one go, the last started first."""

BY_SERVER = "prefect-lineage sync: Prefect's server says so"
BY_FLOW_RUN = "prefect-lineage sync: Prefect's server says so of its flow run"
BY_PROCESS = "prefect-lineage sync: its process was gone"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of the runs that were open.

    Attributes:
        by_server: how many have ended as Prefect's server says.
        by_process: how many have crashed, for their process is gone.
        open: of how many there is no evidence that they have ended.
        problem: why the server could not be asked, if one is set.
    """

    by_server: int = 0
    by_process: int = 0
    open: int = 0
    problem: str | None = None


def open_runs(store: Store) -> list[Run]:
    """The runs of which no end is known, the last started first."""
    return store.runs(Filter(unended=True, limit=LIMIT))


def reconcile(store: Store) -> Reconciled:
    """End the runs that have ended without a record of it.

    Raises:
        StoreError: the store cannot be used.
    """
    found = open_runs(store)
    if not found:
        return Reconciled()
    known, problem = known_to_server(_wanted(found))
    ends = [end for run in found if (end := _end(run, known)) is not None]
    if ends:
        store.apply(ends)
    causes = Counter(str(end.run.details["ended_by"]) for end in ends)
    by_process = causes.pop(BY_PROCESS, 0)
    return Reconciled(causes.total(), by_process, len(found) - len(ends), problem)


def _wanted(found: Iterable[Run]) -> Iterator[tuple[str, str]]:
    """(kind, UUID) of what the server is asked for: the runs, and the flow runs around them."""
    for run in found:
        if run.kind != "script":  # those are ours alone
            yield run.kind, run.id
            if run.flow_run:
                yield "flow", run.flow_run


def _end(run: Run, known: dict[str, Known]) -> Record | None:
    mine, around = known.get(run.id), known.get(run.flow_run or "")
    if mine is not None and mine.is_final:
        return _ended(run, mine.state, BY_SERVER, mine.at)
    if around is not None and around.kills:
        # The server learns nothing of the tasks that died with the process of their flow.
        return _ended(run, around.state, BY_FLOW_RUN, around.at)
    if mine is not None and mine.is_waiting:
        return None  # suspended, or to be retried: it lives, though no process does
    if is_gone(run.details.get("process")):
        return _ended(run, "Crashed", BY_PROCESS, None)
    return None


def _ended(run: Run, state: str, cause: str, at: int | None) -> Record:
    attempt = run.attempt
    ended = RunRecord(run.id, state=state, ended_at=at, attempt=attempt, details={"ended_by": cause})
    return Record(ended, attempt=attempt)
