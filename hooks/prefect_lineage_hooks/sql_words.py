"""What a statement in the SQL of an embedded database asks for, from its first words: a change, or only an answer."""

from __future__ import annotations

import functools
import re

__all__ = ["asks_for_change"]

_COMMENT = re.compile(r"--[^\n]*(?:\n|\Z)|/\*.*?\*/", re.DOTALL)
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


@functools.lru_cache(maxsize=512)
def asks_for_change(sql: str) -> bool | None:
    """True: it changes something, if it finds it. False: it only reads. None: that cannot be told from its words, for
    one because there are several statements."""
    text = _COMMENT.sub(" ", sql).strip()
    if ";" in text.rstrip("; \n\t"):
        return None
    word = text.lstrip("( \n\t").partition("(")[0].split(maxsplit=1)[:1]
    first = word[0].rstrip(";").lower() if word else ""
    if first in _CHANGES:
        return True
    if first in _SHAPES:
        return None if _CONDITION.search(text) else True
    if first in {"with", "explain"}:  # DuckDB runs what EXPLAIN ANALYZE explains
        return None if _CHANGING_WORD.search(text) else False
    return False if first in _ASKS or _LOOKS.match(text) else None
