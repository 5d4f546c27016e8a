"""Rows of ``edges``: which edges are one row, and how rows are saved."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from prefect_lineage.model.records import EdgeRecord
from prefect_lineage.store.bulk import upsert, write_rows
from prefect_lineage.store.schema import HOWS, PARTIAL, UNCHANGED, edges

__all__ = ["EdgeRow", "EdgeRows", "Key"]

Key = tuple[int, int, int, int]
"""Run, direction, version, attempt: the primary key."""

_INFERRED = HOWS.index("inferred")
_COLUMNS = tuple(column.name for column in edges.columns)


class EdgeRow(Struct, frozen=True, gc=False):
    """A row of ``edges`` but for its key."""

    how: int
    via_id: int
    times: int
    at: int
    flags: int

    @classmethod
    def of(cls, edge: EdgeRecord, at: int, via_ids: Mapping[str, int]) -> EdgeRow:
        """The row of a record's edge."""
        flags = UNCHANGED * edge.unchanged | PARTIAL * edge.partial
        return cls(HOWS.index(edge.how), via_ids[edge.via], edge.times, at, flags)

    def joined(self, other: EdgeRow) -> EdgeRow:
        """Both in one: the same rules as in :func:`_upsert_edges`, for edges that meet within a batch."""
        first = other if self.how == _INFERRED else self
        unchanged = (self.flags | other.flags) & UNCHANGED
        partial = self.flags & other.flags & PARTIAL
        times, at = self.times + other.times, min(self.at, other.at)
        return EdgeRow(first.how, first.via_id, times, at, unchanged | partial)


class EdgeRows:
    """Rows to be saved, one for each key: a statement may touch a row once only."""

    def __init__(self) -> None:
        self._rows: dict[Key, EdgeRow] = {}

    def add(self, key: Key, row: EdgeRow) -> None:
        """Add an edge to what is to be saved."""
        known = self._rows.get(key)
        self._rows[key] = known.joined(row) if known is not None else row

    def save(self, connection: Connection) -> None:
        """Insert the rows, or join them to those that are there."""
        if self._rows:
            found = sorted(self._rows.items(), key=itemgetter(0))
            rows = [(*key, row.how, row.via_id, row.times, row.at, row.flags) for key, row in found]
            write_rows(connection, _upsert_edges(connection.dialect.name), _COLUMNS, rows)


@cache
def _upsert_edges(dialect: str) -> Any:
    statement = upsert(dialect, edges)
    old, new = edges.c, statement.excluded
    unchanged = old.flags.bitwise_or(new.flags).bitwise_and(_literal(UNCHANGED))
    partial = old.flags.bitwise_and(new.flags).bitwise_and(_literal(PARTIAL))
    was_inferred = old.how == _literal(_INFERRED)
    return statement.on_conflict_do_update(
        index_elements=list(edges.primary_key.columns),
        set_={
            "times": old.times + new.times,
            "at": sa.case((new.at < old.at, new.at), else_=old.at),
            "how": sa.case((was_inferred, new.how), else_=old.how),
            "via_id": sa.case((was_inferred, new.via_id), else_=old.via_id),
            "flags": unchanged.bitwise_or(partial),
        },
    )


def _literal(value: int) -> sa.ColumnElement[int]:
    """A number in the statement's text: its parameters are the members of a row."""
    return sa.literal_column(str(value), sa.SmallInteger)
