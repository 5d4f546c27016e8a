"""What is alike for all runs of a function in one process: its code, its environment, the process. Told once."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable
from types import CodeType, FunctionType
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
    found: Lasting


_known: dict[int, _Known] = {}
"""By id of a function's code; with that code, so that the id stays its own. Of this process: a fork forgets it."""


def lasting_of(function: Callable[..., Any]) -> Lasting:
    """Code, environment and process of a run of the function; what cannot be told is left out."""
    plain: Any = function
    if type(function) is not FunctionType or "__wrapped__" in function.__dict__:
        plain = inspect.unwrap(function)
    code: object
    name: str | None
    if type(plain) is FunctionType:  # mostly
        code, name = plain.__code__, plain.__qualname__
    else:
        code, name = getattr(plain, "__code__", None), getattr(plain, "__qualname__", None)
    known = _known.get(id(code))
    if known is not None and known.code is code and known.name == name:
        told = known.found["code"]
        if (
            "dirty" in told or git_state(known.clean) is told
        ):  # git says late, and once, whether all is committed
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
        _known[id(code)] = _Known(code, name, code_of(function), found)
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_known.clear)  # its process is another one
