"""How the tests of one library's calls are written: a function for each call, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from prefect_lineage.testing import Captured, captured

Call = Callable[[Path], object]


class Calls:
    """Calls of a library, each with the lines that it must give."""

    def __init__(self, *hooks: ModuleType) -> None:
        self.hooks = hooks
        self.cases: list[Any] = []

    def case(self, *truth: str, needs: str = "") -> Callable[[Call], Call]:
        """Add a call; ``needs``: a library without which it is skipped, with that reason."""

        def add(call: Call) -> Call:
            self.cases.append(pytest.param(call, sorted(truth), needs, id=call.__name__))
            return call

        return add

    def check(self, call: Call, truth: list[str], needs: str, folder: Path) -> Captured:
        """Run one of them."""
        if needs:
            pytest.importorskip(needs, reason=f"{needs} is not installed")
        with captured(*self.hooks, root=folder) as seen:
            call(folder)
        assert seen.lines == truth, seen.lines
        assert not seen.problems, seen.problems
        assert not seen.misses, seen.misses
        return seen
