"""Results that Prefect keeps in S3, or anywhere by fsspec: they link cached runs, and are nobody's files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.filesystems import RemoteFileSystem

FLOW = """
import sys

import boto3
import pandas as pd
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect_aws import AwsCredentials, S3Bucket

import prefect_lineage

url, name = sys.argv[1:]
key = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
boto3.client("s3", endpoint_url=url, **key).create_bucket(Bucket="results")
credentials = AwsCredentials(**key, aws_client_parameters={"endpoint_url": url})
storage = S3Bucket(bucket_name="results", credentials=credentials)
storage.save("lineage-results", overwrite=True)
prefect_lineage.enable()


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
def made(rows: int) -> pd.DataFrame:
    return pd.read_csv("in.csv").head(rows)


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
def counted(rows: int) -> int:
    return rows


@task
def used(table: pd.DataFrame, rows: int, name: str) -> None:
    table.to_csv(name)


@flow(result_storage=storage)
def pipe(name: str) -> None:
    used.submit(made.submit(2), counted.submit(2), name).wait()


pipe(name)
print(len(boto3.client("s3", endpoint_url=url, **key).list_objects_v2(Bucket="results")["Contents"]))
"""


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    """The URL of a real S3 server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"moto's server did not start (exit code {server.poll()})")


def run(place: Path, server: str, s3: str, name: str) -> str:
    done = subprocess.run(
        [sys.executable, "flow.py", s3, name],
        cwd=place,
        env={**os.environ, "PREFECT_API_URL": server},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


MADE = [
    "in.csv:v0 -> pipe.made",
    "pipe.made -> pipe.made():v0",
    "pipe.made -> pipe.made():v0",
    "pipe.made():v0 -> pipe.used",
    "pipe.made():v0 -> pipe.used",
    "pipe.used -> one.csv:v0",
    "pipe.used -> two.csv:v0",
]
"""Twice made and used; the second time made means found."""

COUNTED = [
    "pipe.counted -> pipe.counted():v0",
    "pipe.counted -> pipe.counted():v0",
    "pipe.counted():v0 -> pipe.used",
    "pipe.counted():v0 -> pipe.used",
]


def origins(recorded: Any, job: str) -> list[tuple[str | None, str | None]]:
    """State and origin of each run of a job, the first started first."""
    runs = sorted((run for run in recorded.runs() if run.job == job), key=lambda run: run.started_at or 0)
    assert {run.cached_from for run in runs} <= {None, runs[0].id}
    return [(run.state, run.cached_from and "the first") for run in runs]


FOUND = [("Completed", None), ("Cached", "the first")]


def test_runs_of_another_process_are_found_by_their_results_in_s3(
    place: Path, prefect_server: str, s3: str, store: Any
) -> None:
    (place / "in.csv").write_text("x\n1\n2\n3\n")
    (place / "flow.py").write_text(FLOW)
    objects = [run(place, prefect_server, s3, name) for name in ("one.csv", "two.csv")]
    assert all(int(number) >= 2 for number in objects)  # they lie in the bucket
    assert store.edges(values=True) == sorted(MADE + COUNTED)
    assert origins(store, "pipe.made") == origins(store, "pipe.counted") == FOUND


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
def made(rows: int) -> pd.DataFrame:
    return pd.read_csv("in.csv").head(rows)


@task
def used(table: pd.DataFrame, name: str) -> None:
    table.to_csv(name)


def test_results_kept_by_fsspec_are_nobodys_files(recorded: Any) -> None:
    Path("in.csv").write_text("x\n1\n2\n3\n")
    storage = RemoteFileSystem(basepath="memory://kept")
    storage.save("lineage-kept", overwrite=True)

    @flow(result_storage=storage)
    def pipe(name: str) -> None:
        used(made(2), name)

    pipe("one.csv")
    pipe("two.csv")
    assert fsspec.filesystem("memory").ls("/kept")
    assert recorded.edges(values=True) == MADE
    assert origins(recorded, "pipe.made") == FOUND
