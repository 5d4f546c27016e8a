"""Runs: placeholders for UUIDs that others mention, and the merging of what comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.bulk import changed_values, intern, select_in, update_by_id, within
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
)

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
        self._changed: set[str] = set()
        self._load(mentioned)
        self._add([uuid for uuid in mentioned if uuid not in self._rows])

    def see(self, record: Record) -> int:
        """Merge a run as the record tells it; the id of its row."""
        run = record.run
        row = self._rows[run.id]
        before = dict(row)
        news = self._columns(run)
        if _is_stale(row, run):
            news = {column: value for column, value in news.items() if row[column] is None}
        elif run.state is not None and _is_open(run.state) and not _is_open(row["state"]):
            row["ended_at"] = None  # a further attempt of a run that had ended
        row.update(news)
        row["kind"] = row["kind"] or "task"
        row["attempt"] = max(row["attempt"], run.attempt or record.attempt)
        if run.details:
            row["details"] = {**(row["details"] or {}), **run.details}
        if row != before:
            self._changed.add(run.id)
        return int(row["id"])

    def save(self) -> None:
        """Update the rows that have changed."""
        changed = sorted((self._rows[uuid] for uuid in self._changed), key=lambda row: int(row["id"]))
        if changed:
            self._connection.execute(
                update_by_id(runs, _COLUMNS),
                [
                    changed_values(row["id"], _COLUMNS, (row[column] for column in _COLUMNS))
                    for row in changed
                ],
            )

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
        }
        return {column: value for column, value in told.items() if value is not None and value != ""}

    def _load(self, uuids: Iterable[str]) -> None:
        for row in select_in(self._connection, _KNOWN, uuids):
            self._rows[row.uuid] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it

    def _add(self, uuids: list[str]) -> None:
        if uuids:
            self._connection.execute(runs.insert(), [{"uuid": uuid, "attempt": 1} for uuid in uuids])
            self._load(uuids)


def _is_open(state: str | None) -> bool:
    return state is None or state.lower() in _OPEN


def _is_stale(row: dict[str, Any], run: RunRecord) -> bool:
    """Did the record come late: a state of an earlier attempt, or a Running after the end of this one?"""
    if run.state is None or row["state"] is None:
        return False
    attempt = run.attempt or row["attempt"]
    rank, known = (attempt, not _is_open(run.state)), (row["attempt"], not _is_open(row["state"]))
    return bool(rank < known)
