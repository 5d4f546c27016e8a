"""The entry point: from a command line to an exit code.

0: done. 2: bad input or a failure, one sentence on standard error. 130: interrupted. 141: nobody reads the
output any more. ``run`` ends with the exit code of the script.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError, UnusedCliTokensError

from prefect_lineage.cli.app import app
from prefect_lineage.cli.script import split_arguments
from prefect_lineage.cli.streams import complain, make_printable
from prefect_lineage.errors import LineageError

__all__ = ["main"]

_FAILED = 2
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; ``argv`` is without the program's name. Returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_script = arguments[:1] == ["run"]  # its streams are its own: they are neither changed nor flushed here
    if is_script:
        arguments = ["run", *split_arguments(arguments[1:])]
    else:
        make_printable()
    try:
        code = _dispatch(arguments)
        if not is_script:
            sys.stdout.flush()
    except LineageError as error:
        complain(str(error))
        return _FAILED
    except BrokenPipeError:
        # what is still buffered would fail again when the interpreter ends, and say so
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _dispatch(arguments: list[str]) -> int:
    try:
        command, bound, _ = app().parse_args(arguments, print_error=False, exit_on_error=False, verbose=False)
    except CycloptsError as error:
        chain = " ".join(("prefect-lineage", *(error.command_chain or ())))
        raise LineageError(f"{_one_sentence(error)}; see {chain} --help.") from None
    return command(*bound.args, **bound.kwargs) or 0


def _one_sentence(error: CycloptsError) -> str:
    """The parser speaks in several sentences, on several lines: make them one."""
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"There is no use for {', '.join(map(repr, error.unused_tokens))}"
    text = " ".join(str(error).split()).replace("? ", ". ")
    parts = [part.strip(" .?") for part in text.split(". ")]
    further = [part[:1].lower() + part[1:] for part in parts[1:] if not part.startswith("Available commands")]
    return "; ".join((parts[0], *further))
