"""Many processes write to one store at once: what each gets done, and how long it waits for the others.

    python tests/benchmarks/writers.py --writers 8
    python tests/benchmarks/writers.py --writers 16 --url postgresql://user@host/database

Half of the writers have a journal and a drain, as a flow has; the others put each record into the store in a
transaction of its own, as a command does that declares something. All write the same artifacts, and some of the same
contents. Ends with exit code 1 if a write failed, or if something is lost, doubled or misnumbered. The last line of the
output is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from kill_storm import Storm, problems_of, record_of

from prefect_lineage.errors import StoreError
from prefect_lineage.store.drain import Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store


def _drained(storm: Storm, writer: int) -> dict[str, float]:
    """As a flow does it: the journal takes each record, a thread brings them in batches."""
    journal = Journal(storm.directory)
    drain = Drain(journal, lambda: Store.open(storm.url))
    longest, begun = 0.0, time.monotonic()
    for number in range(storm.records):
        journal.append(record_of(writer, number))
        if number % 100 == 99:
            before = time.monotonic()
            while drain.flush(60):
                pass
            longest = max(longest, time.monotonic() - before)
    waiting = drain.close(60)
    return {"records": storm.records, "failed": waiting, "longest": longest, "s": time.monotonic() - begun}


def _direct(storm: Storm, writer: int) -> dict[str, float]:
    """As a command does it: one transaction for one record."""
    failed, longest, begun = 0, 0.0, time.monotonic()
    with Store.open(storm.url) as store:
        for number in range(storm.records // 10):
            before = time.monotonic()
            try:
                store.apply([record_of(writer, number)])
            except StoreError as error:
                print(error, file=sys.stderr)
                failed += 1
            longest = max(longest, time.monotonic() - before)
    done = storm.records // 10
    return {"records": done, "failed": failed, "longest": longest, "s": time.monotonic() - begun}


def _forked(storm: Storm, writer: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = (_drained if writer % 2 else _direct)(storm, writer)
            os.write(writing, json.dumps(found).encode())
        except Exception:  # noqa: BLE001 - told here, and counted by the parent
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def _heard(child: int, pipe: int) -> dict[str, float]:
    with os.fdopen(pipe) as told:
        text = told.read()
    os.waitpid(child, 0)
    return json.loads(text or '{"records": 0, "failed": 1, "longest": 0, "s": 0}')


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument(
        "--records", type=int, default=1_000, help="of a writer with a drain; a tenth of the others"
    )
    parser.add_argument("--url")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="writers-") as folder:
        url = given.url or f"sqlite:///{folder}/lineage.db"
        storm = Storm(url, Path(folder) / "journal", 0, given.writers, given.records, 0)
        children = [_forked(storm, writer) for writer in range(given.writers)]
        found = [_heard(*child) for child in children]
        expected = [
            f"{writer}-{number}"
            for writer, each in enumerate(found)
            for number in range(int(each["records"]))
        ]
        storm.acknowledged = expected
        problems = list(problems_of(storm))
        left = len(list(storm.directory.glob("*")))
    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    told: dict[str, object] = {"problems": len(problems), "journals left": left}
    for name, ours in (("drained", found[1::2]), ("direct", found[::2])):
        speeds = [each["records"] / each["s"] for each in ours if each["s"]]
        told[name] = {
            "failed": sum(each["failed"] for each in ours),
            "longest wait, s": round(max(each["longest"] for each in ours), 3),
            "slowest of fastest": round(min(speeds) / max(speeds), 2),
            "records a second, all": round(sum(speeds)),
        }
    print(json.dumps(told))
    return 1 if problems or any(each["failed"] for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
