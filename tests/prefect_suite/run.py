"""Prefect's own tests of its tasks and flows, with capture off and with capture on: they must end alike.

    python tests/prefect_suite/run.py CHECKOUT [--only tasks flows …] [further arguments: for pytest]

CHECKOUT is Prefect's repository at the release that is installed; this must be run by the Python of an environment
that has that release, this package and what the tests need (the group ``dev`` of Prefect's pyproject.toml, with its
SQLAlchemy 2.0: a deprecation in 2.1 is an error there). Prints the counts and every test that ended otherwise: run
those again, alone, before you believe them, for many of these tests measure times. Exit code 1 if one did.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS = {
    "transactions": "test_transactions.py",
    "futures": "test_futures.py",
    "assets": "assets",
    "background": "test_background_tasks.py",
    "task_engine": "test_task_engine.py",
    "flow_engine": "test_flow_engine.py",
    "tasks": "test_tasks.py",
    "flows": "test_flows.py",
    "runners": "test_task_runners.py",
    "context": "test_context.py",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkout", type=Path, metavar="CHECKOUT")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options, arguments = parser.parse_known_args()
    folder = options.checkout.resolve()
    if not (folder / "tests" / "test_flows.py").is_file():
        parser.error(f"{folder} is no checkout of Prefect: it has no tests/test_flows.py")
    paths = [f"tests/{PARTS[name]}" for name in options.only]
    (off, _), (on, runs) = (_tried(folder, paths, arguments, captured=captured) for captured in (False, True))
    different = sorted(name for name in off.keys() | on.keys() if off.get(name) != on.get(name))
    print(f"{'':30} {'off':>34} {'on':>34}")
    for path in paths:
        print(f"{path:30} {_counts(off, path):>34} {_counts(on, path):>34}")
    print(f"{len(off)} tests; {runs} runs were captured; {len(different)} tests ended otherwise")
    for name in different:
        print(f"    {name}: {off.get(name)} -> {on.get(name)}")
    return int(bool(different) or not off)


def _tried(
    folder: Path, paths: list[str], arguments: list[str], *, captured: bool
) -> tuple[dict[str, str], int]:
    """How each test ended, and how many runs of theirs are in the store."""
    with tempfile.TemporaryDirectory(prefix="prefect-suite-") as place:
        report = Path(place) / "report.json"
        command = [sys.executable, "-m", "pytest", "-p", "prefect_suite_plugin", "-p", "no:cacheprovider", "-q",
                   "--tb=no", *paths, *arguments]  # fmt: skip
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(place, captured=captured),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if not report.exists():
            sys.exit(f"pytest did not run:\n{done.stdout[-5000:]}")
        found: dict[str, Any] = json.loads(report.read_text())
        return found["outcomes"], found["runs"]


def _environment(place: str, *, captured: bool) -> dict[str, str]:
    """With capture on, the processes that the tests start are captured too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    scripts = str(Path(sys.executable).parent)  # the tests call uvicorn by its name
    environment = {
        **kept,
        "PATH": os.pathsep.join([scripts, kept.get("PATH", "")]),
        "PYTHONPATH": str(HERE),
        "DO_NOT_TRACK": "1",
        "PREFECT_SUITE_REPORT": f"{place}/report.json",
        "PREFECT_SUITE_CAPTURED": str(int(captured)),
    }
    if captured:
        environment |= {
            "PREFECT_PLUGINS_ENABLED": "1",
            "PREFECT_LINEAGE_URL": f"sqlite:///{place}/lineage.db",
            "PREFECT_LINEAGE_JOURNAL_DIR": f"{place}/journal",
            "PREFECT_LINEAGE_ROOT": place,
        }
    return environment


def _counts(outcomes: dict[str, str], path: str) -> str:
    counted = Counter(outcome for name, outcome in outcomes.items() if name.startswith(path))
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items(), reverse=True))


if __name__ == "__main__":
    sys.exit(main())
