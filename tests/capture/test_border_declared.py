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
