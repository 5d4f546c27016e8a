"""The options that several commands share, each described once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter, Token

from prefect_lineage.errors import LineageError

__all__ = ["GRAPH", "OUTPUT", "GraphOptions", "OutputOptions", "Time", "flag", "number", "option"]

_NO_NEGATIVE: tuple[str, ...] = ()


def flag(text: str, *names: str) -> Parameter:
    """An on-or-off option without a ``--no-`` twin."""
    return Parameter(name=names or None, help=text, negative=_NO_NEGATIVE, show_default=False)


def option(text: str, *names: str) -> Parameter:
    """An option that takes a value."""
    return Parameter(name=names or None, help=text, show_default=False)


LARGEST = 2**31 - 1
"""Of an option that counts: no store holds more, and every database knows the number."""


def number(text: str) -> Parameter:
    """An option that counts: a whole number from 0 up, or one sentence."""
    return Parameter(help=text, show_default=False, converter=_natural)


def _natural(_: object, tokens: Sequence[Token]) -> int:
    value, name = tokens[0].value, tokens[0].keyword
    try:
        count = int(value)  # the parser's own conversion would round 1.5
    except ValueError:
        count = -1
    if not 0 <= count <= LARGEST:
        raise LineageError(f"{name} is {value}, but must be a whole number from 0 to {LARGEST:,}.")
    return count


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

    depth: Annotated[int | None, number("Follow at most this many edges from REF. Default: all.")] = None
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
    level: Annotated[
        str, option("What is one node: run (default), flow (a flow run) or artifact (all its versions).")
    ] = "run"

    def chosen(self) -> dict[str, Any]:
        """The keyword arguments of :meth:`prefect_lineage.Lineage.graph`; the level is taken of what that gives."""
        return {
            "depth": self.depth,
            "flow": self.flow,
            "flow_run": self.flow_run,
            "type": self.type,
            "since": self.since,
            "until": self.until,
            "as_of": self.as_of,
        }


OUTPUT = OutputOptions()
GRAPH = GraphOptions()
