"""What the nets cost the user's own code: the same code with capture off and on, in turn, in one process.

    python tests/benchmarks/interception_cost.py [--fours 15]

Inside a run: copying large structures and logging, which a net made of audit events would tax (bar: 1.05 times as
slow at most); ``open`` (50 us more at most), and what each file costs again when the run ends; ``import pandas`` in
processes of its own (1.05). Outside a run, with capture on: 1 us more a call at most. CPU time of the thread, for
none of this waits for anything; the interval behind each figure is that of its median.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from measuring import Took, between, four, ratio, timed

import prefect_lineage

DATA = [{"number": number, "text": str(number), "more": [number, {"x": 1.5}]} for number in range(20_000)]
RECORDS = 20_000
CALLS = 400

log = logging.getLogger("benchmark")

IMPORT = """
import sys, time
from contextlib import nullcontext
import prefect_lineage
on = sys.argv[1] == "on"
if on:
    prefect_lineage.enable()
with prefect_lineage.run("import") if on else nullcontext():
    start = time.process_time()
    import pandas
    print(time.process_time() - start)
"""


def deep_copy() -> None:
    copy.deepcopy(DATA)


def log_records() -> None:
    for number in range(RECORDS):
        log.warning("record %d of %s", number, "many")


def reads() -> None:
    for number in range(CALLS):
        open(f"in{number}.txt").close()


def writes() -> None:
    for number in range(CALLS):
        open(f"out{number}.txt", "w").close()


def replaces() -> None:
    for number in range(CALLS):
        os.replace(f"moved{number}.txt", f"moved{number}.txt")


def parses() -> None:
    for _ in range(CALLS):
        json.loads("[1, 2, 3]")


def threads() -> None:
    for _ in range(CALLS // 10):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def measured(work: Callable[[], None], *, inside: bool, capture: bool) -> Took:
    (prefect_lineage.enable if capture else prefect_lineage.disable)()
    with prefect_lineage.run("benchmark") if inside and capture else nullcontext():
        work()
        return timed(work)


def with_end(work: Callable[[], None], *, capture: bool) -> Took:
    """The end of the run too, where what was touched is folded and hashed."""
    (prefect_lineage.enable if capture else prefect_lineage.disable)()
    work()

    def whole() -> None:
        with prefect_lineage.run("benchmark") if capture else nullcontext():
            work()

    return timed(whole)


def slower(what: str, work: Callable[[], None], fours: int) -> None:
    """Inside a run, as a ratio."""
    found = [four(lambda capture: measured(work, inside=True, capture=capture)) for _ in range(fours)]
    print(f"inside   {what:32} {ratio([on.thread / off.thread for off, on in found])}  bar 1.05", flush=True)


def dearer(
    where: str, what: str, measure: Callable[[bool], Took], calls: int, fours: int, bar: float | None
) -> None:
    """As microseconds more a call."""
    found = [four(measure) for _ in range(fours)]
    added = [(on.thread - off.thread) / 2 / calls * 1e6 for off, on in found]
    low, high = between(added)
    told = f"  bar {bar:g}" if bar is not None else ""
    print(
        f"{where:8} {what:32} {statistics.median(added):+.2f} us ({low:.2f} to {high:.2f}) a call{told}",
        flush=True,
    )


def importing(fours: int) -> None:
    def once(capture: bool) -> Took:
        command = [sys.executable, "-c", IMPORT, "on" if capture else "off"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return Took(*[float(done.stdout)] * 3)

    found = [four(once) for _ in range(fours)]
    print(f"inside   {'import pandas':32} {ratio([on.process / off.process for off, on in found])}  bar 1.05")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fours", type=int, default=15)
    fours = arguments.parse_args().fours
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PREFECT_LINEAGE_URL"] = f"sqlite:///{folder}/lineage.db"
        os.environ["PREFECT_LINEAGE_JOURNAL_DIR"] = f"{folder}/journal"
        os.environ["PREFECT_LINEAGE_ROOT"] = folder
        log.addHandler(logging.FileHandler("benchmark.log"))
        log.propagate = False
        for number in range(CALLS):
            for name in ("in", "out", "moved"):
                Path(f"{name}{number}.txt").write_text(str(number))
        measure(fours)
        prefect_lineage.disable()
        os.chdir("/")


def measure(fours: int) -> None:
    slower("copy.deepcopy of 20,000 dicts", deep_copy, fours)
    slower("20,000 log records", log_records, fours)
    importing(max(fours // 3, 2))
    for what, work, calls in (
        ("open", reads, CALLS),
        ("os.replace", replaces, CALLS),
        ("json.loads", parses, CALLS),
        ("Thread.start", threads, CALLS // 10),
    ):
        dearer(
            "outside",
            what,
            lambda capture, work=work: measured(work, inside=False, capture=capture),
            calls,
            fours,
            1,
        )
    for what, work in (("open to read", reads), ("open to write", writes)):
        dearer(
            "inside",
            what,
            lambda capture, work=work: measured(work, inside=True, capture=capture),
            CALLS,
            fours,
            50,
        )
        dearer(
            "inside",
            f"{what}, the run's end too",
            lambda capture, work=work: with_end(work, capture=capture),
            CALLS,
            fours,
            None,
        )


if __name__ == "__main__":
    main()
