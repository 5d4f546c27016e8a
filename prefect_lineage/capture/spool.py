"""Spools: what child processes did for an attempt, on its way to the process in which the attempt runs.

A spool is a directory below the journals. Each child process appends lines of JSON to a file of its own, one
line as soon as a thing has happened, so that a killed child loses nothing. The end of the attempt takes the
directory away; who finds it gone is late. No file is held open: programs close descriptors that they never
opened, and a fork would share them.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from prefect_lineage.capture.context import paused
from prefect_lineage.store.journal import owner_may_live, warn_once

__all__ = ["make", "sweep", "take", "tell"]

_SUFFIX = ".spool"
_MAX_AGE_S = 7 * 24 * 3600
"""A spool of another machine, or of a process whose number was given again, is left behind when it is this old."""

_ROUNDS = 1000
"""How often a spool is looked through for files that children make while it is being taken away."""

_numbers = count()
_own = (0, "")


def make(journals: Path, run: str, attempt: int) -> str:
    """Make a spool; the name says whose it is, as with journals. Gives its path, "" if it cannot be made."""
    name = f"{run}-{attempt}.{os.getpid()}@{os.uname().nodename}{_SUFFIX}"
    folder = journals / "attempts" / name
    try:
        with paused():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        warn_once("spool", f"Lineage of child processes is being lost: {folder}: {error.strerror or error}.")
        return ""
    return str(folder)


def _file_name() -> str:
    """The file of this process in every spool; a forked child has another one."""
    global _own
    pid = os.getpid()
    if _own[0] != pid:
        _own = (pid, f"{pid}-{time.time_ns()}.jsonl")
    return _own[1]


def tell(folder: str, kind: str, said: Any) -> str | None:
    """Append a line to the spool.

    Returns:
        The key of the line, by which a later one may amend it. None: the attempt is over, or nothing can be
        written.
    """
    name = _file_name()
    key = f"{name}:{next(_numbers)}"
    # ASCII, so that undecodable bytes in file names come back as they were
    line = json.dumps({"key": key, kind: said}, default=str).encode() + b"\n"
    try:
        with paused():
            return key if _appended(f"{folder}/{name}", line) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        warn_once("spool", f"Lineage of child processes is being lost: {folder}: {error.strerror or error}.")
        return None


def _appended(path: str, line: bytes) -> bool:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(descriptor, line)
        # Files are unlinked before they are read: whoever still sees the name after writing has been heard.
        return written == len(line) and os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def take(folder: str) -> list[list[dict[str, Any]]]:
    """Read a spool and remove it: the lines of each child process, in the order in which it wrote them."""
    told: list[list[dict[str, Any]]] = []
    with paused():
        for _ in range(_ROUNDS):
            told += [_taken(path) for path in sorted(Path(folder).glob("*.jsonl"))]
            for letter in Path(folder).glob("*.letter"):  # what comes for it now is late
                letter.unlink(missing_ok=True)
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                break
            except OSError:
                continue  # a child has begun a file meanwhile
            break
    return told


def _taken(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            path.unlink()
            return [line for line in map(_line, stream) if line]
    except OSError as error:
        warn_once("spool", f"Lineage of a child process is lost: {path}: {error.strerror or error}.")
        return []


def _line(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}  # the last line of a child that was killed while it wrote
    return found if isinstance(found, dict) else {}


def sweep(journals: Path) -> int:
    """Remove the spools that killed processes left in a directory of journals.

    What is in them cannot be told from scratch files any more: that was for the end of the attempt to decide.

    Returns:
        How many were removed.
    """
    removed = 0
    with paused():
        for folder in (journals / "attempts").glob(f"*{_SUFFIX}"):
            if _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        with suppress(OSError):  # it is not empty, or not there
            (journals / "attempts").rmdir()
    return removed


def _is_left(folder: Path) -> bool:
    try:
        age = time.time() - folder.stat().st_mtime
    except OSError:
        return False
    return age > _MAX_AGE_S or not owner_may_live(folder, locked=False)
