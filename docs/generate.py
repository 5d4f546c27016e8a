"""Write the reference pages anew from the code: docs/cli.md from ``--help``, docs/hooks.md from the specs.

Run by ``make docs``; a test fails while a page differs from what this writes.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cyclopts import App

from prefect_lineage import hookspecs
from prefect_lineage.cli.app import app

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- written by docs/generate.py -->", "<!-- end -->"


def commands(parser: App, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command as the words that a user types, groups of commands before their members."""
    for name in parser:
        if not name.startswith("-"):
            yield (*before, name)
            yield from commands(parser[name], (*before, name))


def shown_help(words: tuple[str, ...]) -> str:
    """What ``--help`` prints for a command, on a terminal of a fixed width."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "prefect_lineage", *words, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def section(title: str, text: str) -> str:
    """A heading and a block of text under it."""
    return f"## {title}\n\n```text\n{text}\n```\n"


def command_reference() -> str:
    """One section for each command."""
    words = ((), *commands(app()))
    return "\n".join(section(" ".join(("prefect-lineage", *each)), shown_help(each)) for each in words)


def signature(hook: Callable[..., object]) -> str:
    """How the hook is called; its annotations are texts, and read better without their quotes."""
    return f"{hook.__name__}{inspect.signature(hook)}".replace("'", "")


def hook_reference() -> str:
    """One section for each hook, in the order of the file that specifies them."""
    hooks = [value for value in vars(hookspecs).values() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    return "\n".join(section(hook.__name__, f"{signature(hook)}\n\n{inspect.getdoc(hook)}") for hook in hooks)


def renewed(page: str, reference: str) -> str:
    """The page with what stands between its two marks replaced."""
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{reference}\n{END}{tail}"


def pages() -> dict[Path, str]:
    """Each reference page with the text that it must have."""
    references = {"cli.md": command_reference, "hooks.md": hook_reference}
    return {HERE / name: renewed((HERE / name).read_text(), make()) for name, make in references.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
        print(f"written: {path}")
