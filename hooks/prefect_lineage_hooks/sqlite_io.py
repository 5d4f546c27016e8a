"""SQLite, through the standard library: the database file that a connection is opened to.

``Connection`` is a class of compiled code and its statements are SQL; what is recorded is the file: an input if the run
left it as it was, an input and an output if it did not, an output if the run has made it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Interceptor


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [Interceptor("sqlite3", "connect", _connected)]


def _connected(call: Call) -> Iterable[Claim]:
    database = call.args[0] if call.args else call.kwargs.get("database")
    if not isinstance(database, (str, bytes, os.PathLike)):
        return []
    uri = call.args[7] if len(call.args) > 7 else call.kwargs.get("uri")
    found = file_of(os.fsdecode(database), uri=bool(uri))
    return [] if found is None else [Claim(*found, "sqlite", "database")]


def file_of(path: str, *, uri: bool) -> tuple[str, Claimed] | None:
    """The file of a database and what may be done to it, given its name or ``file:`` URI; None if it has no file."""
    reads_only = False
    if uri and path.startswith("file:"):
        path, _, query = path.partition("#")[0].partition("?")
        options = parse_qs(query)
        mode = options.get("mode", ["rwc"])[-1]
        if mode == "memory" or options.get("vfs"):
            return None
        reads_only = mode == "ro" or options.get("immutable", ["0"])[-1] == "1"
        path = _local(path)
    if not path or path == ":memory:":
        return None
    return path, "read" if reads_only else "open"


def _local(uri: str) -> str:
    """The path of a ``file:`` URI, which may be relative here: ``file:data/in.db``."""
    path = uri.removeprefix("file:")
    if path.startswith("//"):
        path = "/" + path[2:].partition("/")[2]
    return unquote(path)
