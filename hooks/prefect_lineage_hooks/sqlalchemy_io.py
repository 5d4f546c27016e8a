"""SQLAlchemy over SQLite: the database file of a statement, also where the connection comes from a pool.

A pool keeps connections from run to run: that ``sqlite3.connect`` was called says which run was first, not which
others asked. Databases of other kinds are no files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.sqlite_io import file_of

_EXECUTES = ("do_execute", "do_execute_no_params", "do_executemany")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name in _EXECUTES:
        yield Interceptor(
            "sqlalchemy.engine.default", f"DefaultDialect.{name}", _executed, optional=True, tested=">=1.4,<3"
        )


def _executed(call: Call) -> Iterable[Claim]:
    if getattr(call.args[0], "name", "") != "sqlite":
        return []
    context: Any = call.args[-1] if hasattr(call.args[-1], "root_connection") else call.kwargs.get("context")
    if context is None:
        return []
    url = context.root_connection.engine.url
    database = file_of(url.database or "", uri=(url.database or "").startswith("file:"))
    return [] if database is None else [Claim(database[0], database[1], "sqlite", "database")]
