"""The plugin that Prefect loads at its own import when ``PREFECT_PLUGINS_ENABLED=1``.

Many processes import Prefect and run nothing: command lines, servers, workers; and other plugins, as prefect-aws,
import its engines at once. So capture itself is imported when the first run of a process begins. The few functions
with which every run begins have stand-ins until then, which switch capture on and go where they went before.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple, cast

import pluggy

__all__ = ["disarm", "is_armed", "setup_environment"]

log = logging.getLogger("prefect_lineage")

_BEGINNINGS = (
    ("prefect.context", "EngineContext", "__enter__"),
    ("prefect.flow_engine", None, "run_flow"),
    ("prefect.task_engine", "SyncTaskRunEngine", "start"),
    ("prefect.task_engine", "AsyncTaskRunEngine", "start"),
    ("prefect.task_engine", None, "run_generator_task_sync"),
    ("prefect.task_engine", None, "run_generator_task_async"),
)
"""Module, class and name of what is called before anything that capture patches can be missed."""

# The marker's name is Prefect's, in every release from 3.4 to 3.9.
_hookimpl = pluggy.HookimplMarker("prefect-experimental")

_MODULES = frozenset(module for module, _, _ in _BEGINNINGS)


class _Waiting:
    """A finder of modules that finds none by itself, but has the stand-ins put in when one of ours is loaded."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _MODULES or getattr(_asking, "others", False):
            return None
        _asking.others = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            _asking.others = False
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Loading(spec.loader))
        return spec


class _Loading:
    """A module's own loader, and then the stand-ins."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if is_armed():
            _stand_in(module)


_asking = threading.local()
_waiting = _Waiting()


class _StandIn(NamedTuple):
    """A function in the place of another one; ``own``: that was in ``owner`` itself, not inherited.

    The patches of capture do as much and more, and take longer to import than all of this.
    """

    owner: Any
    name: str
    function: Callable[..., Any]
    original: Callable[..., Any]
    own: bool

    def take_away(self) -> None:
        """Put the original back, unless somebody else has put something in its place."""
        if vars(self.owner).get(self.name) is not self.function:
            return
        if self.own:
            setattr(self.owner, self.name, self.original)
        else:
            delattr(self.owner, self.name)


_standing: list[_StandIn] = []


@_hookimpl
def setup_environment(*, ctx: Any) -> None:  # keyword-only, for that is how Prefect's specification has it
    """Switch capture on for this process, as soon as something runs in it."""
    del ctx
    if is_armed() or _is_on():
        return
    sys.meta_path.insert(0, _waiting)
    for name in sorted(_MODULES & sys.modules.keys()):
        _stand_in(sys.modules[name])


def _is_on() -> bool:
    switch = sys.modules.get("prefect_lineage.capture.switch")
    return switch is not None and switch.recorder() is not None


def is_armed() -> bool:
    """Whether capture is to be switched on by the first run."""
    return _waiting in sys.meta_path


def disarm() -> None:
    """Wait no more: capture is on, or is not wanted. The stand-ins must be gone before capture puts its own patches in,
    for these would call them for the originals; and not long before, for another run may be about to begin."""
    if is_armed():
        sys.meta_path.remove(_waiting)
    while _standing:
        _standing.pop().take_away()


def _switch_on() -> None:
    try:
        from prefect_lineage.capture.switch import enable

        enable()
    except Exception as error:  # Prefect must run, whatever is wrong with us
        log.warning("Lineage is not captured in this process: %r", error, exc_info=error)
        disarm()


def _stand_in(module: ModuleType) -> None:
    """Put the stand-ins of one module in; in a release that begins its runs elsewhere, capture is on at once."""
    for module_name, class_name, name in _BEGINNINGS:
        if module_name == module.__name__:
            owner = getattr(module, class_name, None) if class_name else module
            original = getattr(owner, name, None)
            if original is None:
                _switch_on()
                return
            function = _switching(owner, name, original)
            _standing.append(_StandIn(owner, name, function, original, name in vars(owner)))
            setattr(owner, name, function)


def _switching(owner: Any, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        in_place = vars(owner).get(name) is function
        _switch_on()
        # where somebody has wrapped the stand-in meanwhile, what has its name would come back to here
        return (getattr(owner, name) if in_place else original)(*args, **kwargs)

    return function
