"""Output for people.

On a terminal there are colours and the text wraps to its width. In a pipe there are neither: every line is
whole and plain, so that ``grep`` and ``awk`` find what they look for.
"""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from prefect_lineage.cli.text import ago, moment, visible
from prefect_lineage.model.times import now

__all__ = ["Screen"]

_UNBOUNDED = 100_000  # columns: no line of a pipe is ever broken


class Screen:
    """Standard output for people.

    Attributes:
        terminal: whether a person looks at it; otherwise it is a pipe or a file.
        width: columns that a line may take.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.terminal = self._stream.isatty()
        self.width = shutil.get_terminal_size().columns if self.terminal else _UNBOUNDED
        self._now = now()
        self._console = Console(
            file=self._stream,
            force_terminal=self.terminal,
            width=self.width,
            height=100,  # of no use to us, but without it a dumb terminal would be 80 columns wide
            highlight=False,
            markup=False,
            emoji=False,
        )

    def print(self, what: RenderableType = "") -> None:
        """Print a renderable; a plain string is printed as it is, without markup."""
        if self.terminal:
            self._console.print(what)
            return
        with self._console.capture() as captured:
            self._console.print(what)
        for line in captured.get().splitlines():
            self._stream.write(line.rstrip() + "\n")

    def when(self, micros: int | None) -> str:
        """A time as suits the reader: how long ago for a person, to the second for a pipe."""
        return ago(micros, self._now) if self.terminal else moment(micros)

    def note(self, text: str) -> None:
        """A remark below the answer."""
        self.print(Text(visible(text), style="dim"))
