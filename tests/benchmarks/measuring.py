"""What the benchmarks share: pairs measured in turn, ratios with their uncertainty, and a Prefect server.

The machines that this runs on are noisy, so no figure stands alone. Off and on are measured next to each other in
the order off, on, on, off, so that what drifts in the machine falls on both alike; each such four gives one ratio.
Shown are the median of the ratios and the interval in which it lies in 95 of 100 resamplings.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psutil

__all__ = ["Took", "between", "errors_in", "four", "quiet", "ratio", "server", "timed"]

PORT = 4391


class Took(NamedTuple):
    """What something took, in seconds.

    Attributes:
        wall: what a user waits.
        process: CPU time of all threads of this process.
        thread: CPU time of the thread that ran it.
    """

    wall: float
    process: float
    thread: float

    def __add__(self, other: Took) -> Took:  # type: ignore[override]
        return Took(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def timed(work: Callable[[], object]) -> Took:
    """Do something once; the garbage of what came before is collected first."""
    gc.collect()
    start = time.perf_counter(), time.process_time(), time.thread_time()
    work()
    end = time.perf_counter(), time.process_time(), time.thread_time()
    return Took(*(late - early for early, late in zip(start, end, strict=True)))


def quiet(*others: psutil.Process, most: float = 60.0) -> None:
    """Wait until this process does nothing, nor do the others: what threads still do for the last flow, and a server
    over its events, is not the next one's.

    Args:
        others: with their children.
        most: seconds that it waits.
    """
    family = [one for other in others for one in (other, *other.children(recursive=True))]
    deadline = time.monotonic() + most
    while time.monotonic() < deadline:
        before = _used(family)
        time.sleep(0.1)
        if _used(family) - before < 0.015:
            return


def _used(family: list[psutil.Process]) -> float:
    """CPU seconds of this process and of these."""
    return time.process_time() + sum(sum(one.cpu_times()[:2]) for one in family)


def four(measure: Callable[[bool], Took]) -> tuple[Took, Took]:
    """Measure off, on, on, off; what off and what on took together."""
    first = measure(False)
    on = measure(True) + measure(True)
    return first + measure(False), on


def between(ratios: Sequence[float], rounds: int = 2_000) -> tuple[float, float]:
    """The interval of the median of 95 of 100 resamplings."""
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(rounds))
    return medians[int(rounds * 0.025)], medians[int(rounds * 0.975)]


def ratio(ratios: Sequence[float]) -> str:
    """``1.031 (1.02-1.04)``: the median and its interval."""
    low, high = between(ratios)
    return f"{statistics.median(ratios):.3f} ({low:.2f}-{high:.2f})"


@contextmanager
def errors_in(path: str) -> Iterator[None]:
    """What this process writes to its standard error goes to a file meanwhile."""
    kept = os.dup(2)
    try:
        with open(path, "wb") as log:
            os.dup2(log.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def server(home: str) -> Iterator[tuple[str, psutil.Process]]:
    """A Prefect server: its address, and its process.

    One of its own, for the ephemeral one shares our process; and with the lowest priority, for it takes several times
    as long over the events of a task as the flow over the task, and both share the machine's cores.
    """
    process = subprocess.Popen(
        [
            "nice",
            "-n",
            "19",
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--port",
            str(PORT),
            "--no-ui",
        ],
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
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)
