"""What a listing is narrowed by, and how globs become SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

__all__ = ["Filter", "glob_matches", "glob_quote"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that all must hold; None and empty ask for nothing.

    Globs are case-sensitive, with ``*``, ``?``, ``[abc]`` and ``[!abc]``. Conditions on runs (``state``, ``job``,
    ``flow``, ``flow_run``, ``unended``) hold for a version or an artifact if they hold for a run that wrote or read it.

    Attributes:
        name: glob on an artifact's name or URI; for runs on the run's name or its job.
        type: of an artifact; for runs: of one that the run wrote or read.
        state: of a run, in any case.
        job: glob on the qualified name of the flow or task.
        flow: glob on the name of the enclosing flow.
        flow_run: UUID of a flow run: itself and all that is nested in it.
        tag: in the tags of a run; for versions in ``metadata["tags"]``.
        metadata: keys and values that a version's metadata holds; for runs their details.
        unended: of a run: that no end of it is known.
        since, until: microseconds; a run's start, a version's creation, an artifact's last change. Both included.
        limit, offset: of the list, newest first.
    """

    name: str | None = None
    type: str | None = None
    state: str | None = None
    job: str | None = None
    flow: str | None = None
    flow_run: str | None = None
    tag: str | None = None
    metadata: Mapping[str, Any] | None = None
    unended: bool = False
    since: int | None = None
    until: int | None = None
    limit: int | None = None
    offset: int = 0

    @property
    def asks_for_runs(self) -> bool:
        """Is there a condition on runs?"""
        return any((self.state, self.job, self.flow, self.flow_run, self.unended))

    @property
    def asks_for_documents(self) -> bool:
        """Is there a condition on JSON, which is finished in Python?"""
        return bool(self.tag or self.metadata)

    def accepts(self, document: Mapping[str, Any] | None) -> bool:
        """Do the metadata of a version, or the details of a run, hold the tag and the values?"""
        document = document or {}
        tags = document.get("tags") or ()
        if self.tag and not (isinstance(tags, (list, tuple)) and self.tag in tags):
            return False
        return all(key in document and document[key] == value for key, value in (self.metadata or {}).items())


def glob_matches(column: ColumnElement[str], glob: str, dialect: str) -> ColumnElement[bool]:
    """The condition that a text column matches a glob; the pattern is bound, never part of the SQL."""
    if dialect == "sqlite":
        return column.op("GLOB", is_comparison=True)(_sqlite_glob(glob))
    return column.op("~", is_comparison=True)(sa.bindparam(None, _regex(glob), type_=sa.Text))


def glob_quote(text: str) -> str:
    """A glob that matches this very text."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _tokens(glob: str) -> Iterator[tuple[str, str]]:
    """(``*`` | ``?`` | ``set`` | ``not`` | ``text``, its content); a bracket that is never closed is text."""
    position = 0
    while position < len(glob):
        sign = glob[position]
        if sign in "*?":
            yield sign, sign
        elif sign == "[" and (close := _closing(glob, position)):
            negated = glob[position + 1] == "!"
            yield ("not" if negated else "set"), glob[position + 1 + negated : close]
            position = close
        else:
            yield "text", sign
        position += 1


def _closing(glob: str, start: int) -> int | None:
    """Where the bracket at ``start`` closes; a ``]`` right after the opening is a member."""
    first = start + (2 if glob[start + 1 : start + 2] == "!" else 1)
    found = glob.find("]", first + 1)
    return None if found < 0 else found


def _sqlite_glob(glob: str) -> str:
    parts = []
    for kind, content in _tokens(glob):
        if kind == "text":
            parts.append("[[]" if content == "[" else content)
        elif kind in "*?":
            parts.append(content)
        elif kind == "not":
            parts.append(f"[^{content}]")
        elif content.startswith("^"):  # a plain member here, a negation there
            parts.append(f"[{content[1:]}^]" if len(content) > 1 else "^")
        else:
            parts.append(f"[{content}]")
    return "".join(parts)


def _regex(glob: str) -> str:
    parts = []
    for kind, content in _tokens(glob):
        if kind == "text":
            parts.append(re.escape(content))
        elif kind in "*?":
            parts.append(".*" if kind == "*" else ".")
        else:
            members = re.sub(r"([\\\]\[^])", r"\\\1", content)
            parts.append(f"[{'^' if kind == 'not' else ''}{members}]")
    return f"^(?:{''.join(parts)})$"
