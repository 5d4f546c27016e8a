"""Where a way is tried: directories of its own, processes with a time limit, and a server of Prefect's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

__all__ = ["Place", "Processes", "TrialError", "server", "surroundings"]

T = TypeVar("T")

SERVER_SECONDS = 180.0
"""How long a server may take to start: it makes a database, and the machine may be slow."""

_END_SECONDS = 10.0
_LINE = 300


class TrialError(Exception):
    """A way did not work; the message is a part of a sentence."""


class Processes:
    """What was started, so that it can be ended: each process with all that it started itself."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    @contextmanager
    def started(
        self, words: list[str], folder: Path, environment: dict[str, str], output: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process that is ended with the block, and everything that it started with it."""
        with self._lock:
            if self._ending:
                raise TrialError("it was interrupted")
            process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            yield process
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)

    def end(self) -> None:
        """End all, and start no more: somebody pressed Ctrl-C."""
        with self._lock:
            self._ending = True
            running = list(self._running)
        for process in running:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """First a request; then, to whatever of the group is left, an order."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
    with suppress(ProcessLookupError, PermissionError):  # the group is empty, or its number another's by now
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a trial: the user's, without any setting of Prefect's or ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_HOME": str(folder),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONUNBUFFERED": "1",
        "RAY_AUTH_MODE": "disabled",  # a cluster of one process; Ray would leave a token in the home directory
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@dataclass
class Place:
    """Directories, a store and an environment for one way.

    Attributes:
        folder: the working directory, with the flow and its files.
        seconds: how long all that happens here may take.
    """

    folder: Path
    api: str
    processes: Processes
    seconds: float
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds
        self.work = self.folder / "work"
        self.work.mkdir(parents=True)
        self.journal = self.folder / "journal"
        self.url = f"sqlite:///{self.folder / 'lineage.db'}"
        self._log = self.folder / "output.txt"
        self.environment = surroundings(self.folder / "prefect") | {
            "PREFECT_API_URL": self.api,
            "PREFECT_LINEAGE_JOURNAL_DIR": str(self.journal),
            "PREFECT_LINEAGE_ROOT": str(self.work),
            "PREFECT_LINEAGE_URL": self.url,
            **self.environment,
        }

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.monotonic())

    def write(self, text: str, name: str = "flow.py") -> str:
        """A program in the working directory; its name."""
        (self.work / name).write_text(text, encoding="utf-8")
        return name

    def run(self, *words: str) -> None:
        """Run Python to its end.

        Raises:
            TrialError: it failed, or took too long.
        """
        with self.running(*words) as process:
            try:
                code = process.wait(self.left)
            except subprocess.TimeoutExpired:
                raise TrialError(f"it had not ended after {self.seconds:.0f} s") from None
            if code:
                raise TrialError(f"it ended with exit code {code}")

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Python in the background, ended with the block."""
        command = [sys.executable, *words]
        with (
            self._log.open("ab") as output,
            self.processes.started(command, self.work, self.environment, output) as process,
        ):
            yield process

    def last_words(self) -> str | None:
        """The last line that anything printed here."""
        return _last_line(self._log)

    def until(self, found: Callable[[], T | None], what: str, process: subprocess.Popen[bytes]) -> T:
        """Ask again and again, while the process lives.

        Raises:
            TrialError: the process ended, or there was no answer in time.
        """
        while True:
            answer = found()
            if answer is not None:
                return answer
            if process.poll() is not None:
                raise TrialError(f"it ended with exit code {process.returncode} before {what}")
            if not self.left:
                raise TrialError(f"after {self.seconds:.0f} s it was still not the case that {what}")
            time.sleep(0.2)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request to the server's API; None where there is nothing.

        Raises:
            TrialError: the server refuses.
        """
        return _request(f"{self.api}{path}", method, body)


_BUSY_TRIES = 10
"""How often a server is asked whose database is busy."""


def _last_line(log: Path) -> str | None:
    if not log.exists():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[-_LINE:] if lines else None


def _request(url: str, method: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(  # noqa: S310 - an http URL of our own server
        url, data, {"Content-Type": "application/json"}, method=method
    )
    try:
        return _answer(request)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise TrialError(f"the server refused {method} {url}: {error}") from None
    except (OSError, ValueError) as error:
        raise TrialError(f"the server did not answer {method} {url}: {error}") from None


def _answer(request: urllib.request.Request) -> Any:
    """Ask again while the server's database is busy, as Prefect's own client does."""
    tries = 0
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            tries += 1
            if error.code != 503 or tries == _BUSY_TRIES:
                raise
        time.sleep(1)


@contextmanager
def server(folder: Path, processes: Processes) -> Iterator[str]:
    """The API URL of a server of Prefect's with an empty database, ended with the block.

    Raises:
        TrialError: it does not start.
    """
    folder.mkdir(parents=True)
    log = folder / "server.txt"
    words = [sys.executable, "-m", "prefect", "server", "start", "--no-ui", "--port", str(_free_port())]
    api = f"http://127.0.0.1:{words[-1]}/api"
    deadline = time.monotonic() + SERVER_SECONDS
    with (
        log.open("wb") as output,
        processes.started(words, folder, surroundings(folder), output) as process,
    ):
        while not _answers(api):
            if process.poll() is not None or time.monotonic() > deadline:
                raise TrialError(f"Prefect's own server does not start: {_last_line(log)}")
            time.sleep(0.2)
        yield api
    shutil.rmtree(folder, ignore_errors=True)


def _answers(api: str) -> bool:
    try:
        return _request(f"{api}/health", "GET") is not None
    except TrialError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
