"""The options that several commands share, each described once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from prefect_lineage.errors import LineageError

__all__ = ["GRAPH", "OUTPUT", "GraphOptions", "OutputOptions", "Time", "flag", "natural", "option"]

_NO_NEGATIVE: tuple[str, ...] = ()


def flag(text: str, *names: str) -> Parameter:
    """An on-or-off option without a ``--no-`` twin."""
    return Parameter(name=names or None, help=text, negative=_NO_NEGATIVE, show_default=False)


def option(text: str, *names: str) -> Parameter:
    """An option that takes a value."""
    return Parameter(name=names or None, help=text, show_default=False)


Time = str
"""ISO 8601, a date or a time; without a zone it is UTC."""


@Parameter(name="*")
@dataclass(frozen=True)
class OutputOptions:
    """What every command that prints takes."""

    json: Annotated[bool, flag("Print one JSON document and nothing else.")] = False
    url: Annotated[
        str | None, option("The store: a SQLAlchemy URL or a SQLite file. Default: the setting URL.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class GraphOptions:
    """Which part of the graph."""

    depth: Annotated[int | None, option("Follow at most this many edges from REF. Default: all.")] = None
    flow: Annotated[str | None, option("Only what runs of this flow did (a glob).")] = None
    flow_run: Annotated[str | None, option("Only what this flow run did (id, prefix or name).")] = None
    type: Annotated[str | None, option("Only versions of this artifact type.")] = None
    since: Annotated[
        Time | None, option("Only what was read or written at this time or later (ISO 8601, UTC).")
    ] = None
    until: Annotated[
        Time | None, option("Only what was read or written up to this time (ISO 8601, UTC).")
    ] = None
    as_of: Annotated[Time | None, option("The graph as it was at this time (ISO 8601, UTC).")] = None

    def chosen(self) -> dict[str, Any]:
        """The keyword arguments of :meth:`prefect_lineage.Lineage.graph`."""
        return {
            "depth": natural("--depth", self.depth),
            "flow": self.flow,
            "flow_run": self.flow_run,
            "type": self.type,
            "since": self.since,
            "until": self.until,
            "as_of": self.as_of,
        }


OUTPUT = OutputOptions()
GRAPH = GraphOptions()


def natural(name: str, value: int | None) -> int | None:
    """The value of an option that counts.

    Raises:
        LineageError: it is negative.
    """
    if value is not None and value < 0:
        raise LineageError(f"{name} is {value}, but must be a whole number from 0 up.")
    return value
