"""Every hook that a plugin can implement, on one page.

Mark an implementation with :data:`hookimpl` and publish its module under the entry point group
``prefect_lineage``. Implementations are called one by one: one that raises is reported once, by its
plugin's name, and the others are called all the same. No hook can make a user's flow fail.

Hooks run in the process of the flow, mostly in the thread of the task. They must be quick, must not
print, and must not touch the data they are asked about beyond reading it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from prefect_lineage.interceptors import Interceptor
    from prefect_lineage.model.records import Location, Record

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "prefect_lineage"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def lineage_interceptors() -> Iterable[Interceptor]:  # type: ignore[empty-body]
    """Name the calls to watch, library by library.

    Called once per process, when capture is switched on. Nothing is imported for it: an interceptor names its
    library, and is installed when that library is imported, at once if it has been.

    Returns:
        The interceptors. None means none. If it raises, this plugin watches nothing.
    """


@hookspec(firstresult=True)
def lineage_location(target: object) -> Location | None:
    """Say where ``target`` lies: the canonical identity of an argument that is no plain path or URI.

    Called when an interceptor or a user's call names an object that is neither a string nor a path. The first
    answer that is not None counts.
    """


@hookspec(firstresult=True)
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """Digest a Python value by its content, without changing it.

    Called in the thread of the task when a value is passed on to another task or is named by the user.

    Args:
        value: what a task returned.
        limit: bytes; a value whose content is larger must not be digested.

    Returns:
        ``<algorithm>:<hexadecimal digits>``, equal for equal content in any process, and the size of the
        content in bytes. None leaves the value to the other plugins; without an answer it counts as one version
        per run that made it.
    """


@hookspec(firstresult=True)
def lineage_value_memory(value: object) -> Sequence[tuple[object, bool]] | None:
    """Say which objects own the memory in which a value lies: of a data frame the arrays of its columns.

    Called in the thread of the task, when a value is returned, and for an argument that is no returned object. A value
    that lies in the memory of a returned one is made of it: the edge is there, and is ``inferred`` if the content
    is another.

    Returns:
        Pairs: an object that can be referred to weakly and is the same for all that share the memory, not a view of it;
        and whether the value takes all of it. Who returns a slice of what was there has not made it. None for other
        values.
    """


@hookspec(firstresult=True)
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Describe a value: any of ``type`` (of the artifact), ``format``, ``rows``, ``schema``.

    Called once per digested value. ``schema`` is a sequence of (column, type) pairs. Must not compute on the data.
    """


@hookspec
def lineage_noise(path: str, write: bool) -> bool | None:
    """Drop a raw file access as noise.

    Called at the end of an attempt, once for every path that it touched. One True suffices.
    """


@hookspec
def lineage_after_run(record: Record) -> None:
    """Observe what was just recorded: one call for every run that ended, one for every attempt that left edges.

    Called after the record is in the journal, in the thread of the run. While large files of the process are hashed it
    waits for them, in a thread of our own; the order stays. The record is the one that the store gets.
    """


@hookspec
def lineage_redaction(text: str) -> str | None:
    """Take secrets out of a URI, a parameter or a statement before it is recorded.

    Called for every such text after the built-in redaction. Answers are applied one after the other; None keeps
    the text. If it raises, the text is replaced whole, for a secret that slips is worse than a missing word.
    """


@hookspec(firstresult=True)
def lineage_node_style(node: dict[str, Any]) -> dict[str, str] | None:
    """Style a node of the map: ``icon`` (one of the map's), ``label`` (the line above the name).

    Called once per node when a map is made, in the process that makes it, with the node's public JSON.
    """
