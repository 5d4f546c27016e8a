"""Many records of few shapes, as little JSON: columns instead of rows, and what repeats once.

A page of 50,000 nodes must be read by a browser in the blink of an eye, so neither keys nor equal values are
repeated per node. ``static/packing.js`` undoes all of it; nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["column", "shaped"]

_EXACT = (str, int, bool, type(None))


def column(values: Sequence[Any]) -> list[Any] | dict[str, Any]:
    """A list of JSON values; where few of them differ, the different ones and where each stands.

    Where all are equal, that value and how often: ``{"one": false, "times": 50000}``.
    """
    places: dict[Any, int] = {}
    at: list[int] = []
    different: list[Any] = []
    for value in values:
        kind = type(value)
        key = (kind, value) if kind in _EXACT else repr(value)
        place = places.setdefault(key, len(different))
        if place == len(different):
            different.append(value)
        at.append(place)
    if len(different) == 1 and len(at) > 1:
        return {"one": different[0], "times": len(at)}
    return list(values) if not at or len(different) * 2 > len(at) else {"of": different, "at": at}


def shaped(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Records by the keys that they have, each key as a column.

    ``kinds`` says of each record which table it is in; within a table, records keep their order.
    """
    tables: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    places: dict[tuple[str, ...], int] = {}
    kinds: list[int] = []
    for record in records:
        keys = tuple(record)
        kinds.append(places.setdefault(keys, len(places)))
        tables.setdefault(keys, []).append(record)
    # Lists of pairs, for a key may be called anything, "__proto__" too.
    packed = [[[key, column([row[key] for row in rows])] for key in keys] for keys, rows in tables.items()]
    return {"kinds": kinds, "tables": packed}
