"""What capture costs a flow: the same flow with capture off and on, in turn, in one process.

    python tests/benchmarks/capture_overhead.py [--tasks 200] [--pairs 5]

Prints the ratio on/off of wall and of CPU time, pair by pair and as a median; absolute times say more about the
machine than about us. Needs a Prefect server (``PREFECT_API_URL``), or starts a temporary one.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prefect import flow, task

import prefect_lineage


@task
def copy(number: int) -> None:
    Path(f"out{number}.txt").write_text(Path(f"in{number}.txt").read_text())


@task
def nothing(number: int) -> int:
    return number


def called(body: Callable[[int], object], tasks: int) -> None:
    for number in range(tasks):
        body(number)


def submitted(body: Callable[[int], object], tasks: int) -> None:
    for future in [body.submit(number) for number in range(tasks)]:
        future.wait()


@flow
def measured(body: str, how: str, tasks: int) -> None:
    (called if how == "called" else submitted)({"copy": copy, "nothing": nothing}[body], tasks)


def timed(body: str, how: str, tasks: int) -> tuple[float, float]:
    """Wall and CPU seconds of one flow run."""
    wall, cpu = time.perf_counter(), time.process_time()
    measured(body, how, tasks)
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(body: str, how: str, tasks: int, pairs: int) -> None:
    ratios: list[tuple[float, float]] = []
    for number in range(pairs + 1):
        found = {}
        for capture in (False, True) if number % 2 else (True, False):
            if capture:
                prefect_lineage.enable()
            found[capture] = timed(body, how, tasks)
            prefect_lineage.disable()
        if number:  # the first pair warms up
            ratios.append((found[True][0] / found[False][0], found[True][1] / found[False][1]))
    wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
    pairs_text = " ".join(f"{ratio[0]:.2f}" for ratio in ratios)
    print(f"{body:8} {how:10} {tasks:5} tasks   on/off: wall {wall:.3f} ({pairs_text})  CPU {cpu:.3f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=200)
    arguments.add_argument("--pairs", type=int, default=5)
    options = arguments.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PREFECT_LINEAGE_URL"] = f"sqlite:///{folder}/lineage.db"
        os.environ["PREFECT_LINEAGE_JOURNAL_DIR"] = f"{folder}/journal"
        for number in range(options.tasks):
            Path(f"in{number}.txt").write_text(str(number))
        for body in ("copy", "nothing"):
            for how in ("called", "submitted"):
                compare(body, how, options.tasks, options.pairs)
        os.chdir("/")


if __name__ == "__main__":
    main()
