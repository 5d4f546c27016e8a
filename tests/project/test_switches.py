"""The ways to switch capture on, as the README lists them: each in a fresh process, all with one answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """
from pathlib import Path
from prefect import flow, task
{imports}

@task
{decorator}
def double(source: Path) -> None:
    Path("double.txt").write_text(source.read_text() * 2)

@flow
def twice() -> None:
    double(Path("source.txt"))

if __name__ == "__main__":
    {start}
    twice()
"""
TRACK = {"imports": "from prefect_lineage import track", "decorator": "@track"}
ENABLE = {"imports": "import prefect_lineage", "start": "prefect_lineage.enable()"}


def _environment(home: Path, server: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
    return kept | {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_API_URL": server,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **more,
    }


def _run(folder: Path, environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _edges_of_double(folder: Path, environment: dict[str, str]) -> set[tuple[str, str]]:
    found = _run(folder, environment, "-m", "prefect_lineage", "upstream", "double.txt", "--json")
    graph = json.loads(found)
    places = {node["id"]: Path(node["uri"]).name for node in graph["nodes"] if node["kind"] == "version"}
    return {(edge["direction"], places[edge["version"]]) for edge in graph["edges"]}


WAYS = {
    "the run command": ({}, ["-m", "prefect_lineage", "run", "flow.py"], {}),
    "Prefect's plugin switch": ({}, ["flow.py"], {"PREFECT_PLUGINS_ENABLED": "1"}),
    "enable() in the program": (ENABLE, ["flow.py"], {}),
    "track on the task": (TRACK, ["flow.py"], {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_switch_on_records_the_same_edges(way: str, tmp_path: Path, prefect_server: str) -> None:
    parts, words, variables = WAYS[way]
    (tmp_path / "source.txt").write_text("two")
    (tmp_path / "flow.py").write_text(FLOW.format(**{"imports": "", "decorator": "", "start": "", **parts}))
    environment = _environment(tmp_path / ".prefect", prefect_server, **variables)
    _run(tmp_path, environment, *words)
    assert _edges_of_double(tmp_path, environment) == {("input", "source.txt"), ("output", "double.txt")}


def test_switched_off_nothing_is_recorded_whatever_else_is_set(tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "source.txt").write_text("two")
    (tmp_path / "flow.py").write_text(FLOW.format(**{"decorator": "", **ENABLE}))
    switches = {"PREFECT_PLUGINS_ENABLED": "1", "PREFECT_LINEAGE_ENABLED": "0"}
    environment = _environment(tmp_path / ".prefect", prefect_server, **switches)
    _run(tmp_path, environment, "flow.py")
    assert not (tmp_path / ".prefect" / "lineage.db").exists()
    assert (tmp_path / "double.txt").read_text() == "twotwo"
