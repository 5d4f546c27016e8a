"""The switch: capture of this process is off, on for tracked tasks, or on for everything."""

from __future__ import annotations

import logging
import os
from threading import RLock

from prefect_lineage.capture.bootstrap import disarm, is_armed
from prefect_lineage.capture.declaring import Declaring
from prefect_lineage.capture.engines import Engines
from prefect_lineage.capture.net import Net
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.settings import Settings, load

__all__ = [
    "captures_everything",
    "declaring",
    "disable",
    "enable",
    "enable_in_child",
    "enable_tracked",
    "recorder",
]

log = logging.getLogger("prefect_lineage")

_lock = RLock()
_engines: Engines | None = None


def enable() -> bool:
    """Capture every run of this process from now on; a second call does nothing.

    Returns:
        Whether capture is on: not where ``PREFECT_LINEAGE_ENABLED=0``.
    """
    return _switch_on(everything=True)


def enable_tracked() -> bool:
    """Capture the tasks that are tracked; what :func:`enable` has switched on stays on."""
    return _switch_on(everything=False)


def enable_in_child(settings: Settings, *, everything: bool) -> None:
    """Capture in a process that works for a run of another one, by that one's settings, with all nets spread."""
    if _engines is None and Net.spread:
        return  # forked from a process that is watched, and not by this switch: by the kit for plugins' tests
    _switch_on(everything=everything, settings=settings)
    if _engines is not None:
        _engines.recorder.spread_nets()


def captures_everything() -> bool:
    """Whether every run of this process is captured, not only the tracked ones."""
    return _engines is not None and _engines.everything


def _switch_on(*, everything: bool, settings: Settings | None = None) -> bool:
    global _engines
    with _lock:
        if _engines is not None:
            _engines.everything = _engines.everything or everything
            return True
        # who tracks a task takes nothing from what was to be switched on
        everything = everything or is_armed()
        settings = settings or load()
        for warning in settings.warnings:
            log.warning("%s", warning)
        if settings.enabled is False:
            disarm()
            return False
        engines = Engines(Recorder(settings), everything=everything)
        disarm()
        engines.install()
        _engines = engines
        return True


def disable() -> None:
    """Stop capturing and restore every patched object; a second call does nothing."""
    global _engines
    disarm()
    with _lock:
        if _engines is None:
            return
        engines, _engines = _engines, None
        engines.remove()
        engines.recorder.close()


def recorder() -> Recorder | None:
    """The recorder of this process, if capture is on."""
    return _engines.recorder if _engines is not None else None


def declaring() -> Declaring | None:
    """What takes the user's declarations in this process, if capture is on."""
    return Declaring(_engines.recorder) if _engines is not None else None


def _in_child() -> None:
    """After a fork: the lock may have been held by a thread that is not there any more."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_in_child)
