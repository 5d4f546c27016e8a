"""How things are called on the map: short names, icons, marks."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

__all__ = ["icon", "mark", "plain", "printable", "short_names"]

_PLAIN = (str, bool)
_SAFE_INTEGER = 2**53 - 1

_MARKS = {
    "completed": "completed",
    "cached": "cached",
    "failed": "failed",
    "timedout": "failed",
    "crashed": "crashed",
    "running": "running",
    "retrying": "retrying",
    "awaitingretry": "retrying",
    "cancelled": "cancelled",
    "cancelling": "cancelled",
    "pending": "waiting",
    "scheduled": "waiting",
    "late": "waiting",
    "notready": "waiting",
    "paused": "waiting",
    "suspended": "waiting",
}

_ICONS = (
    ("model", re.compile(r"model|checkpoint|weights", re.IGNORECASE)),
    ("chart", re.compile(r"metric|report|eval|plot|figure|chart", re.IGNORECASE)),
    ("table", re.compile(r"table|view|prediction|sql", re.IGNORECASE)),
    ("dataset", re.compile(r"data|split|corpus|features?$", re.IGNORECASE)),
    ("folder", re.compile(r"dir|folder|collection", re.IGNORECASE)),
    ("image", re.compile(r"image|picture|video|audio", re.IGNORECASE)),
    ("code", re.compile(r"code|script|config|notebook", re.IGNORECASE)),
    ("value", re.compile(r"value|object|parameter", re.IGNORECASE)),
)

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def mark(state: str) -> str:
    """The class of a state, by which it is coloured and shaped; ``other`` for one that nobody foresaw."""
    return _MARKS.get(re.sub(r"[^a-z]", "", state.lower()), "other")


def icon(type_: str) -> str:
    """The icon of an artifact's type; a sheet of paper for an unknown one."""
    return next((name for name, pattern in _ICONS if pattern.search(type_)), "file")


def printable(text: str) -> str:
    """The text without what HTML or UTF-8 cannot carry: controls and lone surrogates become U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)


def plain(value: Any) -> Any:
    """The same value in what every JSON reader keeps.

    NaN, infinities and integers beyond 2**53 become text, for a browser would refuse or round them;
    whatever is no JSON type becomes its text too.
    """
    if value is None or type(value) in _PLAIN or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {
            str(key): item if item is None or type(item) in _PLAIN else plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def short_names(names: Iterable[str], paths: Collection[str] = ()) -> dict[str, str]:
    """A short name for each full one: as many trailing path segments as tell it from all others.

    ``file:///data/a/raw.csv`` alone is ``raw.csv``; beside ``file:///data/b/raw.csv`` it is ``a/raw.csv``.
    A name that is neither a path nor a URI stays as it is.

    Args:
        names: full names.
        paths: those of them that are paths although they do not look like one: relative ones.
    """
    full = list(dict.fromkeys(names))
    parts = {name: _segments(name, name in paths) for name in full}
    depth = dict.fromkeys(full, 1)
    for _ in range(12):
        clashes: dict[str, list[str]] = {}
        for name in full:
            clashes.setdefault("/".join(parts[name][-depth[name] :]), []).append(name)
        deeper = [name for group in clashes.values() if len(group) > 1 for name in group]
        deeper = [name for name in deeper if depth[name] < len(parts[name])]
        if not deeper:
            break
        for name in deeper:
            depth[name] += 1
    return {name: "/".join(parts[name][-depth[name] :]) or name for name in full}


def _segments(name: str, is_path: bool) -> list[str]:
    scheme, found, rest = name.partition("://")
    path = rest if found and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else name
    if path is name and not is_path and not name.startswith(("/", "./", "../", "~")):
        return [name]
    return [segment for segment in path.split("/") if segment] or [name]
