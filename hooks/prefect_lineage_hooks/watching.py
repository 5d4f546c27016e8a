"""Interceptors for the many calls of which one argument says where, told as tables.

    {"read_csv": "path", "open": ("uri", 1)}

maps the name of a call to the parameter; a position is told where compiled code does not tell its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from prefect_lineage.interceptors import Call, Claim, Claimed, Claims, Description, Interceptor
from prefect_lineage_hooks.places import expanded, local, places

__all__ = ["Describe", "Where", "argument", "by_mode", "reading", "tried", "watched", "writing"]

Where = str | tuple[str, int]
Describe = Callable[[Call], Description | None]


def argument(call: Call, where: Where) -> Any:
    """The argument that is called so, or stands there."""
    name, position = (where, None) if isinstance(where, str) else where
    value = call[name]
    if value is None and position is not None and len(call.args) > position:
        return call.args[position]
    return value


def by_mode(mode: object, default: str = "r") -> Claimed:
    """What is done to a file that is opened so: what is opened to be changed counts as changed if it is."""
    text = str(mode or default)
    if text.startswith(("w", "x")):
        return "write"
    return "open" if "a" in text or "+" in text else "read"


def reading(
    module: str, calls: Mapping[str, Where], format_: str | None = None, **told: Any
) -> Iterable[Interceptor]:
    """Calls that read files, or what a pattern matches."""
    return watched(module, calls, "read", format_, **told)


def writing(
    module: str, calls: Mapping[str, Where], format_: str | None = None, **told: Any
) -> Iterable[Interceptor]:
    """Calls that write files."""
    return watched(module, calls, "write", format_, **told)


def tried(
    interceptors: Iterable[Interceptor], releases: str, distribution: str | None = None
) -> Iterable[Interceptor]:
    """The same, for releases of a library that they were tried with; in others the calls are left alone."""
    return [replace(one, tested=releases, distribution=distribution) for one in interceptors]


def watched(
    module: str,
    calls: Mapping[str, Where],
    operation: Claimed,
    format_: str | None = None,
    *,
    type_: str | None = None,
    describe: Describe | None = None,
    mode: Where | None = None,
    default: str = "r",
) -> Iterable[Interceptor]:
    """Calls that do one thing to what one argument names; ``mode``: the argument that tells what they do."""
    for name, where in calls.items():
        claims = _claiming(where, operation, format_, type_, describe, mode, default)
        yield Interceptor(module, name, claims, optional=True)


def _claiming(
    where: Where,
    operation: Claimed,
    format_: str | None,
    type_: str | None,
    describe: Describe | None,
    mode: Where | None,
    default: str,
) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        done = operation if mode is None else by_mode(argument(call, mode), default)
        found = places(argument(call, where), call["filesystem"])
        targets = expanded(found) if done == "read" else found
        told = describe if len(targets) == 1 else None
        return [Claim(local(target) or target, done, format_, type_, told) for target in targets]

    return claims
