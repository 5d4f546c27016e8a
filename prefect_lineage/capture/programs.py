"""Other programs that a run starts: opaque steps, of which only the arguments are known.

What such a program read and wrote nobody saw, unless it is a Python that could be reached (:mod:`.pythons`). A file
whose very name it was given is taken as its input; one that is new, or another, when the attempt has ended as its
output. Both are marked ``inferred``.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Container, Iterable, Iterator
from typing import Any

from prefect_lineage.capture.attempt import Access, Attempt, pending
from prefect_lineage.capture.fingerprints import fingerprint

__all__ = ["forget_seen", "note_program", "words_of"]

MAX_PROGRAMS = 50
"""Programs of one attempt whose arguments are kept; of the others only the number is."""

_MAX_WORDS = 100
_MAX_LENGTH = 2_000
_SCRIPTS = (".py", ".sh", ".bash", ".r", ".pl", ".rb", ".jl", ".js", ".sql", ".awk", ".sed", ".jar")
"""What an interpreter is given first is code."""

_NAMES = frozenset("<>|&;()")
_BETWEEN = frozenset("|&;(")
"""Characters of a shell after which another program is named, unless they are among those that redirect."""

_REDIRECTIONS = frozenset("<>")


def words_of(command: Any, *, by_shell: bool = False) -> list[str]:
    """The words of a command as ``subprocess`` takes it; none if they cannot be told apart."""
    try:
        if isinstance(command, (str, bytes, os.PathLike)):
            text = os.fsdecode(command)
            if not by_shell:
                return [text]
            words = shlex.shlex(text, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            return list(words)
        return [os.fsdecode(word) for word in command]
    except (TypeError, ValueError):
        return []


def note_program(
    attempt: Attempt, via: str, words: list[str], folder: Any = None, *, given: str = ""
) -> list[Access]:
    """A program is about to be started with these words, in this folder.

    Args:
        given: what it says when it is seen inside; then nothing need be inferred of it.

    Returns:
        What it may read or write, as it is before: to be added to the attempt if the program does start.
    """
    if not words:
        return []
    if len(attempt.programs) < MAX_PROGRAMS:
        kept = [word[:_MAX_LENGTH] for word in words[:_MAX_WORDS]]
        attempt.programs.append({"via": via, "arguments": kept, "given": given})
    try:
        home = os.path.abspath(os.fsdecode(folder or os.curdir))  # noqa: PTH100 - it may be bytes
    except (TypeError, ValueError, OSError):
        return []
    found = (_access(path, via, given) for path in _paths(words[:_MAX_WORDS], home))
    return [access for access in found if access is not None]


def _paths(words: Iterable[str], home: str) -> Iterator[str]:
    """The words that may name data, as paths. A line for the shell may have several programs, and change the folder."""
    first, is_program, moves = True, True, False
    for word in words:
        if not word or _NAMES.issuperset(word):
            first, is_program = (
                False,
                bool(_BETWEEN.intersection(word)) and not _REDIRECTIONS.intersection(word),
            )
            continue
        if is_program:
            first, is_program = True, "=" in word and not word.startswith(("/", "."))  # NAME=value before it
            moves = word == "cd"
            continue
        if moves:
            home, moves = os.path.join(home, os.path.expanduser(word)), False  # noqa: PTH111, PTH118
            continue
        if word.startswith("-"):
            _, equals, word = word.partition("=")
            if not equals:
                continue
        elif "=" in word and not os.path.lexists(os.path.join(home, word)):  # noqa: PTH118 - dd's if=, of=
            word = word.partition("=")[2]
        is_code, first = first and word.lower().endswith(_SCRIPTS), False
        if word and not is_code and "\0" not in word and len(word) < _MAX_LENGTH and "://" not in word:
            yield os.path.join(home, os.path.expanduser(word))  # noqa: PTH111, PTH118


def forget_seen(attempt: Attempt, seen: Container[str]) -> None:
    """Nothing need be inferred of the programs that were seen inside; of the others it stays."""
    kept = []
    for access in attempt.accesses:
        if access.given and access.given in seen:
            pending.forget((access,))
        else:
            kept.append(access)
    attempt.accesses = kept
    attempt.programs = [
        {name: value for name, value in program.items() if name != "given"}
        for program in attempt.programs
        if not program.get("given") or program["given"] not in seen
    ]


def _access(path: str, via: str, given: str) -> Access | None:
    """What may be data: a regular file, or a name in a folder that is there."""
    known = fingerprint(path)
    if known is None and (os.path.lexists(path) or not os.path.isdir(os.path.dirname(path))):  # noqa: PTH112, PTH120
        return None
    return Access("open", path, via, existed=known is not None, known=known, inferred=True, given=given)
