"""What is alike for all runs of a function in one process: its code, its environment, the process. Told once."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from prefect_lineage.capture.code import code_of, environment_of, git_state
from prefect_lineage.capture.liveness import this_process
from prefect_lineage.capture.redact import Lasting

__all__ = ["lasting_of", "told"]

log = logging.getLogger("prefect_lineage")

_MAX_KNOWN = 1_024


class _Known(NamedTuple):
    """What was told of a function, and while what holds it is true."""

    code: CodeType
    name: str | None
    clean: Lasting
    process: int
    found: Lasting


_known: dict[int, _Known] = {}
"""By id of a function's code; with that code, so that the id stays its own."""


def lasting_of(function: Callable[..., Any]) -> Lasting:
    """Code, environment and process of a run of the function; what cannot be told is left out."""
    plain = inspect.unwrap(function) if hasattr(function, "__wrapped__") else function
    code, name = getattr(plain, "__code__", None), getattr(plain, "__qualname__", None)
    known = _known.get(id(code))
    if (
        known is not None
        and (known.code, known.name, known.process) == (code, name, os.getpid())
        and git_state(known.clean) is known.found["code"]  # git says late whether the work tree is clean
    ):
        return known.found
    return _told_of(plain, code, name)


def _told_of(function: Callable[..., Any], code: object, name: str | None) -> Lasting:
    found = Lasting(
        told(
            code=lambda: git_state(code_of(function)),
            environment=lambda: environment_of(function),
            process=this_process,
        )
    )
    if isinstance(code, CodeType) and "code" in found:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[id(code)] = _Known(code, name, code_of(function), os.getpid(), found)
    return found


def told(**parts: Callable[[], Any]) -> dict[str, Any]:
    """What can be told of a run: a part that cannot be told leaves the others, and the run, as they are."""
    found = {}
    for name, tell in parts.items():
        try:
            found[name] = tell()
        except Exception as error:
            log.warning("Lineage cannot tell the %s of a run: %r", name, error, exc_info=error)
    return found
