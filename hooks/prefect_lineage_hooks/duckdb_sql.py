"""Which files a statement in duckdb's SQL reads and writes, from its text alone: no second statement is run.

A file is a quoted table name with a suffix that duckdb knows, the first argument of a function that reads, or what
COPY, EXPORT, IMPORT and ATTACH name. A view is what its own statement reads, when it is read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect_lineage.interceptors import Claimed, NotUnderstood

__all__ = ["State", "Touched", "statements"]

_SUFFIX = re.compile(
    r"\.(parquet|csv|tsv|txt|jsonl?|ndjson|arrow|avro|xlsx|gpkg|shp|geojson|db|duckdb)(\.(gz|zst|bz2))?$",
    re.IGNORECASE,
)
_FUNCTION = re.compile(
    r"(read_(?!only)|scan_)?(csv|csv_auto|parquet|json|ndjson|json_auto|json_objects|json_objects_auto|ndjson_auto"
    r"|ndjson_objects|text|blob|xlsx|avro|arrow|lines)(_scan|_metadata|_schema|_file_metadata|_kv_metadata)?"
    r"|sniff_csv|(delta|iceberg|sqlite|lance|arrow_ipc|scan_arrow_ipc)_scan|st_read|st_readshp|scan_arrow_ipc"
)
_PORTED = re.compile(r"\s*(export|import)\s+database\s+(?:\S+\s+to\s+)?'((?:[^']|'')+)'", re.IGNORECASE)
_PREFIX = re.compile(r"\s*explain\s+(analyze\s+)?|\s*table\s+(?=['\"])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that a statement touches; ``path`` may be a pattern."""

    path: str
    operation: Claimed = "read"
    format: str | None = None


@dataclass(slots=True)
class State:
    """What is known of one database and all of its connections.

    Attributes:
        path: its file; None in memory.
        attached: files that are attached to it.
        views: what a view reads, by its name.
    """

    path: str | None = None
    readonly: bool = False
    attached: list[str] = field(default_factory=list)
    views: dict[str, list[Touched]] = field(default_factory=dict)


def statements(sql: str, given: Any, state: State) -> list[Touched]:
    """What the statements of ``sql`` touch; ``given``: the values of its parameters.

    Raises:
        NotUnderstood: a statement cannot be parsed.
    """
    found: list[Touched] = []
    for statement in _parsed(sql):
        found += _ported(statement) if isinstance(statement, str) else _touched(statement, given, state)
    return found


@functools.lru_cache(maxsize=256)
def _parsed(sql: str) -> tuple[Any, ...]:
    """Trees; a statement that the parser does not know and we do stays text."""
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError

    if _PORTED.match(sql):
        return tuple(part for part in sql.split(";") if part.strip())
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it says on stderr what it does not support
    prefix = _PREFIX.match(sql)
    text = sql[prefix.end() :] if prefix else sql
    try:
        return tuple(
            tree
            for tree in sqlglot.parse(text if not _is_table(prefix) else f"from {text}", read="duckdb")
            if tree
        )
    except (SqlglotError, RecursionError) as error:
        raise NotUnderstood("SQL that cannot be parsed") from error


def _is_table(prefix: re.Match[str] | None) -> bool:
    return prefix is not None and prefix.group().strip().lower() == "table"


def _ported(text: str) -> list[Touched]:
    match = _PORTED.match(text)
    if match is None:
        return []
    return [Touched(match[2].replace("''", "'"), "write" if match[1].lower() == "export" else "read")]


def _touched(tree: Any, given: Any, state: State) -> list[Touched]:
    from sqlglot import exp

    if isinstance(tree, exp.Attach):
        return _attached(tree, state)
    if isinstance(tree, exp.Create) and tree.kind == "VIEW":
        state.views[_name(tree.this)] = _read(tree.expression, given, state) if tree.expression else []
        return []
    if isinstance(tree, exp.Create) and tree.kind not in {"TABLE", "SCHEMA"}:
        return []  # a macro reads when it is called
    if isinstance(tree, exp.Drop):
        state.views.pop(_name(tree.this), None)
        return []
    if isinstance(tree, exp.Copy):
        return _copied(tree, given, state)
    return _read(tree, given, state)


