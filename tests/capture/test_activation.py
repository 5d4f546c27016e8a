"""The ways to switch capture on, each in processes of its own; those of ``doctor`` are in tests/cli/test_doctor.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.cli.script import plugin_switch

SWITCH = plugin_switch()
TABLE = "plugins" if SWITCH == "PREFECT_PLUGINS_ENABLED" else "experiments.plugins"
"""Prefect's own switch, as the release that runs here calls it, and its table in files."""

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


def python(place: Path, server: str, *words: str, errors: bool = False, **environment: str) -> str:
    """Run Python in ``place`` against the server; what it wrote to stdout, or with ``errors`` to stderr."""
    variables = {**os.environ, "PREFECT_API_URL": server, **environment}
    done = subprocess.run(
        [sys.executable, *words], cwd=place, env=variables, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stderr if errors else done.stdout


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


def test_a_profile_switches_capture_on_for_an_unchanged_script_which_loads_no_map(
    script: Path, prefect_server: str
) -> None:
    home = script.parent.parent / "home"
    home.mkdir()
    (home / "profiles.toml").write_text(f'active = "on"\n[profiles.on]\n{SWITCH} = "true"\n')
    script.write_text(
        FLOW
        + "    import sys\n"
        + "    far = ('pyvis', 'prefect_lineage.export', 'prefect_lineage.cli')\n"
        + "    print([name for name in sys.modules if name.startswith(far)])\n"
    )
    assert python(script.parent, prefect_server, "flow.py", PREFECT_HOME=str(home)).strip() == "[]"
    assert edges(script.parent, prefect_server) == EXPECTED


def test_the_run_command_reaches_the_processes_that_a_script_starts(
    script: Path, prefect_server: str
) -> None:
    main = (
        "import multiprocessing\n"
        "def work():\n"
        "    from flow import pipe\n"
        "    pipe()\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    (script.parent / "main.py").write_text(main)
    python(script.parent, prefect_server, "-m", "prefect_lineage", "run", "main.py")
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


def test_a_tracked_task_is_captured_where_nothing_else_is_switched_on(
    script: Path, prefect_server: str
) -> None:
    script.write_text("from prefect_lineage import track\n" + FLOW.replace("@task", "@task\n@track"))
    python(script.parent, prefect_server, "flow.py")
    assert edges(script.parent, prefect_server) == EXPECTED


def ask(server: str, path: str, body: dict[str, Any]) -> Any:
    """One request to Prefect's API."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_flow_run_execute_captures_by_the_switch_in_prefect_toml(script: Path, prefect_server: str) -> None:
    (script.parent / "prefect.toml").write_text(f"[{TABLE}]\nenabled = true\n")
    folder = {"prefect.deployments.steps.set_working_directory": {"directory": str(script.parent)}}
    flow = ask(prefect_server, "/flows/", {"name": "pipe"})
    described = {"name": "d", "flow_id": flow["id"], "entrypoint": "flow.py:pipe", "pull_steps": [folder]}
    deployment = ask(prefect_server, "/deployments/", {**described, "parameter_openapi_schema": {}})
    run = ask(prefect_server, f"/deployments/{deployment['id']}/create_flow_run", {})
    python(script.parent, prefect_server, "-m", "prefect", "flow-run", "execute", run["id"])
    assert edges(script.parent, prefect_server) == EXPECTED


def test_switched_off_nothing_is_captured_whatever_else_is_set(script: Path, prefect_server: str) -> None:
    off = {"PREFECT_LINEAGE_ENABLED": "0", SWITCH: "1"}
    script.write_text("import prefect_lineage; prefect_lineage.enable()\n" + FLOW)
    python(script.parent, prefect_server, "-m", "prefect_lineage", "run", "flow.py", **off)
    assert (script.parent / "out.txt").read_text() == "1"
    assert not (script.parent.parent / "lineage.db").exists()


def test_disable_before_the_first_run_keeps_capture_off(place: Path) -> None:
    code = (
        "import prefect, prefect_lineage, prefect_lineage.capture.switch as switch\n"
        "prefect_lineage.disable()\n"
        "import prefect.flow_engine\n"
        "print(switch.recorder())"
    )
    assert python(place, "", "-c", code, **{SWITCH: "1"}).strip() == "None"


def modules_after_importing_prefect(place: Path, switch: str) -> set[str]:
    code = "import sys, prefect\nfrom prefect import flow, task\nprint(*sys.modules)"
    # what prefect-aws imports as a plugin are Prefect's engines, and more
    alone = {SWITCH: switch, SWITCH.replace("ENABLED", "DENY"): "aws"}
    return set(python(place, "", "-c", code, **alone).split())


def test_importing_prefect_with_the_plugin_imports_next_to_nothing_of_ours(place: Path) -> None:
    on, off = modules_after_importing_prefect(place, "1"), modules_after_importing_prefect(place, "0")
    ours = {name for name in on if name.startswith("prefect_lineage")}
    assert ours <= {
        "prefect_lineage",
        "prefect_lineage.capture",
        "prefect_lineage.capture.bootstrap",
        "prefect_lineage.errors",
    }
    assert "prefect_lineage.capture.bootstrap" in ours
    families = {name.partition(".")[0] for name in on - off} - {"prefect_lineage"}
    # what Prefect's own plugin system imports
    assert families <= {"anyio", "packaging", "pluggy", "prefect"} | sys.stdlib_module_names


def test_a_release_of_prefect_that_lacks_what_is_patched_is_told_and_captured_less(
    script: Path, prefect_server: str
) -> None:
    script.write_text(
        "import prefect.task_engine\n"
        "del prefect.task_engine.AsyncTaskRunEngine.call_task_fn  # which a flow without async never needs\n"
        "import prefect_lineage; prefect_lineage.enable()\n" + FLOW
    )
    told = python(script.parent, prefect_server, "flow.py", errors=True)
    warnings = told.splitlines()
    assert all(line.startswith("prefect-lineage does not know this release of Prefect") for line in warnings)
    assert any(line.endswith("task runs are not recorded.") for line in warnings)
    assert (script.parent / "out.txt").read_text() == "1"
    assert {job for job, _ in edges(script.parent, prefect_server)} == {"pipe"}


def test_where_another_plugin_has_imported_the_engines_capture_still_waits_for_the_first_run(
    script: Path, prefect_server: str
) -> None:
    """prefect-aws is such a plugin."""
    pytest.importorskip("prefect_aws", reason="prefect-aws is not installed")
    script.write_text(
        """
from pathlib import Path
from prefect import flow, task
import prefect.context, prefect.flow_engine, prefect.task_engine
import sys

print("prefect_lineage.capture.recorder" in sys.modules)
before = prefect.task_engine.SyncTaskRunEngine.start

@task
def copy():
    Path("out.txt").write_text(Path("in.txt").read_text())
    yield 1

@flow
def pipe() -> None:
    list(copy())

if __name__ == "__main__":
    BODY
    print("prefect_lineage.capture.recorder" in sys.modules)
    import prefect_lineage
    prefect_lineage.disable()
    engine = prefect.task_engine.SyncTaskRunEngine
    print(engine.start is before.__wrapped__, "__enter__" in vars(prefect.context.EngineContext))
""".replace("BODY", "pipe()")
    )
    told = python(script.parent, prefect_server, "flow.py", PREFECT_PLUGINS_ENABLED="1")
    assert told.split() == ["False", "True", "True", "False"]
    assert edges(script.parent, prefect_server) == EXPECTED
    script.write_text(script.read_text().replace("    pipe()\n", "    list(copy())\n"))
    (script.parent / "out.txt").unlink()
    assert python(script.parent, prefect_server, "flow.py", PREFECT_PLUGINS_ENABLED="1").split()[:2] == [
        "False",
        "True",
    ]
    assert ("copy", "output out.txt") in edges(script.parent, prefect_server)
