"""The ways to switch capture on, each in a process of its own."""

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

@task
def copy() -> None:
    Path("out.txt").write_text(Path("in.txt").read_text())

@flow
def pipe() -> None:
    copy()

if __name__ == "__main__":
    pipe()
"""


def python(place: Path, server: str, *words: str, **environment: str) -> str:
    """Run Python in ``place`` against the server; what it wrote to stdout."""
    variables = {**os.environ, "PREFECT_API_URL": server, **environment}
    done = subprocess.run(
        [sys.executable, *words], cwd=place, env=variables, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def edges(place: Path, server: str) -> list[tuple[str, str]]:
    """(run's job, edge direction and artifact) of all that was recorded."""
    graph = json.loads(python(place, server, "-m", "prefect_lineage", "upstream", "out.txt", "--json"))
    nodes = {node["id"]: node for node in graph["nodes"]}
    return sorted(
        (nodes[edge["run"]]["job"], f"{edge['direction']} {nodes[edge['version']]['name']}")
        for edge in graph["edges"]
    )


EXPECTED = [("pipe.copy", "input in.txt"), ("pipe.copy", "output out.txt")]


@pytest.fixture
def script(place: Path) -> Path:
    (place / "in.txt").write_text("1")
    path = place / "flow.py"
    path.write_text(FLOW)
    return path


def test_prefects_own_plugin_switch_captures_an_unchanged_script(script: Path, prefect_server: str) -> None:
    python(script.parent, prefect_server, "flow.py", PREFECT_PLUGINS_ENABLED="1")
    assert edges(script.parent, prefect_server) == EXPECTED


def test_the_run_command_captures_an_unchanged_script(script: Path, prefect_server: str) -> None:
    python(script.parent, prefect_server, "-m", "prefect_lineage", "run", "flow.py")
    assert edges(script.parent, prefect_server) == EXPECTED


def test_enable_in_code_captures_everything_after_it(script: Path, prefect_server: str) -> None:
    script.write_text("import prefect_lineage; prefect_lineage.enable()\n" + FLOW)
    python(script.parent, prefect_server, "flow.py")
    assert edges(script.parent, prefect_server) == EXPECTED


def test_enable_works_where_prefect_was_imported_in_a_running_loop(script: Path, prefect_server: str) -> None:
    script.write_text(
        "import asyncio\n"
        "async def main():\n"
        "    import prefect, prefect_lineage\n"
        "    prefect_lineage.enable()\n"
        "    import flow_module\n"
        "    await asyncio.to_thread(flow_module.pipe)\n"
        "asyncio.run(main())\n"
    )
    (script.parent / "flow_module.py").write_text(FLOW)
    python(script.parent, prefect_server, "flow.py")
    assert edges(script.parent, prefect_server) == EXPECTED


def test_switched_off_nothing_is_captured_whatever_else_is_set(script: Path, prefect_server: str) -> None:
    off = {"PREFECT_LINEAGE_ENABLED": "0", "PREFECT_PLUGINS_ENABLED": "1"}
    python(script.parent, prefect_server, "-m", "prefect_lineage", "run", "flow.py", **off)
    assert (script.parent / "out.txt").read_text() == "1"
    assert not (script.parent.parent / "lineage.db").exists()


def test_importing_prefect_with_the_plugin_imports_nothing_heavy_of_ours(
    place: Path, prefect_server: str
) -> None:
    ask = (
        "import sys, prefect\n"
        "print('prefect_lineage.capture.switch' in sys.modules,\n"
        "      [name for name in ('pandas', 'pyvis', 'prefect_lineage.store.store', 'prefect_lineage.export')\n"
        "       if name in sys.modules])"
    )
    assert python(place, prefect_server, "-c", ask, PREFECT_PLUGINS_ENABLED="1").split("\n")[0] == "True []"


def test_a_flow_process_never_loads_the_export_side(script: Path, prefect_server: str) -> None:
    script.write_text(
        FLOW
        + "    import sys\n"
        + "    far = ('pyvis', 'prefect_lineage.export', 'prefect_lineage.cli')\n"
        + "    print([name for name in sys.modules if name.startswith(far)])\n"
    )
    assert python(script.parent, prefect_server, "flow.py", PREFECT_PLUGINS_ENABLED="1").strip() == "[]"
