"""The tests of capture with the oldest and the newest release of Prefect that is supported.

    python tests/versions/run.py [--folder build/versions] [oldest] [newest] [further arguments: for pytest]

Makes one environment for each with pip, once; runs the tests in it; prints a table. Exit code 1 if a test fails.
Where the newest release asks for something that the package index does not have, it is installed without that, and
the table says so.

What is run in each are the tests in which this package meets Prefect: the ways to switch capture on; flow and task
runs, their ends, futures, values, assets and generators at the border; runs that have not ended, asked of the server;
that switching off puts every object of Prefect's back; thread and process pools; and of the scenario matrix what is
called and what a thread pool runs. The rest runs with the release in constraints.txt only: Dask and Ray, task workers
and the process pool's part of the matrix, and all that knows nothing of Prefect. Between the oldest and the newest
nothing is run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OLDEST = HERE / "oldest.txt"
NEEDED = [
    "hypothesis",
    "pandas>=2.2",
    "pyarrow>=17",
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "pytest-xdist",
]
TESTS = [
    "tests/capture/test_activation.py",
    "tests/capture/test_assets.py",
    "tests/capture/test_border_declared.py",
    "tests/capture/test_border_ends.py",
    "tests/capture/test_border_futures.py",
    "tests/capture/test_border_runs.py",
    "tests/capture/test_border_values.py",
    "tests/capture/test_generators.py",
    "tests/capture/test_reconcile.py",
    "tests/capture/test_runners.py",
    "tests/capture/matrix/test_matrix.py",
]
"""Those in which Prefect itself runs."""
LEFT_OUT = [
    "[dask",
    "[ray",
    "[process-",
    "[worker-",
    "recorded[process",
    "recorded[worker",
    "delayed_tasks_run_in",
]
"""Parts of the names of those among them that are not run here."""


@dataclass(frozen=True)
class Result:
    name: str
    prefect: str
    summary: str
    failed: bool
    note: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "versions")
    parser.add_argument("names", nargs="*", metavar="oldest|newest", help="default: both")
    options, arguments = parser.parse_known_args()
    names = [name for name in ("oldest", "newest") if name in options.names or not options.names]
    if set(options.names) - set(names):
        parser.error(f"there is only oldest and newest, no {' '.join(options.names)}")
    results = [check(name, options.folder / name, arguments) for name in names]
    print(f"\n{'':8} {'Prefect':9} {'tests':44} note")
    for result in results:
        print(f"{result.name:8} {result.prefect:9} {result.summary:44} {result.note}")
    return int(any(result.failed for result in results))


def check(name: str, environment: Path, arguments: list[str]) -> Result:
    """Make the environment if it is not there, and run the tests in it."""
    python = environment / "bin" / "python"
    stamp = environment / "made.stamp"
    if not stamp.exists() or stamp.stat().st_mtime < max(map(_changed, (OLDEST, ROOT / "pyproject.toml"))):
        print(f"Making the environment {environment} ...", flush=True)
        try:
            note = make(name, environment, python)
        except subprocess.CalledProcessError as error:
            return Result(name, "", "the environment cannot be made", True, _last(error.stdout))
        stamp.write_text(note)
    began = time.monotonic()
    # not `python -m pytest`: that would put the checkout first
    pytest = [str(python.with_name("pytest")), "-q", "-p", "no:cacheprovider", "-n2", "--dist=loadfile"]
    named = " and ".join(f"not {part}" for part in LEFT_OUT)
    command = [*pytest, "-k", named, *TESTS, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-20_000:], flush=True)
    summary = f"{_last(done.stdout)}, {time.monotonic() - began:.0f} s in all"
    release = installed(python)
    return Result(
        name,
        release,
        summary,
        done.returncode != 0,
        "; ".join(filter(None, (stamp.read_text(), told(release)))),
    )


def told(release: str) -> str:
    """Whether the README and ``prefect-lineage doctor`` still say less than was just tried."""
    (newest,) = re.findall(
        r"and (\d+\.\d+) is the newest series that was tried", (ROOT / "README.md").read_text()
    )
    tried, known = ([int(part) for part in text.split(".")[:2]] for text in (release, newest))
    return f"doctor and the README know of {newest} only" if tried > known else ""


def make(name: str, environment: Path, python: Path) -> str:
    """Install; what there is to say of it."""
    run(sys.executable, "-m", "venv", "--clear", environment)
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    wanted = ["--editable", str(ROOT), *NEEDED]
    if name == "oldest":
        run(python, "-m", "pip", "install", "--quiet", "--constraint", OLDEST, *wanted)
        return ""
    run(python, "-m", "pip", "install", "--quiet", *wanted)
    newest = newest_release(python)
    if installed(python) == newest:
        return ""
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", f"prefect=={newest}")
    done = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    lacks = [line for line in done.stdout.splitlines() if line.startswith("prefect ")]
    return "without what the index lacks: " + "; ".join(lacks)


def newest_release(python: Path) -> str:
    """The newest release of Prefect that the project admits, whether or not all that it asks for can be had."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (bound,) = [text.partition("<")[2] for text in declared if text.startswith("prefect>")]
    told = run(python, "-m", "pip", "index", "versions", "prefect")
    (line,) = re.findall(r"^Available versions: (.*)$", told, re.MULTILINE)
    return next(text for text in line.split(", ") if int(text.partition(".")[0]) < int(bound))


def installed(python: Path) -> str:
    """The release of Prefect in an environment."""
    return run(python, "-c", "from importlib.metadata import version; print(version('prefect'))").strip()


def run(*command: str | Path) -> str:
    """Run to the end; what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        command,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def _changed(path: Path) -> float:
    return path.stat().st_mtime


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip(" =") if lines else ""


if __name__ == "__main__":
    sys.exit(main())
