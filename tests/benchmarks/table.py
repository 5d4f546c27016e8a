"""Run the benchmarks and write what they print to docs/performance.md: `make bench`.

    python tests/benchmarks/table.py [--quick] [--only NAME] [--peers FOLDER]

``--quick`` measures fewer times: minutes instead of an hour, and wider intervals. ``--peers`` measures other systems
too, which are installed below FOLDER (about 1.5 GB) where they are not there yet.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"


@dataclass(frozen=True)
class Benchmark:
    """A block of the page: the script that prints it, its options, and those of a quick round."""

    script: str
    options: str = ""
    quick: str = ""


BENCHMARKS = {
    "capture_overhead": Benchmark("capture_overhead", "", "--tasks 60 --trivial 120 --fours 3"),
    "interception_cost": Benchmark("interception_cost", "", "--fours 5"),
    "import_cost": Benchmark("import_cost", "", "--rounds 4"),
    "memory": Benchmark("memory", "", "--runs 20000"),
    "store_recording": Benchmark("store_recording", "--postgres", "--postgres --runs 2000 --rounds 3"),
    "questions_sqlite": Benchmark(
        "store_queries", "--edges 10000 100000 1000000 10000000", "--edges 10000 100000"
    ),
    "questions_postgres": Benchmark(
        "store_queries", "--postgres --edges 10000 100000 1000000", "--postgres --edges 10000"
    ),
    "digests": Benchmark("digests", "", "--bytes 268435456 --files 10000"),
}
PEERS = "peers"


def block(name: str, text: str) -> str:
    """The part of the page that a benchmark writes."""
    return f"<!-- {name} -->\n```text\n{text.strip()}\n```\n<!-- end -->"


def machine() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("prefect", "sqlalchemy"))
    load = " ".join(f"{number:.1f}" for number in os.getloadavg())
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}; load average at the end: {load}"


def run(script: str, options: str) -> str:
    command = [sys.executable, str(HERE / f"{script}.py"), *options.split()]
    print(f"python tests/benchmarks/{script}.py {options}", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    called = f"{script}.py {options}".strip()
    return f"$ {called}\n{done.stdout}\n# {machine()}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", choices=[*BENCHMARKS, PEERS])
    arguments.add_argument(
        "--peers", metavar="FOLDER", help="measure other systems, installed there, as well"
    )
    options = arguments.parse_args()
    if options.only == PEERS and not options.peers:
        arguments.error("--only peers needs --peers FOLDER")
    benchmarks = dict(BENCHMARKS)
    if options.peers:
        where = f"--venv {options.peers}"
        benchmarks[PEERS] = Benchmark(PEERS, where, f"{where} --rounds 3")
    for name, benchmark in benchmarks.items():
        if options.only in (None, name):
            written = block(
                name, run(benchmark.script, benchmark.quick if options.quick else benchmark.options)
            )
            page = PAGE.read_text(encoding="utf-8")
            pattern = re.compile(rf"<!-- {name} -->.*?<!-- end -->", re.DOTALL)
            PAGE.write_text(pattern.sub(lambda _, text=written: text, page), encoding="utf-8")


if __name__ == "__main__":
    main()
