"""Calls of real libraries, each with the truth of what it reads, writes and deletes.

A call is a function of one folder. Its truth is a list of words like ``"R in.csv"``, ``"W out.csv"``, ``"D in.csv"``,
relative to that folder; a directory ends in a slash; what has a scheme of its own is written whole. An update of what
was there (append, in place, one table of a database) is read *and* written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["CALLS", "Call", "missing", "truth"]


@dataclass(frozen=True)
class Call:
    """One call of the corpus.

    Attributes:
        name: of the function; also that of its folder, its task and its job.
        truth: what it does.
        needs: modules that must be importable for it, or it is skipped.
    """

    name: str
    truth: tuple[str, ...]
    needs: tuple[str, ...]
    function: Callable[[Path], object]


CALLS: dict[str, Call] = {}


def truth(*words: str, needs: str = "") -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
    """Put a function into the corpus."""

    def keep(function: Callable[[Path], object]) -> Callable[[Path], object]:
        name = function.__name__
        assert name not in CALLS, f"two calls are called {name}"
        CALLS[name] = Call(name, words, tuple(needs.split()), function)
        return function

    return keep


def missing(call: Call) -> list[str]:
    """The modules that a call needs and that are not installed."""
    return [name for name in call.needs if find_spec(name) is None]
