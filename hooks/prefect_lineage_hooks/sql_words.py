"""What a statement in the SQL of an embedded database asks for, from its first words: a change, or only an answer."""

from __future__ import annotations

import re

__all__ = ["asks_for_change"]

_FIRST = re.compile(r"(?:[\s(]|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(\w*)", re.DOTALL)
"""The first word, behind comments. Other comments stay: what looks like one may be within a string."""
_ASKS = {
    "begin", "commit", "describe", "desc", "end", "explain", "from", "release", "rollback", "savepoint", "select",
    "show", "summarize", "table", "values", "with",
}  # fmt: skip
_CHANGES = {"delete", "insert", "merge", "replace", "update"}
_SHAPES = {"alter", "create", "drop"}
_CHANGING_WORD = re.compile(r"\b(delete|insert|merge|replace|update)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\bif\s+(not\s+)?exists\b", re.IGNORECASE)
_LOOKS = re.compile(
    r"pragma\s+(\w+\.)?(table_x?info|table_list|index_list|index_x?info|foreign_key_list|database_list|collation_list"
    r"|function_list|compile_options|show_tables)\b",
    re.IGNORECASE,
)
"""Pragmas of which the argument is a name, never a setting."""


def asks_for_change(sql: str) -> bool | None:
    """True: it changes something, if it finds it. False: it only reads. None: that cannot be told from its words, for
    one because there may be several statements."""
    found = _FIRST.match(sql)
    if found is None or ";" in sql[found.start(1) :].rstrip("; \n\t"):
        return None
    first, start = found[1].lower(), found.start(1)
    if first in _CHANGES:
        return True
    if first in _SHAPES:
        return None if _CONDITION.search(sql, start) else True
    if first in {"with", "explain"}:  # DuckDB runs what EXPLAIN ANALYZE explains
        return None if _CHANGING_WORD.search(sql, start) else False
    return False if first in _ASKS or _LOOKS.match(sql, start) else None
