"""What capture costs a flow: the same flow with capture off and on, in turn, in one process.

    python tests/benchmarks/capture_overhead.py [--tasks 200] [--trivial 1000] [--pairs 5]

Prints the ratio on/off of wall and of CPU time, as the median and the quartiles of the pairs, and then where our
part of the CPU time goes. Every timed flow comes after a small one in the same state, so that what is paid once
in a process (spreading the nets, opening the store) is not in the ratio; it is printed apart. Absolute times say
more about the machine than about us. Starts a Prefect server of its own.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import flow, task
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import prefect_lineage

OURS = str(Path(prefect_lineage.__file__).parent)
PORT = 4391


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


def timed(body: str, how: str, tasks: int, *, capture: bool) -> tuple[float, float]:
    """Wall and CPU seconds of one flow run, warm."""
    (prefect_lineage.enable if capture else prefect_lineage.disable)()
    measured(body, how, 1)
    wall, cpu = time.perf_counter(), time.process_time()
    measured(body, how, tasks)
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(body: str, how: str, tasks: int, pairs: int) -> None:
    ratios: list[tuple[float, float]] = []
    for number in range(pairs + 1):
        order = (False, True) if number % 2 else (True, False)
        found = {capture: timed(body, how, tasks, capture=capture) for capture in order}
        if number:  # the first pair warms up
            ratios.append((found[True][0] / found[False][0], found[True][1] / found[False][1]))
    wall, cpu = zip(*ratios, strict=True)
    print(f"{body:8} {how:10} {tasks:5} tasks   on/off  wall {spread(wall)}   CPU {spread(cpu)}", flush=True)


def spread(ratios: tuple[float, ...]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return f"{middle:.3f} ({low:.2f}-{high:.2f})"


def where(body: str, tasks: int) -> None:
    """Where our part of the CPU time of the flow's own thread goes; profiling itself makes calls dearer."""
    prefect_lineage.enable()
    measured(body, "called", 1)
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(measured, body, "called", tasks)
    spent: Counter[str] = Counter()
    total = 0.0
    for (file, _, name), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        total += own
        if file.startswith(OURS):
            spent[f"{Path(file).stem}.{name}"] += own
        else:  # what we call of others is ours too
            for caller, (_, _, part, _) in callers.items():
                if caller[0].startswith(OURS) and not caller[2].startswith(("call_task_fn", "start", "__e")):
                    spent[f"{Path(caller[0]).stem}.{caller[2]}"] += part
    ours = sum(spent.values())
    print(
        f"\n{body}: {ours / total:.1%} of the thread's CPU time is ours (directly, and one call deep); of that"
    )
    for name, seconds in spent.most_common(12):
        print(f"  {seconds / ours:6.1%}  {name}")


def once() -> None:
    """What a process pays once."""
    prefect_lineage.disable()
    start = time.thread_time()
    prefect_lineage.enable()
    enabled = time.thread_time()
    measured("copy", "called", 1)
    first = time.thread_time()
    measured("copy", "called", 1)
    second = time.thread_time()
    paid = (enabled - start) + (first - enabled) - (second - first)
    print(f"once per process: {paid / (second - first):.2f} times a warm flow of one task")


@contextmanager
def server(home: str) -> Iterator[str]:
    """A Prefect server, for the ephemeral one shares our process and its CPU time."""
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(PORT), "--no-ui"],
        env={**os.environ, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{PORT}/api"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=200)
    arguments.add_argument("--trivial", type=int, default=1_000)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--where", action="store_true", help="only say where the time goes")
    options = arguments.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder, server(f"{folder}/home") as url:
        os.chdir(folder)
        os.environ["PREFECT_LINEAGE_URL"] = f"sqlite:///{folder}/lineage.db"
        os.environ["PREFECT_LINEAGE_JOURNAL_DIR"] = f"{folder}/journal"
        for number in range(options.tasks):
            Path(f"in{number}.txt").write_text(str(number))
        # the heartbeat's thread keeps every flow alive for a second, with capture and without
        with temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            measure(options)
        os.chdir("/")


def measure(options: argparse.Namespace) -> None:
    """All of it."""
    measured("nothing", "called", 1)
    once()
    for body, how, tasks in (
        ("copy", "called", options.tasks),
        ("copy", "submitted", options.tasks),
        ("nothing", "called", options.trivial),
    ):
        if not options.where:
            compare(body, how, tasks, options.pairs)
    where("copy", options.tasks)
    where("nothing", options.tasks)
    prefect_lineage.disable()


if __name__ == "__main__":
    main()
