"""ADBC: the database file of its SQLite driver, which is opened in compiled code.

An input if the run left it as it was, an input and an output if it did not. Servers' tables are not told yet.
"""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import local, place


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [Interceptor("adbc_driver_sqlite.dbapi", "connect", _connected, optional=True)]


def _connected(call: Call) -> Iterable[Claim]:
    uri = place(call["uri"])
    if uri is None or ":memory:" in uri or "mode=memory" in uri:
        return []
    path = uri.partition("?")[0]
    if path.startswith("file:") and not path.startswith("file:/"):
        path = path.removeprefix("file:")
    return [Claim(local(path) or path, "open", "sqlite")]
