"""SQLAlchemy over SQLite: the database file of a statement, also where the connection comes from a pool.

A pool keeps connections from run to run: that ``sqlite3.connect`` was called says which run was first, not which
others asked. So a connection that SQLAlchemy opens is nothing yet; its statements say who reads and who changes, and
who takes the connection below SQLAlchemy may do either. Databases of other kinds are no files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.sql_words import asks_for_change
from prefect_lineage_hooks.sqlite_io import file_of
from prefect_lineage_hooks.watching import tried

_EXECUTES = ("do_execute", "do_execute_no_params", "do_executemany")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return tried(_interceptors(), ">=1.4,<3")


def _interceptors() -> Iterable[Interceptor]:
    for name in _EXECUTES:
        yield Interceptor("sqlalchemy.engine.default", f"DefaultDialect.{name}", _executed, optional=True)
    yield Interceptor("sqlalchemy.engine.default", "DefaultDialect.connect", _connected, optional=True)
    for name in ("Engine.raw_connection", "Connection.connection"):
        yield Interceptor("sqlalchemy.engine.base", name, _taken, optional=True)


def _executed(call: Call) -> Iterable[Claim]:
    if getattr(call.args[0], "name", "") != "sqlite":
        return []
    context: Any = call.args[-1] if hasattr(call.args[-1], "root_connection") else call.kwargs.get("context")
    if context is None:
        return []
    statement = call.args[2] if len(call.args) > 2 else call.kwargs.get("statement")
    changes = asks_for_change(statement) if isinstance(statement, str) else None
    return _claims(context.root_connection.engine.url.database, changes)


def _connected(call: Call) -> Iterable[Claim]:
    """The connection is opened by whoever comes first, for all who will use it."""
    if getattr(call.args[0], "name", "") != "sqlite":
        return []
    database = call.args[1] if len(call.args) > 1 else call.kwargs.get("database")
    return _claims(database, False)


def _taken(call: Call) -> Iterable[Claim]:
    """To speak to the driver: nobody sees what is asked then."""
    owner: Any = call.args[0]
    engine = getattr(owner, "engine", owner)
    if engine.dialect.name != "sqlite" or _is_asked_by_sqlalchemy():
        return []
    return _claims(engine.url.database, None)


def _is_asked_by_sqlalchemy() -> bool:
    """Whether the watched call comes from SQLAlchemy itself."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as in the standard library
    while frame is not None and _module(frame).startswith("prefect_lineage"):
        frame = frame.f_back
    return frame is not None and _module(frame).startswith("sqlalchemy.")


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _claims(name: object, changes: bool | None) -> Iterable[Claim]:
    """Of the file of a database that SQLAlchemy calls so, if it has one."""
    text = name if isinstance(name, str) else ""
    found = file_of(text, uri=text.startswith("file:"))
    return [] if found is None else [Claim(*found, "sqlite", "database", changes=changes)]
