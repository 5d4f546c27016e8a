"""Parameters as they are shown: bounded, plain, and without computing on anybody's data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from prefect_lineage.capture.redact import Redactor

__all__ = ["bounded", "bounded_each", "command_line"]

MAX_TEXT = 4_000
MAX_TEXT_IN_ALL = 20_000
MAX_ITEMS = 50
MAX_ITEMS_IN_ALL = 500
MAX_DEPTH = 4

_SCRUBBED = 4 * MAX_TEXT
"""Of a longer text so much is searched for secrets before it is cut."""

_redactor = Redactor()


_LARGEST = 2**63 - 1


class _Budget(Struct):
    """What may still be shown, of all that belongs together."""

    items: int = MAX_ITEMS_IN_ALL
    text: int = MAX_TEXT_IN_ALL


def bounded(value: object) -> Any:
    """JSON data that stands for ``value``: plain data as it is, cut where it is long; else what it is."""
    return _safely(value, MAX_DEPTH, _Budget())


def bounded_each(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of one call, by name; they share one budget, and one that cannot be shown is named by its type."""
    budget, shown = _Budget(), {}
    for name, value in (parameters or {}).items():
        is_small = value is None or (type(value) is int and -_LARGEST <= value <= _LARGEST)
        shown[str(name)] = value if is_small else _safely(value, MAX_DEPTH, budget)
    return shown


def command_line(words: Sequence[str], redactor: Redactor) -> Any:
    """The words of a command without the values of options that are called like secrets."""
    shown, option = [], ""
    for word in words:
        name, equals, value = word.partition("=")
        if option:  # the word after an option, even if it looks like one itself
            shown.append(str(redactor.data({option: word})[option]))
        elif word.startswith("-") and equals:
            key = name.lstrip("-")
            shown.append(f"{name}={redactor.data({key: value})[key]}")
        else:
            shown.append(word)
        option = name.lstrip("-") if word.startswith("-") and not equals else ""
    return bounded(shown)


def _safely(value: object, depth: int, budget: _Budget) -> Any:
    try:
        return _shown(value, depth, budget)
    except Exception:  # noqa: BLE001 - the user's own __str__, shape or __class__ may raise whatever it likes
        return _typed(value)


def _shown(value: object, depth: int, budget: _Budget) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if issubclass(kind, (int, float)):
        return _number(value, kind)
    if issubclass(kind, str):
        return _text(str(value), budget)
    if issubclass(kind, dict) and depth:
        return _mapping(value, depth - 1, budget)  # type: ignore[arg-type]
    if issubclass(kind, (list, tuple, set, frozenset)) and depth:
        return _sequence(value, depth - 1, budget)
    return _text(_named(value), budget)


def _number(value: Any, kind: type) -> Any:
    # what JSON has no numbers for is shown as it is written
    plain = (kind is int and -_LARGEST <= value <= _LARGEST) or (kind is float and math.isfinite(value))
    return value if plain else str(value)


def _mapping(value: dict[Any, Any], depth: int, budget: _Budget) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, item in islice(value.items(), MAX_ITEMS):
        if budget.items <= 0:
            break
        budget.items -= 1
        shown[str(_safely(key, 1, budget))] = _safely(item, depth, budget)
    return shown if len(shown) == len(value) else {**shown, "…": f"{len(value)} items"}


def _sequence(value: Any, depth: int, budget: _Budget) -> list[Any]:
    shown = []
    for item in islice(value, MAX_ITEMS):
        if budget.items <= 0:
            break
        budget.items -= 1
        shown.append(_safely(item, depth, budget))
    return shown if len(shown) == len(value) else [*shown, f"… {len(value)} items"]


def _text(text: str, budget: _Budget) -> str:
    """Cut between words and after its secrets were taken out: half a secret would not be known for one."""
    limit = min(MAX_TEXT, max(budget.text, 0))
    shown = text if len(text) <= limit else _cut(_redactor.text(_cut(text, _SCRUBBED)), limit)
    budget.text -= len(shown)
    shown = shown.encode("utf-8", "backslashreplace").decode()  # lone surrogates are no JSON
    return shown if len(text) <= limit else f"{shown}… ({len(text)} characters)"


def _cut(text: str, limit: int) -> str:
    """At most ``limit`` characters: whole words, or of one endless word (a URL) its whole parts."""
    if len(text) <= limit:
        return text
    for gap in (r"\s", r"[/?&;,]"):
        ends = [found.start() for found in re.finditer(gap, text[: limit + 1])]
        if ends and ends[-1] > 0:
            return text[: ends[-1]]
    return text[:limit]


def _named(value: Any) -> str:
    """The type and, for arrays and frames, the shape; paths and the like as they are written."""
    kind = type(value)
    if hasattr(kind, "__fspath__"):
        return str(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
        return f"<{kind.__module__}.{kind.__qualname__} {' x '.join(map(str, shape))}>"
    if kind.__module__ in {"datetime", "decimal", "uuid", "enum", "fractions"}:
        return str(value)
    return _typed(value)


def _typed(value: object) -> str:
    return f"<{type(value).__module__}.{type(value).__qualname__}>"
