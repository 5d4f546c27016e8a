"""Python programs that a run starts: what they do is seen inside, where they can import this package.

Their environment gets two variables more: a folder in front of ``PYTHONPATH``, whose ``sitecustomize`` takes both away
again before the program begins, and a *letter*, a file in the attempt's spool that says whose work it is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect_lineage.capture.attempt import Attempt, claim_id
from prefect_lineage.capture.context import paused

__all__ = ["LETTER", "exported", "inherited", "is_python", "may_start_python", "post"]

LETTER = "_PREFECT_LINEAGE_LETTER"
_SITE = str(Path(__file__).resolve().parent / "child_site")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*w?")
_RUNNERS = frozenset(("uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "conda", "mamba"))
"""They do nothing but start a Python in its environment."""

_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "make", "nox", "tox", "env", "nice", "time", "timeout"))
_FIRST_LINE = 128
_numbers = count()


def is_python(words: list[str], environment: Mapping[Any, Any]) -> bool:
    """Whether these words start one Python, and nothing besides it."""
    if not words:
        return False
    name = os.path.basename(words[0])  # noqa: PTH119
    return (
        name in _RUNNERS
        or _PYTHON.fullmatch(name) is not None
        or b"python" in _shebang(words[0], environment)
    )


def may_start_python(words: Iterable[str], folder: Any, environment: Mapping[Any, Any]) -> bool:
    """Whether a Python may come of these words: it is named, or a script or a launcher is."""
    home = os.fsdecode(folder) if folder is not None else ""
    for place, word in enumerate(words):
        name = os.path.basename(word)  # noqa: PTH119
        if _PYTHON.fullmatch(name) or (place == 0 and name in _RUNNERS | _SHELLS):
            return True
        if place == 0 or "/" in word:
            full = os.path.join(home, word) if "/" in word else word  # noqa: PTH118
            if _shebang(full, environment):
                return True
    return False


def _shebang(program: str, environment: Mapping[Any, Any]) -> bytes:
    """The first line of a script that says what is to run it."""
    found = shutil.which(program, path=_variable(environment, "PATH") or os.defpath)
    if found is None:
        return b""
    try:
        with paused(), open(found, "rb") as file:  # noqa: PTH123 - bytes are enough
            line = file.read(_FIRST_LINE).partition(b"\n")[0]
    except OSError:
        return b""
    return line if line.startswith(b"#!") else b""


def _variable(environment: Mapping[Any, Any], name: str) -> str:
    """A variable of an environment whose names may be text or bytes."""
    found = (value for spelt, value in environment.items() if spelt in (name, name.encode()))
    return os.fsdecode(next(found, ""))


def post(attempt: Attempt, token: str, environment: Mapping[Any, Any]) -> dict[str, str] | None:
    """The variables that a Python needs to find its way back here; None if it cannot be told.

    Args:
        token: what it is to say when it has arrived.
        environment: what it would have got; it has its own ``PYTHONPATH`` back when it begins.
    """
    if not attempt.spool:
        return None
    carrier, arguments = attempt.__reduce__()
    told = asdict(carrier(*arguments))
    settings = json.loads(told["settings"])
    if urlsplit(settings.get("url", "")).password:
        del settings["url"]  # a letter lies on the disk: whoever comes asks its own settings
    letter = {"carrier": {**told, "settings": json.dumps(settings)}, "claim": claim_id.get()}
    place = f"{attempt.spool}/{os.getpid()}-{next(_numbers)}.letter"
    with paused():
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, json.dumps(letter).encode())
        finally:
            os.close(descriptor)
    before = _variable(environment, "PYTHONPATH")
    return {"PYTHONPATH": f"{_SITE}{os.pathsep}{before}" if before else _SITE, LETTER: f"{place}|{token}"}


def inherited() -> dict[Any, Any]:
    """What a child inherits: ``os.environ``, and what compiled code has set and Python does not know of."""
    import ctypes  # not before a program is started

    found: dict[Any, Any] = {}
    try:
        entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    except (ValueError, OSError):  # another system
        return dict(os.environ)
    for number in count():
        entry = entries[number]
        if entry is None:
            return found
        name, equals, value = entry.partition(b"=")
        if equals and name not in found:
            found[name] = value
    return found


def exported(variables: Mapping[str, str], line: str) -> str:
    """A line for the shell, with variables for what it starts."""
    return "".join(f"export {name}={shlex.quote(value)}; " for name, value in variables.items()) + line
