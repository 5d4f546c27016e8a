"""Parameters as they are shown: bounded, plain, and without computing on anybody's data."""

from __future__ import annotations

from typing import Any

__all__ = ["bounded"]

MAX_TEXT = 500
MAX_ITEMS = 50
MAX_DEPTH = 4


def bounded(value: object, depth: int = MAX_DEPTH) -> Any:
    """JSON data that stands for ``value``: plain data as it is, cut where it is long; else what it is."""
    if value is None or isinstance(value, (bool, int, float)):
        return value if type(value) in (bool, int, float, type(None)) else str(value)
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    if isinstance(value, dict) and depth:
        shown = {
            str(key)[:MAX_TEXT]: bounded(item, depth - 1) for key, item in list(value.items())[:MAX_ITEMS]
        }
        return shown if len(value) <= MAX_ITEMS else {**shown, "…": f"{len(value)} items"}
    if isinstance(value, (list, tuple, set, frozenset)) and depth:
        cut = [bounded(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
        return cut if len(value) <= MAX_ITEMS else [*cut, f"… {len(value)} items"]
    return _named(value)


def _named(value: object) -> str:
    """The type and, for arrays and frames, the shape; paths and the like as they are written."""
    kind = type(value)
    if hasattr(kind, "__fspath__"):
        return str(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
        return f"<{kind.__module__}.{kind.__qualname__} {' x '.join(map(str, shape))}>"
    if kind.__module__ in {"datetime", "decimal", "uuid", "enum", "fractions"}:
        return str(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"
