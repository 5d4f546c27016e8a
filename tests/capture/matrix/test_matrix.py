"""Every kind of task, called in every way, with every end, on every runner: the whole recorded graph of each.

The scenarios of a runner are played together in a process of their own, once; each is then looked at by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from matrix_graph import Told
from matrix_rules import expected
from matrix_scenarios import RUNNERS, Scenario, scenarios

HERE = Path(__file__).parent
PLAYERS = {"here": "thread", **{runner: runner for runner in RUNNERS}, "worker": "worker"}
"""Which process plays a runner's scenarios: calls are played beside the thread pool's."""

Play = Callable[[str], Told]


@pytest.fixture(scope="module")
def told(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """What was recorded of a runner's scenarios, which are played when they are first asked for, and only then."""
    asked: set[str] = set()

    @cache
    def played(player: str) -> Told:
        if player in asked:
            pytest.fail(f"the scenarios of {player} could not be played, as the first of them tells")
        asked.add(player)
        place = tmp_path_factory.mktemp(player)
        environment = _environment(place, prefect_server)
        mine = [runner for runner, plays in PLAYERS.items() if plays == player]
        _write_inputs(place, mine)
        with _serving(place, environment) if player == "worker" else _nothing():
            _run(place, environment, str(HERE / "matrix_flows.py"), *mine)
        # what a process left behind that went down is loaded now
        _run(place, environment, "-m", "prefect_lineage", "sync")
        return Told(environment["PREFECT_LINEAGE_URL"])

    return played


def _environment(place: Path, server: str) -> dict[str, str]:
    return {
        **os.environ,
        "PREFECT_API_URL": server,
        "PREFECT_HOME": str(place / "home"),
        "PREFECT_LOCAL_STORAGE_PATH": str(place / "results"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        # a task worker and the first of its tasks that logs can wait for each other for ever
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_LINEAGE_URL": f"sqlite:///{place / 'lineage.db'}",
        "PREFECT_LINEAGE_JOURNAL_DIR": str(place / "journal"),
        "PREFECT_LINEAGE_ROOT": str(place / "work"),
    }


def _write_inputs(place: Path, runners: list[str]) -> None:
    (place / "work").mkdir()
    for scenario in scenarios():
        for item in scenario.items if scenario.runner in runners else ():
            (place / "work" / f"{scenario}.{item}.in").write_text(f"{scenario} {item}")


def _run(place: Path, environment: dict[str, str], *words: str) -> None:
    with (place / "errors.txt").open("a") as errors:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=place / "work",
            env=environment,
            stdout=errors,
            stderr=errors,
            timeout=500,
            check=False,
        )
    assert done.returncode == 0, (place / "errors.txt").read_text()[-10_000:]


@contextmanager
def _serving(place: Path, environment: dict[str, str]) -> Iterator[None]:
    """A task worker; it may come later than what is asked of it, which waits at the server."""
    with (place / "worker.txt").open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, str(HERE / "matrix_flows.py"), "serve"],
            cwd=place / "work",
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@pytest.mark.parametrize("scenario", [*scenarios()], ids=lambda scenario: f"{scenario.runner}-{scenario}")
@pytest.mark.timeout(600)  # the first of a runner waits for all of them to be played
def test_the_whole_graph_of_a_scenario_is_as_the_rules_say(told: Play, scenario: Scenario) -> None:
    assert told(PLAYERS[scenario.runner]).of(str(scenario)) == expected(scenario)


@pytest.mark.parametrize("player", sorted({*PLAYERS.values()}))
@pytest.mark.timeout(600)
def test_nothing_else_was_recorded(told: Play, player: str) -> None:
    mine = {str(scenario) for scenario in scenarios() if PLAYERS[scenario.runner] == player}
    jobs = {job.removesuffix("_take") for job in told(player).jobs()}
    assert jobs == {"matrix", *(f"matrix.{name}" for name in mine)}
    assert told(player).elsewhere() == []


@pytest.mark.timeout(600)
def test_delayed_tasks_run_in_the_task_worker_whoever_asked(told: Play) -> None:
    runs = told("worker").runs
    flows = {run.details["process"]["pid"] for run in runs if run.kind == "flow"}
    (worker,) = {run.details["process"]["pid"] for run in runs if run.kind == "task"}
    assert worker not in flows
