"""One real Prefect server for the whole suite: starting one for every flow would take minutes."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, PostgresUnavailable

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "DO_NOT_TRACK": "1",
}
_STARTUP_SECONDS = 120

# Prefect reads its settings when it is imported, so they are there before any test module is.
for _name in [name for name in os.environ if name.startswith("PREFECT_")]:
    del os.environ[_name]
os.environ.update(_QUIET)
_home = tempfile.TemporaryDirectory(prefix="prefect-lineage-tests-")
atexit.register(_home.cleanup)  # before Python would do it by itself, with a warning, which is an error here
os.environ["PREFECT_HOME"] = _home.name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"Prefect's server did not start at {url} (exit code {server.poll()})")


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API URL of a real server with a database of its own."""
    home: Path = tmp_path_factory.mktemp("prefect")
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"],
        env={**os.environ, "PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "ERROR"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _wait(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL; what needs it is skipped where none can be started."""
    try:
        server = PostgresServer()
    except PostgresUnavailable as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield server
    server.stop()


@pytest.fixture
def fresh_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database in PostgreSQL, of this test's own, to do anything with."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def shared_postgres_url(postgres: PostgresServer) -> str:
    """A store in PostgreSQL that many tests use, one after the other."""
    from prefect_lineage.store.store import Store

    url = postgres.create()
    Store.open(url).close()
    return url


@pytest.fixture
def postgres_url(postgres: PostgresServer, shared_postgres_url: str) -> str:
    """An empty store in PostgreSQL. Emptying one takes a hundredth of making one; its layout is not to be changed."""
    from prefect_lineage.store.schema import metadata

    postgres.empty(shared_postgres_url, [table.name for table in metadata.sorted_tables])
    return shared_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of this test's own, in the one database and in the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lineage.db'}"
    return str(request.getfixturevalue("postgres_url"))
