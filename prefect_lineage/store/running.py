"""Runs: placeholders for UUIDs that others mention, and the merging of what comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.bulk import insert_all, intern, next_id, select_in, update_all, within
from prefect_lineage.store.circumstances import COLUMNS, Texts, apart, ids_of
from prefect_lineage.store.schema import jobs, runs

__all__ = ["Running"]

_OPEN = frozenset(
    {
        "awaitingconcurrencyslot",
        "awaitingretry",
        "cancelling",
        "late",
        "paused",
        "pending",
        "resuming",
        "retrying",
        "running",
        "scheduled",
        "suspended",
    }
)
"""States of a run that has not ended, in lower case."""

_ENDER = "ended_by"
"""In the details: who ended a run that did not say so itself. Such an end gives way to the run's own."""

_COLUMNS = (
    "kind",
    "name",
    "job_id",
    "flow_id",
    "flow_run",
    "parent",
    "state",
    "started_at",
    "ended_at",
    "attempt",
    "details",
    "result_key",
    *COLUMNS.values(),
)

_EMPTY: dict[str, Any] = {**dict.fromkeys(_COLUMNS), "attempt": 1}

_KNOWN = sa.select(runs).where(within(runs.c.uuid))


class Running:
    """The runs that a batch touches: loaded once, changed in memory, saved once."""

    def __init__(self, connection: Connection, records: Iterable[Record]) -> None:
        self._connection = connection
        found = [record.run for record in records]
        names = (name for run in found for name in (run.job, run.flow) if name)
        self._jobs = intern(connection, jobs, names)
        # In the order of their appearance, so that row ids do not depend on how records were batched.
        mentioned = dict.fromkeys(u for run in found for u in (run.flow_run, run.parent, run.id) if u)
        self._rows: dict[str, dict[str, Any]] = {}
        self._circumstances: dict[str, Texts] = {}
        self._changed: set[str] = set()
        self._load(mentioned)
        self._add([uuid for uuid in mentioned if uuid not in self._rows])

    def see(self, record: Record) -> int:
        """Merge a run as the record tells it; the id of its row."""
        run = record.run
        row = self._rows[run.id]
        before = None if row["id"] in self._new_ids else dict(row)  # those are saved anyway
        told, circumstances = apart(run.details, self._circumstances)
        news, details = self._columns(run), {**(row["details"] or {}), **told}
        if _is_stale(row, run):
            news.pop("ended_at", None)  # of that other end, so not of this one
            news = {column: value for column, value in news.items() if row[column] is None}
            if _is_ended_for_it(run.state, run.details):
                details = {**_without_ender(told), **(row["details"] or {})}
                circumstances = {name: text for name, text in circumstances.items() if row[name] is None}
        elif run.state is not None:
            if _is_open(run.state) and not _is_open(row["state"]):
                row["ended_at"] = None  # a further attempt of a run that had ended
            if not _is_ended_for_it(run.state, run.details):
                details = _without_ender(details)
        row.update(news | circumstances)
        row["kind"] = row["kind"] or "task"
        row["attempt"] = max(row["attempt"], run.attempt or record.attempt)
        row["details"] = details or None
        if before is not None and row != before:
            self._changed.add(run.id)
        return int(row["id"])

    def save(self) -> None:
        """Insert the runs that are new, and update those that have changed."""
        self._store_circumstances()
        insert_all(self._connection, runs, ("uuid", *_COLUMNS), [_values(row, "uuid") for row in self._new])
        changed = sorted((self._rows[uuid] for uuid in self._changed), key=itemgetter("id"))
        update_all(self._connection, runs, _COLUMNS, [(*_values(row), row["id"]) for row in changed])

    def _store_circumstances(self) -> None:
        """What records told is a text until here, what the store had is an id."""
        told = [
            (row, column, row[column])
            for row in self._rows.values()
            for column in COLUMNS.values()
            if isinstance(row[column], str)
        ]
        ids = ids_of(self._connection, dict.fromkeys(text for *_, text in told)) if told else {}
        for row, column, text in told:
            row[column] = ids[text]

    def _columns(self, run: RunRecord) -> dict[str, Any]:
        """What the record says, as columns."""
        told = {
            "kind": run.kind,
            "name": run.name,
            "job_id": run.job and self._jobs[run.job],
            "flow_id": run.flow and self._jobs[run.flow],
            "flow_run": run.flow_run and self._rows[run.flow_run]["id"],
            "parent": run.parent and self._rows[run.parent]["id"],
            "state": run.state,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "result_key": run.result_key,
        }
        return {column: value for column, value in told.items() if value is not None and value != ""}

    def _load(self, uuids: Iterable[str]) -> None:
        for row in select_in(self._connection, _KNOWN, uuids):
            self._rows[row.uuid] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it

    def _add(self, uuids: list[str]) -> None:
        """Give ids to runs that are new; they are inserted as they are in the end."""
        first = next_id(self._connection, runs) if uuids else 1
        self._new_ids = range(first, first + len(uuids))
        self._new = [
            {**_EMPTY, "uuid": uuid, "id": row_id} for row_id, uuid in zip(self._new_ids, uuids, strict=True)
        ]
        self._rows.update((row["uuid"], row) for row in self._new)


def _values(row: dict[str, Any], *before: str) -> tuple[Any, ...]:
    return tuple([row[column] for column in (*before, *_COLUMNS)])


def _is_open(state: str | None) -> bool:
    return state is None or state.lower() in _OPEN


def _is_ended_for_it(state: str | None, details: Mapping[str, Any] | None) -> bool:
    """Did somebody else say that the run has ended, because it did not say so itself?"""
    return not _is_open(state) and _ENDER in (details or {})


def _without_ender(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if key != _ENDER}


def _is_stale(row: dict[str, Any], run: RunRecord) -> bool:
    """Did the record come late: a state of an earlier attempt, a Running after the end of this one, or an end
    that somebody concluded for a run that had ended by itself?"""
    if run.state is None or row["state"] is None:
        return False
    rank = _rank(run.attempt or row["attempt"], run.state, run.details)
    return rank < _rank(row["attempt"], row["state"], row["details"])


def _rank(attempt: int, state: str | None, details: Mapping[str, Any] | None) -> tuple[int, bool, bool]:
    is_end = not _is_open(state)
    return attempt, is_end, is_end and not _is_ended_for_it(state, details)
