"""What the child processes of the tests do; found by this name in any process, and without Prefect."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def copy(name: str, *_: object) -> int:
    """Read ``<name>.in`` and write ``<name>.out``; gives the process that did it."""
    Path(f"{name}.out").write_text(Path(f"{name}.in").read_text())
    return os.getpid()


def copy_in_threads(*names: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(copy, names))


def copy_in_a_child(name: str) -> None:
    """The work of a grandchild."""
    process = multiprocessing.get_context("spawn").Process(target=copy, args=(name,))
    process.start()
    process.join()


def copy_and_die(name: str) -> None:
    copy(name)
    os.kill(os.getpid(), signal.SIGKILL)


def copy_when_told(name: str) -> None:
    """Work begun in the task, and done when ``go`` is there."""
    Path("begun").touch()
    for _ in range(1000):
        if Path("go").exists():
            break
        time.sleep(0.02)
    copy(name)
    Path("done").touch()


def write_half(name: str) -> None:
    """The other half follows when ``go`` is there."""
    with Path(name).open("w") as file:
        file.write("one half")
        file.flush()
        Path("begun").touch()
        for _ in range(1000):
            if Path("go").exists():
                break
            time.sleep(0.02)
        file.write(" and the other")


def write(name: str) -> None:
    Path(name).write_text(name)


def read(name: str) -> None:
    Path(name).read_text()


def rewrite(name: str) -> None:
    """Read it, and then write something else there."""
    old = Path(name).read_text()
    Path(name).write_text(old + "!")


def fail(name: str) -> None:
    raise ValueError(name)


def log(name: str) -> None:
    from prefect_lineage import log_artifact

    Path(f"{name}.csv").write_text("1,2")
    log_artifact(f"{name}.csv", name=name, type="dataset", aliases=["best"])


def use(name: str) -> None:
    from prefect_lineage import use_artifact

    use_artifact(name)


def run_a_program(*_: object) -> None:
    subprocess.run(["true"], check=True)


class Copier(multiprocessing.Process):
    """A process by its class, not by a target."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.file = name

    def run(self) -> None:
        copy(self.file)


class SpawnedCopier(multiprocessing.get_context("spawn").Process):  # type: ignore[misc]
    """The same in a fresh interpreter."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.file = name

    def run(self) -> None:
        copy(self.file)


class Forgetful(SpawnedCopier):
    """It takes along only what it knows, so nothing of ours."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "run"}
