"""Which process a run is in, told so that another process can later say whether it is gone.

A process number alone says little, for numbers are given again: the time at which the process began belongs to it,
the boot of the machine, and the namespace in which the number counts. Read from Linux' ``/proc``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from prefect_lineage.capture.identity import host
from prefect_lineage.capture.redact import Lasting

__all__ = ["is_gone", "this_process"]

_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"
_DEAD = {"Z", "X", "x"}
"""States of a process that does nothing any more: a zombie waits for its parent only."""


def this_process() -> Lasting:
    """Host, number, start (in clock ticks since the boot), boot and namespace; what is not known is left out."""
    return _process(os.getpid())  # a forked child is another one


@cache
def _process(pid: int) -> Lasting:
    found = _start_of(pid)
    known = {
        "host": host(),
        "pid": pid,
        "started": found and found[0],
        "boot": _boot(),
        "space": _space(),
    }
    return Lasting((name, value) for name, value in known.items() if value is not None)


def is_gone(process: object) -> bool:
    """Whether a process that :func:`this_process` told of has certainly ended; in doubt, or elsewhere, it has not."""
    if not isinstance(process, Mapping) or process.get("host") != host():
        return False
    pid, started, boot = (process.get(name) for name in ("pid", "started", "boot"))
    if type(pid) is not int or pid <= 0 or not isinstance(boot, str) or _boot() is None:
        return False
    if boot != _boot():
        return True  # the machine has been switched off since
    if process.get("space") != _space():
        return False  # a container's number, which means another process here
    found = _start_of(pid)
    if found is None:
        return _is_unknown(pid)
    return found[1] in _DEAD or (type(started) is int and found[0] != started)


def _is_unknown(pid: int) -> bool:
    """Whether there is no such process; where ``/proc`` hides those of others, they live all the same."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False


def _start_of(pid: int) -> tuple[int, str] | None:
    """When a process began, and its state."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()  # the program's name may hold spaces and brackets
        return int(fields[19]), fields[0]
    except (OSError, ValueError, IndexError):
        return None


@cache
def _boot() -> str | None:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def _space() -> str | None:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None
