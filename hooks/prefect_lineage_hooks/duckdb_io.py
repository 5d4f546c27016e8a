"""duckdb: the files in its SQL, those of its relations, and its own database files.

It opens everything in compiled code, so what is read and written is told by the statements
(:mod:`prefect_lineage_hooks.duckdb_sql`) and by the arguments of its readers and writers. A relation is an input from
where it is made: its files are bound there. No statement of ours is ever run: it would disturb a result that the user
has not fetched yet.

Its functions look frames up by name in the frame of their caller (``select * from my_df``): they are called in the
user's own namespace.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor, Notes
from prefect_lineage_hooks.canonical import loaded
from prefect_lineage_hooks.duckdb_sql import State, Touched, statements
from prefect_lineage_hooks.places import expanded, place, places
from prefect_lineage_hooks.sql_words import asks_for_change
from prefect_lineage_hooks.watching import tried

TESTED = ">=1,<3"
"""Releases whose ways this module relies on and was tried with."""

_STATEMENTS = ("execute", "executemany", "sql", "query", "from_query")
_USES = ("append", "checkpoint", "commit", "table", "view")
_READERS = {
    "read_csv": "csv",
    "from_csv_auto": "csv",
    "read_json": "json",
    "read_parquet": "parquet",
    "from_parquet": "parquet",
}
_WRITERS = {"write_csv": "csv", "to_csv": "csv", "write_parquet": "parquet", "to_parquet": "parquet"}
_CHANGES = ("create", "insert", "insert_into", "to_table", "update")

_states: Notes[State] = Notes()
"""What is known of the database of a connection, or of a relation."""

_default = State()
"""The database behind the functions of the module."""


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return tried(_interceptors(), TESTED)


def _interceptors() -> Iterable[Interceptor]:
    for owner, on_module in (("", True), ("DuckDBPyConnection.", False)):
        for name in _STATEMENTS:
            yield _interceptor(owner + name, _Statement(on_module=on_module))
        for name in _USES:
            yield _interceptor(owner + name, _OnConnection(on_module=on_module))
        for name, format_ in _READERS.items():
            yield _interceptor(owner + name, _Reading(format_, on_module=on_module))
    yield Interceptor("duckdb", "query_df", _of_a_frame, in_caller=True, optional=True)
    yield Interceptor("duckdb", "connect", _connecting, after=_connected, outside=True, optional=True)
    for name in ("cursor", "duplicate"):
        yield Interceptor(
            "duckdb", f"DuckDBPyConnection.{name}", after=_duplicated, outside=True, optional=True
        )
    for name, format_ in _WRITERS.items():
        yield Interceptor("duckdb", f"DuckDBPyRelation.{name}", _Writing(format_, 1), optional=True)
    yield Interceptor("duckdb", "write_csv", _Writing("csv", 1), optional=True)
    for name in _CHANGES:
        yield Interceptor("duckdb", f"DuckDBPyRelation.{name}", _changing, optional=True)


def _interceptor(name: str, claims: _OnConnection) -> Interceptor:
    return Interceptor("duckdb", name, claims, after=claims.noted, in_caller=True, optional=True)


class _OnConnection:
    """Claims of a call of the module or of a connection: its database is used."""

    def __init__(self, *, on_module: bool) -> None:
        self._on_module = on_module

    def __call__(self, call: Call) -> Iterable[Claim]:
        return _own_file(self.state(call))

    def state(self, call: Call) -> State:
        """What is known of the database that the call is about."""
        connection = call.kwargs.get("connection") if self._on_module else call.args[0] if call.args else None
        if connection is None:
            return _default
        found = _states.get(connection)
        if found is None:
            found = State()
            _states.put(connection, found)
        return found

    def noted(self, call: Call) -> Iterable[Claim]:
        """A relation belongs to the database that it was made in."""
        if call.result is not None and not isinstance(call.result, (str, int, list)):
            _states.put(call.result, self.state(call))
        return []

    def arguments(self, call: Call) -> tuple[Any, ...]:
        return call.args if self._on_module else call.args[1:]


class _Statement(_OnConnection):
    """Claims of SQL."""

    def __call__(self, call: Call) -> Iterable[Claim]:
        state, given = self.state(call), self.arguments(call)
        sql = given[0] if given else call.kwargs.get("query")
        text = (
            sql if isinstance(sql, str) else getattr(sql, "query", None)
        )  # a statement that was parsed before
        if not isinstance(text, str):
            return _own_file(state)
        names = ("parameters", "params")
        values = (
            given[1]
            if len(given) > 1
            else next((call.kwargs[name] for name in names if name in call.kwargs), None)
        )
        own = _own_file(state, asks_for_change(text))
        return [*own, *map(_claim, _spread(statements(text, values, state)))]


class _Reading(_OnConnection):
    """Claims of a reader."""

    def __init__(self, format_: str, *, on_module: bool) -> None:
        super().__init__(on_module=on_module)
        self._format = format_

    def __call__(self, call: Call) -> Iterable[Claim]:
        given = self.arguments(call)
        names = ("path_or_buffer", "name", "file_glob", "file_globs")
        source = (
            given[0] if given else next((call.kwargs[name] for name in names if name in call.kwargs), None)
        )
        return [Claim(path, "read", self._format) for path in expanded(places(source))]


class _Writing:
    """Claims of a writer of a relation, or of a frame."""

    def __init__(self, format_: str, position: int) -> None:
        self._format, self._position = format_, position

    def __call__(self, call: Call) -> Iterable[Claim]:
        given = call.args[self._position :]
        names = ("file_name", "filename", "file")
        target = (
            given[0] if given else next((call.kwargs[name] for name in names if name in call.kwargs), None)
        )
        path = place(target)
        return [] if path is None else [Claim(path, "write", self._format)]


def _of_a_frame(call: Call) -> Iterable[Claim]:
    """``query_df(frame, name, sql)``."""
    sql = call.args[2] if len(call.args) > 2 else call.kwargs.get("sql_query")
    return map(_claim, _spread(statements(sql, None, _default))) if isinstance(sql, str) else []


def _changing(call: Call) -> Iterable[Claim]:
    state = _states.get(call.args[0])
    return _own_file(state) if state is not None else []


# -- databases -------------------------------------------------------------------------------------------


def _connecting(call: Call) -> Iterable[Claim]:
    """What is done with the connection is seen; a file that is not there yet is made by connecting."""
    state = _state_of(call)
    exists = state.path is not None and os.path.exists(state.path)  # noqa: PTH110 - it may be any text
    return _own_file(state, False if exists else None)


def _connected(call: Call) -> Iterable[Claim]:
    """Only a note: another attempt may use the connection."""
    _states.put(call.result, _state_of(call))
    return []


def _duplicated(call: Call) -> Iterable[Claim]:
    state = _states.get(call.args[0])
    if state is not None:
        _states.put(call.result, state)
    return []


def _state_of(call: Call) -> State:
    database = call.args[0] if call.args else call.kwargs.get("database")
    readonly = call.args[1] if len(call.args) > 1 else call.kwargs.get("read_only")
    path = place(database)
    if path is None or path.startswith(":") or not path:
        return _default if path == ":default:" else State()
    return State(path, readonly=bool(readonly)) if not path.startswith("md:") else State()


def _own_file(state: State, changes: bool | None = None) -> list[Claim]:
    files = [Claim(path, "open", "duckdb", changes=changes) for path in state.attached]
    if state.path is not None:
        files.append(Claim(state.path, "read" if state.readonly else "open", "duckdb", changes=changes))
    return files


def _spread(found: Iterable[Touched]) -> Iterable[Touched]:
    """Files in the place of the patterns that are read."""
    for one in found:
        paths = expanded([one.path]) if one.operation == "read" else [one.path]
        yield from (Touched(path, one.operation, one.format) for path in paths)


def _claim(touched: Touched) -> Claim:
    return Claim(touched.path, touched.operation, touched.format)


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """A relation's format and columns; its rows would have to be counted."""
    duckdb = loaded("duckdb", "DuckDBPyRelation", "DuckDBPyConnection")
    if duckdb is None or not isinstance(value, duckdb.DuckDBPyRelation):
        return None
    relation: Any = value
    kinds = zip(relation.columns, map(str, relation.types), strict=True)
    return {"format": "duckdb.DuckDBPyRelation", "schema": tuple(kinds)}
