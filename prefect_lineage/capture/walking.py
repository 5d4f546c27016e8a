"""What is in a value, and what can be told apart: the parts of containers, and objects that everybody shares."""

from __future__ import annotations

import dataclasses
import enum
import os
import types
from collections.abc import Callable, Iterator, Mapping

from prefect_lineage.capture.plain import MAX_ITEMS

__all__ = ["ATOMS", "SHARED", "is_part", "is_shared", "items", "walk"]

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types of what holds nothing else, and of which one object serves everybody who says it."""

_MAX_DEPTH = 4
# One object serves everybody who says it: that two runs had the same one proves nothing.
SHARED = (
    *(type(None), bool, int, float, complex, str, bytes, os.PathLike, type, enum.Enum),
    *(types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
)


def walk(
    value: object, depth: int = _MAX_DEPTH, known: Callable[[object], object | None] = lambda _: None
) -> Iterator[object]:
    """A value and what is in it: containers and dataclasses, each once, to a bounded depth and number in all.

    Args:
        known: what it has an answer for is one thing, into which nobody need look.
    """
    seen: set[int] = set()
    left = MAX_ITEMS
    waiting = [iter(((value, depth),))]
    while waiting and left:
        item, below = next(waiting[-1], (None, -1))
        if below < 0:
            waiting.pop()
            continue
        left -= 1
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if below and not isinstance(item, SHARED) and known(item) is None:
            waiting.append(_below(item, below - 1))


def _below(value: object, depth: int) -> Iterator[tuple[object, int]]:
    return ((item, depth) for _, item in items(value))


def items(value: object) -> Iterator[tuple[str, object]]:
    """The parts of a container or dataclass, and how each is called: ``[0]``, ``['train']``; a bounded number."""
    found: Iterator[tuple[str, object]]
    if isinstance(value, Mapping) and isinstance(value, dict):
        found = ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        found = ((f"[{index}]", item) for index, item in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        found = ((f".{name}", getattr(value, name, None)) for name in names)
    else:
        return
    for index, pair in enumerate(found):
        if index >= MAX_ITEMS:
            return
        yield pair


def is_shared(value: object) -> bool:
    """Whether the interpreter or a module may hand the very same object to several runs."""
    if type(value) in ATOMS:
        return True
    if isinstance(value, (tuple, frozenset)) and len(value) <= MAX_ITEMS:
        return all(map(is_shared, value))
    return isinstance(value, SHARED)


def is_part(item: object) -> bool:
    """Whether it can be told apart from others that are equal."""
    return not isinstance(item, (*SHARED, tuple, frozenset))
