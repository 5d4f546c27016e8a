"""What capture costs a flow: the same flow with capture off and on, in turn, in one process.

    python tests/benchmarks/capture_overhead.py [--tasks 200] [--trivial 1000] [--fours 10] [--where] [--bare]

Three flows: tasks that each read and write one small file, called; the same submitted to threads; and tasks that do
nothing. First, how many functions are called for a task, which no other program on the machine disturbs. Then for
each the ratio on/off of wall time, of the process's CPU time, and of the CPU time of the flow's own thread. *The bar
is on wall time*: that is what a user waits, it holds the flush of the store at the end of the flow, and what the
drain's thread takes of the interpreter's lock. CPU time says the same with less noise where other programs use the
machine. Then it prints where our part of the time goes.

Every timed flow comes after a small one in the same state, so that what is paid once in a process (spreading the
nets, opening the store) is not in the ratio; it is printed apart. Prefect is as a user has it: its log goes to the
terminal (here to a file) and to the server, which is one of our own. ``--bare`` switches the log off, which makes
Prefect's share smaller.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from measuring import Took, errors_in, four, quiet, ratio, server, timed
from prefect import flow, task
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from stages import Stages

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


def switch(capture: bool) -> None:
    (prefect_lineage.enable if capture else prefect_lineage.disable)()


def once_run(serving: psutil.Process, body: str, how: str, tasks: int, capture: bool) -> Took:
    """One flow run, warm, when the server has nothing left to do for the runs before it."""
    switch(capture)
    measured(body, how, 1)
    quiet(serving)
    return timed(lambda: measured(body, how, tasks))


def compare(serving: psutil.Process, body: str, how: str, tasks: int, fours: int, bar: float) -> None:
    run = partial(once_run, serving, body, how, tasks)
    run(True)
    found = [four(run) for _ in range(fours)]
    wall, process, thread = ([on[n] / off[n] for off, on in found] for n in range(3))
    bare = statistics.median(off.wall for off, _ in found) / 2 / tasks
    added = statistics.median(on.wall - off.wall for off, on in found) / 2 / tasks
    print(
        f"{body:8} {how:10} {tasks:5} tasks   on/off  wall {ratio(wall)}, bar {bar}   CPU {ratio(process)}"
        f"   thread {ratio(thread)}   a task alone {bare * 1000:.2f} ms, with us {added * 1e6:+.0f} us",
        flush=True,
    )


def calls(body: str, tasks: int) -> None:
    """How many functions are called for a task in the flow's thread: a figure that no other program disturbs."""
    made = {}
    for capture in (False, True):
        switch(capture)
        measured(body, "called", 2)
        profile = cProfile.Profile()
        profile.runcall(measured, body, "called", tasks)
        made[capture] = sum(entry.callcount for entry in profile.getstats()) / tasks
    print(
        f"{body:8} called     {tasks:5} tasks   calls of functions {made[False]:.0f} a task, with us "
        f"{made[True]:.0f}: {made[True] / made[False]:.3f} times",
        flush=True,
    )


def where(serving: psutil.Process, body: str, how: str, tasks: int) -> None:
    """Where our part of the time goes: a clock around each stage of ours, so that it all is a little dearer."""
    switch(True)
    measured(body, how, 1)
    quiet(serving)
    stages = Stages()
    with stages:
        took = timed(lambda: measured(body, how, tasks))
    print(
        f"\n{body}, {how}: where our time goes, in us a task of {took.wall / tasks * 1e6:.0f}, "
        f"CPU {took.process / tasks * 1e6:.0f}, of the flow's thread {took.thread / tasks * 1e6:.0f}"
    )
    for line in stages.table(tasks):
        print(f"  {line}")


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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=200)
    arguments.add_argument("--trivial", type=int, default=1_000)
    arguments.add_argument("--fours", type=int, default=10)
    arguments.add_argument("--where", action="store_true", help="only say where the time goes")
    arguments.add_argument(
        "--only", default="", help="of the three: copy-called, copy-submitted, nothing-called"
    )
    arguments.add_argument("--bare", action="store_true", help="without Prefect's log")
    options = arguments.parse_args()
    if options.bare:
        logging.disable(logging.INFO)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(f"{folder}/home") as (url, serving),
        errors_in(f"{folder}/log.txt"),
    ):
        os.chdir(folder)
        os.environ["PREFECT_LINEAGE_URL"] = f"sqlite:///{folder}/lineage.db"
        os.environ["PREFECT_LINEAGE_JOURNAL_DIR"] = f"{folder}/journal"
        for number in range(options.tasks):
            Path(f"in{number}.txt").write_text(str(number))
        # the heartbeat's thread keeps every flow alive for a second, with capture and without
        with temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            measure(options, serving)
        os.chdir("/")


def measure(options: argparse.Namespace, serving: psutil.Process) -> None:
    """All of it."""
    measured("nothing", "called", 1)
    once()
    for body in ("copy", "nothing"):
        calls(body, options.tasks)
    for body, how, tasks, bar in (
        ("copy", "called", options.tasks, 1.05),
        ("copy", "submitted", options.tasks, 1.05),
        ("nothing", "called", options.trivial, 1.02),
    ):
        if options.only in f"{body}-{how}":
            if not options.where:
                compare(serving, body, how, tasks, options.fours, bar)
            where(serving, body, how, options.tasks)
    prefect_lineage.disable()


if __name__ == "__main__":
    main()
