"""Examples are run as users run them: by the installed command, in a directory and a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Place:
    """A fresh directory with a store and a Prefect home below it."""

    def __init__(self, folder: Path, server: str, path: str = "") -> None:
        self.folder = folder
        self._answers: dict[tuple[str, ...], Any] = {}
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "PYTEST_", "COVERAGE_"))
        } | {
            "PREFECT_HOME": str(folder / ".prefect"),
            "PREFECT_API_URL": server,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        if path:
            self.environment["PYTHONPATH"] = os.pathsep.join(
                filter(None, (path, self.environment.get("PYTHONPATH")))
            )

    def run(self, *words: str | Path, **environment: str) -> str:
        """Run ``prefect-lineage`` with these words; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect_lineage", *map(str, words)],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def asked(self, *words: str | Path) -> Any:
        """What a command answers with ``--json``; asked once, for nothing changes after the flow."""
        key = tuple(map(str, words))
        if key not in self._answers:
            self._answers[key] = json.loads(self.run(*words, "--json"))
        return self._answers[key]


@pytest.fixture(scope="session")
def place_at(prefect_server: str) -> Callable[..., Place]:
    """Makes a place below a directory; ``path`` is put before its import path."""

    def make(folder: Path, path: str = "") -> Place:
        return Place(folder, prefect_server, path)

    return make


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory, place_at: Callable[..., Place]) -> Place:
    """A place where the zoo example has run."""
    place = place_at(tmp_path_factory.mktemp("zoo"))
    place.run("run", EXAMPLES / "zoo.py", "--out", "zoo")
    return place


@pytest.fixture(scope="session")
def zero_code(tmp_path_factory: pytest.TempPathFactory, place_at: Callable[..., Place]) -> Place:
    """A place where the example without any import of ours has run."""
    place = place_at(tmp_path_factory.mktemp("zero_code"))
    place.run("run", EXAMPLES / "zero_code.py")
    return place
