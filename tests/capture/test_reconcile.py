"""Ends that nobody saw: what ``sync`` makes of runs that stayed open."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage import Lineage
from prefect_lineage.capture.liveness import this_process
from prefect_lineage.capture.reconcile import Reconciled, reconcile
from prefect_lineage.cli.script import plugin_switch
from prefect_lineage.model.entities import Run
from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.store import Store

GONE = {**this_process(), "started": 1}
FLOW = """
import os, signal, sys, time
from pathlib import Path
from prefect import flow, task

@task
def step() -> None:
    Path("begun.txt").write_text("")
    if Path("deadly.txt").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(120)

@flow
def long() -> None:
    step()

if __name__ == "__main__":
    long.serve(name="doomed") if "serve" in sys.argv else long()
"""


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def running(number: int, process: Any = None, **more: Any) -> Record:
    details = {"process": process} if process is not None else {}
    run = RunRecord(uuid(number), kind="task", name="n", job="f.t", state="Running", started_at=1, attempt=1)
    return Record(
        RunRecord(**{**{name: getattr(run, name) for name in run.__slots__}, "details": details, **more})
    )


@pytest.fixture
def store(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store; Prefect knows of no server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with Store.open(f"sqlite:///{place / 'some.db'}") as opened:
        yield opened


def the_run(store: Store) -> Run:
    (run,) = store.runs()
    return run


def test_nothing_is_open_in_an_empty_store(store: Store) -> None:
    assert reconcile(store) == Reconciled()


def test_a_run_whose_process_is_gone_has_crashed_nobody_knows_when(store: Store) -> None:
    store.apply([running(1, GONE)])
    assert reconcile(store) == Reconciled(by_process=1)
    run = the_run(store)
    assert (run.state, run.ended_at) == ("Crashed", None)
    assert run.details["ended_by"] == "prefect-lineage sync: its process was gone"
    assert reconcile(store) == Reconciled()


@pytest.mark.parametrize("process", [None, this_process(), {**GONE, "host": "elsewhere"}])
def test_without_evidence_a_run_stays_open(store: Store, process: Any) -> None:
    store.apply([running(1, process)])
    assert reconcile(store) == Reconciled(open=1)
    assert the_run(store).state == "Running"


def test_a_run_that_ended_is_left_alone(store: Store) -> None:
    store.apply([running(1, GONE, state="Failed", ended_at=2)])
    assert reconcile(store) == Reconciled()
    assert the_run(store).state == "Failed"


def test_what_the_run_itself_says_later_replaces_it(store: Store) -> None:
    store.apply([running(1, GONE)])
    reconcile(store)
    store.apply([Record(RunRecord(uuid(1), state="Completed", ended_at=9, attempt=1))])
    run = the_run(store)
    assert (run.state, run.ended_at) == ("Completed", 9)


def lineage(place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prefect_lineage", *words],
        cwd=place,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_server_that_does_not_answer_is_told_and_does_not_stop_sync(place: Path) -> None:
    with Store.open(os.environ["PREFECT_LINEAGE_URL"]) as opened:
        opened.apply([running(1)])
    done = lineage(place, "sync", "--json", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert done.returncode == 0
    assert json.loads(done.stdout)["ends"]["open"] == 1
    assert "Prefect's server at http://127.0.0.1:1/api does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def states(place: Path) -> dict[str, str]:
    with Lineage(os.environ["PREFECT_LINEAGE_URL"], readonly=True) as opened:
        return {run.job: run.state for run in opened.runs()}


def environment(server: str) -> dict[str, str]:
    return {
        **os.environ,
        "PREFECT_API_URL": server,
        plugin_switch(): "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }


def test_a_flow_that_was_killed_has_crashed(place: Path, prefect_server: str) -> None:
    (place / "flow.py").write_text(FLOW)
    (place / "deadly.txt").write_text("")
    done = subprocess.run(
        [sys.executable, "flow.py"], cwd=place, env=environment(prefect_server), timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL
    lineage(place, "sync", PREFECT_API_URL=prefect_server)
    assert states(place) == {"long": "Crashed", "long.step": "Crashed"}


def ask(server: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to Prefect's API; None for what is not there. A busy server is asked again, as Prefect's own do."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}{path}", data, headers, method=method)
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


@pytest.fixture
def server(prefect_server: str) -> Iterator[str]:
    """The server of which this process's Prefect knows."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server


def flow_run_at(server: str, state: str) -> str:
    """A flow run of which the server says that it is in this state."""
    flow = ask(server, "POST", "/flows/", {"name": "unseen"})["id"]
    run = ask(server, "POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "RUNNING"}})["id"]
    ask(server, "POST", f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
    return str(run)


def test_what_the_server_says_holds_for_a_run_and_for_the_tasks_that_died_with_it(
    store: Store, server: str
) -> None:
    flow = flow_run_at(server, "CANCELLED")
    store.apply([running(1, GONE, id=flow, kind="flow", flow_run=flow), running(2, GONE, flow_run=flow)])
    assert reconcile(store) == Reconciled(by_server=2)
    whole, part = (next(run for run in store.runs() if run.kind == kind) for kind in ("flow", "task"))
    assert (whole.state, part.state) == ("Cancelled", "Cancelled")
    assert whole.details["ended_by"] == "prefect-lineage sync: Prefect's server says so"
    assert whole.ended_at is not None


def test_a_run_that_the_server_has_suspended_is_open_though_no_process_lives(
    store: Store, server: str
) -> None:
    flow = flow_run_at(server, "PAUSED")
    store.apply([running(1, GONE, id=flow, kind="flow", flow_run=flow)])
    assert reconcile(store) == Reconciled(open=1)


def test_a_run_that_the_server_believes_to_run_has_crashed_if_its_process_is_gone(
    store: Store, server: str
) -> None:
    flow = flow_run_at(server, "RUNNING")
    store.apply([running(1, GONE, id=flow, kind="flow", flow_run=flow)])
    assert reconcile(store) == Reconciled(by_process=1)


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def test_a_served_flow_that_was_cancelled_at_the_server_is_cancelled(
    place: Path, prefect_server: str
) -> None:
    (place / "flow.py").write_text(FLOW)
    served = subprocess.Popen(
        [sys.executable, "flow.py", "serve"],
        cwd=place,
        env=environment(prefect_server),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        name = "/deployments/name/long/doomed"
        deployment = until(lambda: ask(prefect_server, "GET", name))["id"]
        run = ask(prefect_server, "POST", f"/deployments/{deployment}/create_flow_run", {})["id"]
        until((place / "begun.txt").exists)
        ask(prefect_server, "POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
        until(lambda: ask(prefect_server, "GET", f"/flow_runs/{run}")["state"]["type"] == "CANCELLED")
    finally:
        served.terminate()
        served.wait(30)
    done = lineage(place, "sync", "--json", PREFECT_API_URL=prefect_server)
    assert json.loads(done.stdout)["ends"]["open"] == 0
    # Prefect's engine ends the task as crashed, for it learns of the signal and not of the reason
    assert states(place) == {"long": "Cancelled", "long.step": "Crashed"}
