"""What a recorded run costs, ours against each peer, in one run: of wall time and of CPU time.

    python tests/benchmarks/peers.py --venv FOLDER [--only mlflow wandb] [--rounds 11]

Each peer runs in an environment of its own below FOLDER, made with pip if it is not there, for their requirements
exclude each other; why a peer is left out is printed. Each system has one process for the whole benchmark. In a round
for each peer, both record runs with two inputs and two outputs in the order ours, theirs, theirs, ours, until all is
as durable as that system makes it (see ``peer_adapters.py``); ours is what goes into the journal *and* the drain into
SQLite. A peer that is told of a run's start and of its end is compared with the three lines of ours that capture
writes for a task; one that is told *at once*, with one line. The bar: ours takes less, the whole interval below 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from measuring import between, ratio

ADAPTERS = Path(__file__).with_name("peer_adapters.py")
BLOCK_S = 0.4
"""So long a block of runs should take."""

MOST, LEAST = 2_000, 3
"""Runs in a block."""


class Peer(NamedTuple):
    """One way to record a run elsewhere.

    Attributes:
        title: how it is called here.
        package: what pip installs for it.
        against: which of our ways tells as much.
    """

    title: str
    package: str
    against: str = "ours"


PEERS = {
    "openlineage": Peer("OpenLineage, file: START, COMPLETE", "openlineage-python==1.54.0"),
    "openlineage_at_once": Peer(
        "OpenLineage, file: COMPLETE at once", "openlineage-python==1.54.0", "ours_at_once"
    ),
    "mlmd": Peer("ML Metadata: running, then complete", "ml-metadata==1.17.1"),
    "mlmd_at_once": Peer("ML Metadata: one call at once", "ml-metadata==1.17.1", "ours_at_once"),
    "mlflow": Peer("MLflow: a run with datasets", "mlflow==3.17.2"),
    "wandb": Peer("W&B offline: a run", "wandb==0.31.0"),
    "wandb_in_one_run": Peer("W&B offline: outputs in an open run", "wandb==0.31.0", "ours_at_once"),
    "lamindb": Peer("LaminDB: a run with artifacts", "lamindb==2.12.1"),
}


class Cost(NamedTuple):
    """Seconds of a run."""

    wall: float
    cpu: float


class Worker:
    """A process that records as one system does.

    Args:
        name: of the adapter.
        python: the interpreter that has the system's package.
        folder: empty; its store, its home and its log lie there.
    """

    def __init__(self, name: str, python: str, folder: Path) -> None:
        self.log = folder / "log.txt"
        (folder / "home").mkdir(parents=True)
        environment = {**os.environ, "HOME": str(folder / "home"), "PYTHONWARNINGS": "ignore"}

        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [python, str(ADAPTERS), name, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, cwd=folder, env=environment, start_new_session=True,
            )  # fmt: skip

    def record(self, runs: int) -> Cost:
        """Record so many runs; what one took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(runs, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it ended"]
            raise LookupError(said[-1])
        told = json.loads(answer)
        return Cost(told["wall"] / runs, told["cpu"] / runs)

    def warm(self) -> int:
        """Record twice; how many runs make a block."""
        self.record(LEAST)
        took = self.record(10 * LEAST).wall
        return max(LEAST, min(MOST, int(BLOCK_S / took)))

    def stop(self) -> None:
        """End the process, and what it started."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def working(name: str, python: str, folder: Path) -> Iterator[Worker]:
    worker = Worker(name, python, folder)
    try:
        yield worker
    finally:
        worker.stop()


def interpreter(folder: Path, name: str, package: str) -> str:
    """The interpreter of a peer's own environment, which is made if it is missing.

    Raises:
        LookupError: it cannot be installed; says why.
    """
    home = folder / name.partition("_")[0]
    python, wanted = home / "bin" / "python", home / "installed.txt"
    if wanted.is_file() and wanted.read_text(encoding="utf-8") == package:
        return str(python)
    print(f"# pip install {package}", flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:", package],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
            raise LookupError(errors[-1])
    wanted.write_text(package, encoding="utf-8")
    return str(python)


def compare(mine: Worker, runs: int, theirs: Worker, peer: Peer, rounds: int) -> str:
    """One line of the table."""
    block, pairs = theirs.warm(), []
    for _ in range(rounds):
        first, *their, last = mine.record(runs), theirs.record(block), theirs.record(block), mine.record(runs)
        pairs.append((_mean(first, last), _mean(*their)))
    wall = [ours.wall / other.wall for ours, other in pairs]
    cpu = [ours.cpu / other.cpu for ours, other in pairs]
    spent = " and ".join(
        f"{1000 * sorted(costs)[len(costs) // 2].cpu:.2f}" for costs in zip(*pairs, strict=True)
    )
    ahead = "ahead" if _below_one(wall) and _below_one(cpu) else "not shown to be ahead"
    return f"{peer.title:36} wall {ratio(wall):22} CPU {ratio(cpu):22} {ahead}; CPU {spent} ms a run"


def _mean(*costs: Cost) -> Cost:
    return Cost(*(sum(each) / len(costs) for each in zip(*costs, strict=True)))


def _below_one(ratios: list[float]) -> bool:
    return between(ratios)[1] < 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--venv", type=Path, required=True, help="where the peers' environments are, or are made"
    )
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    print("ours / theirs, a run with two inputs and two outputs; bar: below 1", flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ours = {}
        for name in ("ours", "ours_at_once"):
            worker = stack.enter_context(working(name, sys.executable, Path(folder, name)))
            ours[name] = worker, worker.warm()
        for name in given.only:
            peer = PEERS[name]
            try:
                python = interpreter(given.venv.absolute(), name, peer.package)
                with working(name, python, Path(folder, name)) as theirs:
                    print(compare(*ours[peer.against], theirs, peer, given.rounds), flush=True)
            except LookupError as error:
                print(f"{peer.title:36} left out: {error}", flush=True)


if __name__ == "__main__":
    main()