def _name(tree: Any) -> str:
    from sqlglot import exp

    table = tree.this if isinstance(tree, exp.Schema) else tree
    return str(table.name).lower()


def _attached(tree: Any, state: State) -> list[Touched]:
    from sqlglot import exp

    literal = tree.find(exp.Literal)
    path = literal.this if literal is not None and literal.is_string else ""
    if not path or path == ":memory:" or (":" in path.partition("/")[0] and "://" not in path):
        return []  # 'postgres:dbname=…' is a service
    readonly = any("READ_ONLY" in option.sql().upper() for option in tree.expressions)
    if not readonly:
        state.attached.append(path)
    return [Touched(path, "read" if readonly else "open", "duckdb")]


def _copied(tree: Any, given: Any, state: State) -> list[Touched]:
    read = _read(tree.this, given, state)
    into = bool(tree.args.get("kind"))  # FROM
    options = {str(one.this).lower(): one for one in tree.args.get("params") or ()}
    told = options.get("format")
    format_ = str(getattr(told.expression, "name", "") or "").lower() if told is not None else None
    found = []
    for place in tree.args.get("files") or ():
        paths = _texts(place, tree, given)
        found += [Touched(path, "read" if into else "write", format_ or _format(path)) for path in paths]
    return [*(one for one in read if not into), *found]


def _read(tree: Any, given: Any, state: State) -> list[Touched]:
    """The files behind the tables and functions of a statement."""
    from sqlglot import exp

    found: dict[str, Touched] = {}
    common = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            for touched in _function(table.this, tree, given):
                found[touched.path] = touched
        elif not table.db and _SUFFIX.search(table.name):
            found[table.name] = Touched(table.name, "read", _format(table.name))
        elif table.name.lower() not in common:
            found.update((one.path, one) for one in state.views.get(table.name.lower(), ()))
    if isinstance(tree, (exp.Summarize, exp.Describe)) and isinstance(tree.this, exp.Literal):
        found[tree.this.name] = Touched(tree.this.name, "read", _format(tree.this.name))
    return list(found.values())


def _function(call: Any, tree: Any, given: Any) -> Iterable[Touched]:
    from sqlglot import exp

    name = (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()
    if not _FUNCTION.fullmatch(name):
        return []
    arguments = (
        call.expressions if isinstance(call, exp.Anonymous) else [call.args.get("this"), *call.expressions]
    )
    places = [one for one in arguments if one is not None]
    paths = _texts(places[0], tree, given) if places else []
    return [Touched(path, "read", _format(path) or _known(name)) for path in paths]


def _texts(place: Any, tree: Any, given: Any) -> list[str]:
    """The texts that an expression is: a literal, a list of them, or a parameter whose value was given."""
    from sqlglot import exp

    if isinstance(place, (exp.Literal, exp.Identifier, exp.Column, exp.Table)):
        is_text = not isinstance(place, exp.Literal) or place.is_string
        return (
            [place.name] if is_text and (isinstance(place, exp.Literal) or _SUFFIX.search(place.name)) else []
        )
    if isinstance(place, (exp.Array, exp.Tuple, exp.Paren)):
        inner = [place.this] if isinstance(place, exp.Paren) else place.expressions
        return [text for one in inner for text in _texts(one, tree, given)]
    value = _value(place, tree, given) if isinstance(place, (exp.Placeholder, exp.Parameter)) else None
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(one) for one in values if isinstance(one, str) or hasattr(one, "__fspath__")]


def _value(place: Any, tree: Any, given: Any) -> Any:
    """The value of a parameter: ``$name``, ``$2`` or the next ``?``."""
    from sqlglot import exp

    if isinstance(given, Mapping):
        return given.get(place.name)
    if not isinstance(given, Sequence) or isinstance(given, str):
        return None
    if place.name.isdecimal():
        at = int(place.name) - 1
    else:
        at = next(
            (at for at, one in enumerate(tree.find_all(exp.Placeholder, bfs=False)) if one is place), -1
        )
    return given[at] if 0 <= at < len(given) else None


def _format(path: str) -> str | None:
    match = _SUFFIX.search(path)
    return match[1].lower() if match else None


def _known(function: str) -> str | None:
    return next(
        (one for one in ("parquet", "csv", "json", "delta", "iceberg", "avro", "xlsx") if one in function),
        None,
    )
