"""What capture takes of a process's memory: 100,000 recorded runs, and the resident size as they pass.

    python tests/benchmarks/memory.py [--runs 100000]

The runs go through the recorder as a task's do, each with an input, an output and a value from the run before, into
a journal and from there into SQLite; Prefect's engine is left out, for it takes a hundred times as long and keeps
several kilobytes of its own for each run of a flow. Three shapes, each in a process of its own: many flows one
after the other, as in a worker; one flow that has all the runs; and runs without a flow, as in a server of
background tasks. Bar: 20 MB more than after the first thousand, and flat.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from prefect_lineage.capture.context import current
from prefect_lineage.capture.passing import NOTHING_CAME
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.model.records import RunRecord
from prefect_lineage.model.times import now
from prefect_lineage.settings import Settings

FLOW = 1_000
"""Runs in each of many flows."""

LINES = 4
"""A line is printed for so many thousand runs."""

SHAPES = {"many flows": FLOW, "one flow": None, "no flow": 0}


def size() -> float:
    """Resident megabytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def begin(recorder: Recorder, kind: str, job: str, *, may_fail: bool):
    parent = current.get()
    run = RunRecord(
        str(uuid.uuid4()),
        kind,
        name=f"{job}-{uuid.uuid4().hex[:3]}",
        job=job,
        parent=parent.run if parent is not None else None,
        state="Running",
        started_at=now(),
        attempt=1,
    )
    recorder.begin_run(run)
    return recorder.begin_attempt(run.id, 1, job, may_fail=may_fail)


def task(recorder: Recorder, number: int, value: object) -> object:
    """One run: it reads a file, writes another, takes a value and returns one."""
    attempt, token = begin(recorder, "task", "flow.task", may_fail=True)
    try:
        recorder.passing.passed(attempt, {"number": number, "value": value}, NOTHING_CAME)
        with open(f"in{number % 100}.txt") as source, open(f"out{number % 100}.txt", "w") as target:
            target.write(f"{source.read()} {number}")
        result = [number] if number % 2 else number
        recorder.passing.returned(attempt, result)
    finally:
        current.reset(token)
    recorder.end_attempt(attempt, RunRecord(attempt.run), completed=True)
    recorder.end_run(RunRecord(attempt.run, state="Completed", ended_at=now(), attempt=1))
    return result


def flow(recorder: Recorder, numbers: range) -> None:
    attempt, token = begin(recorder, "flow", "flow", may_fail=False)
    value: object = None
    for number in numbers:
        value = task(recorder, number, value)
        told(recorder, number)
    current.reset(token)
    ended = RunRecord(attempt.run, state="Completed", ended_at=now())
    recorder.end_attempt(attempt, ended, completed=True)
    recorder.passing.forget(attempt.run)
    recorder.flush()


def told(recorder: Recorder, number: int) -> None:
    """Print the size now and then; the store is given time to follow, as Prefect's engine would give it."""
    if number % FLOW == 0:
        recorder.flush()
        if number % (FLOW * LINES) == 0 or number == FLOW:
            print(f"{number:8} runs {size():7.1f} MB", flush=True)


def shape(name: str, runs: int, folder: str) -> None:
    os.chdir(folder)
    for number in range(100):
        Path(f"in{number}.txt").write_text(str(number))
    settings = Settings(
        url=f"sqlite:///{folder}/lineage.db", journal_dir=Path(folder, "journal"), root=Path(folder)
    )
    recorder = Recorder(settings)
    of_each = SHAPES[name]
    if of_each is None:
        flow(recorder, range(1, runs + 1))
    elif of_each:
        for start in range(1, runs + 1, of_each):
            flow(recorder, range(start, start + of_each))
    else:
        value: object = None
        for number in range(1, runs + 1):
            value = task(recorder, number, value)
            told(recorder, number)
    recorder.close()
    os.chdir("/")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=100_000)
    arguments.add_argument("--shape", choices=SHAPES, help="only this one, in this process")
    options = arguments.parse_args()
    if options.shape:
        with tempfile.TemporaryDirectory() as folder:
            shape(options.shape, options.runs, folder)
        return
    for name in SHAPES:
        print(name, flush=True)
        command = [sys.executable, __file__, "--runs", str(options.runs), "--shape", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        sizes = [float(line.split()[-2]) for line in done.stdout.splitlines()]
        print(
            f"{done.stdout}  grows by {max(sizes) - sizes[0]:.1f} MB after the first thousand  bar 20",
            flush=True,
        )


if __name__ == "__main__":
    main()
