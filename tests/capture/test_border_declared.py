"""What users declare, where it meets what was observed and how the run ended."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from prefect import flow, task

import prefect_lineage
from prefect_lineage import log_artifact, track, use_artifact


def test_what_a_failed_task_logged_is_partial_and_moves_no_alias(recorded) -> None:
    @task
    def good() -> None:
        Path("m.txt").write_text("good")
        log_artifact("m.txt", name="m", aliases=["prod"])

    @task
    def bad() -> None:
        Path("m.txt").write_text("bad")
        log_artifact("m.txt", name="m", aliases=["prod"])
        raise ValueError("after logging")

    @flow
    def pipe() -> None:
        good()
        bad(return_state=True)
        assert use_artifact("m:prod").number == 0

    pipe()
    assert set(recorded.version("m:v0").aliases) == {"latest", "prod"}
    failed = recorded.version("m:v1")
    assert (failed.partial, failed.aliases) == (True, ())


def test_an_edge_that_was_declared_and_observed_happened_once(recorded) -> None:
    @task
    def write() -> None:
        Path("m.txt").write_text("x")
        log_artifact("m.txt", name="m")

    @flow
    def pipe() -> None:
        write()

    pipe()
    (edge,) = recorded.graph().edges
    assert (edge.how, edge.times, edge.partial) == ("declared", 1, False)


def test_naming_an_artifact_keeps_what_was_observed_of_it(recorded) -> None:
    @task
    def write() -> None:
        pd.DataFrame({"a": [1, 2]}).to_csv("frame.csv", index=False)
        log_artifact("frame.csv", name="frame", type="dataset")

    @flow
    def pipe() -> None:
        write()

    pipe()
    version = recorded.version("frame:v0")
    assert (version.rows, version.format, version.schema) == (2, "csv", (("a", "int64"),))


def test_using_what_the_run_logged_itself_is_no_input(recorded) -> None:
    with prefect_lineage.run("script"):
        Path("s.txt").write_text("x")
        log_artifact("s.txt", name="s")
        assert use_artifact("s").number == 0
    assert recorded.edges() == ["script -> s:v0"]


def test_a_secret_parameter_in_the_name_of_a_run_is_hidden(recorded) -> None:
    @task(task_run_name="fetch-{token}")
    def fetch(token: str) -> None: ...

    @flow(flow_run_name="for-{password}")
    def pipe(password: str) -> None:
        fetch("t0k3n-value")

    pipe("hunter2")
    assert sorted(run.name for run in recorded.runs()) == ["fetch-***", "for-***"]


def test_a_result_whose_type_has_no_module_disturbs_nobody(recorded) -> None:
    namespace: dict = {}
    exec("T = type('T', (), {})", namespace)

    @task(persist_result=False)
    def make() -> object:
        return namespace["T"]()

    @flow
    def pipe() -> object:
        return make()

    assert pipe() is not None


def test_switched_off_a_flow_that_declares_things_runs_as_ever(place, monkeypatch) -> None:
    prefect_lineage.disable()
    monkeypatch.setenv("PREFECT_LINEAGE_ENABLED", "0")
    Path("m.txt").write_text("x")
    version = log_artifact("m.txt", name="m", aliases=["best"])
    assert (version.name, version.version) == ("m", "pending")
    with prefect_lineage.run("script"):
        log_artifact({"n": 1}, name="value")


def test_the_latest_version_is_the_one_written_last(recorded) -> None:
    @task
    def read() -> None:
        Path("x.txt").read_text()

    @flow
    def pipe() -> None:
        Path("x.txt").write_text("one")
        read()
        Path("x.txt").write_text("two")

    pipe()
    assert recorded.version("x.txt:v1").aliases == ("latest",)
    assert len(use_artifact("x.txt").producers()) == 1


def test_logging_to_a_store_that_is_none_goes_on_without_a_number(place, monkeypatch) -> None:
    (place.parent / "notes.db").write_text("not a database")
    monkeypatch.setenv("PREFECT_LINEAGE_URL", f"sqlite:///{place.parent / 'notes.db'}")
    try:
        with prefect_lineage.run("script"):
            version = log_artifact({"n": 1}, name="value")
    finally:
        prefect_lineage.disable()
    assert (version.version, version.digest[:7]) == ("pending", "blake3:")


def test_tracked_outputs_of_a_failed_attempt_are_partial(recorded) -> None:
    @task
    @track(outputs="report")
    def write() -> Path:
        Path("report.txt").write_text("x")
        return Path("report.txt")

    @task
    def fails() -> None:
        log_artifact({"n": 1}, name="value")
        raise ValueError

    @flow
    def pipe() -> None:
        write()
        fails(return_state=True)

    pipe()
    assert not recorded.version("report:v0").partial
    assert recorded.version("value:v0").partial
    with pytest.raises(prefect_lineage.LineageError):
        use_artifact("value:latest")
