"""Values on their way from task to task, and what users declare of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pandas as pd
import pytest
from prefect import flow, task

import prefect_lineage
from prefect_lineage import log_artifact, track, use_artifact
from prefect_lineage.errors import LineageError, NoRunError, ReferenceUnknown

FRAME = {"a": [1, 2, 3], "b": ["x", "y", "z"]}


def test_a_frame_passed_on_is_an_edge_out_and_an_edge_in(recorded) -> None:
    @task
    def extract() -> pd.DataFrame:
        return pd.DataFrame(FRAME)

    @task
    def load(frame: pd.DataFrame) -> None: ...

    @flow
    def pipe() -> None:
        load(extract())

    pipe()
    assert recorded.edges(values=True) == [
        "pipe.extract -> pipe.extract():v0",
        "pipe.extract():v0 -> pipe.load",
    ]


def test_a_value_that_nobody_receives_is_not_recorded(recorded) -> None:
    @task
    def extract() -> pd.DataFrame:
        return pd.DataFrame(FRAME)

    @flow
    def pipe() -> None:
        extract()

    pipe()
    assert recorded.edges(values=True) == []


def test_futures_lists_and_parts_of_a_tuple_carry_their_values(recorded) -> None:
    @task
    def both() -> tuple[pd.DataFrame, pd.DataFrame]:
        return pd.DataFrame(FRAME), pd.DataFrame({"c": [1]})

    @task
    def one(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.copy()

    @task
    def gather(frames: list[pd.DataFrame]) -> None: ...

    @flow
    def pipe() -> None:
        first, _ = both()
        gather([one.submit(first)])

    pipe()
    assert recorded.edges(values=True) == [
        "pipe.both -> pipe.both()[0]:v0",
        "pipe.both()[0]:v0 -> pipe.one",
        "pipe.one -> pipe.one():v0",
        "pipe.one():v0 -> pipe.gather",
    ]


def test_equal_constants_prove_nothing(recorded) -> None:
    @task
    def constant() -> str:
        return "same"

    @task
    def number() -> int:
        return 1

    @task
    def take(text: str, count: int) -> None: ...

    @flow
    def pipe() -> None:
        constant()
        number()
        take("same", 1)

    pipe()
    assert recorded.edges(values=True) == []


def test_a_frame_changed_on_its_way_is_an_inferred_input(recorded) -> None:
    @task
    def extract() -> pd.DataFrame:
        return pd.DataFrame(FRAME)

    @task
    def first(frame: pd.DataFrame) -> None: ...

    @task
    def second(frame: pd.DataFrame) -> None: ...

    @flow
    def pipe() -> None:
        frame = extract()
        first(frame)
        frame["c"] = 0
        second(frame)

    pipe()
    graph = recorded.graph()
    jobs = {run.id: run.job for run in graph.runs}
    how = {jobs[edge.run]: edge.how for edge in graph.edges if edge.direction == "input"}
    assert how == {"pipe.first": "observed", "pipe.second": "inferred"}


@pytest.mark.parametrize("order", ["track under task", "track above task"])
def test_track_names_what_a_task_returns_and_takes(recorded, order: str) -> None:
    def split() -> pd.DataFrame:
        return pd.DataFrame(FRAME)

    def fit(train: pd.DataFrame) -> dict:
        return {"weights": [1.0]}

    named = track(outputs="dataset", type="dataset", metadata={"seed": 1})
    fitted = track(inputs={"train": "dataset"}, outputs="model", type="model", aliases=["candidate"])
    if order == "track under task":
        split, fit = task(named(split)), task(fitted(fit))
    else:
        split, fit = named(task(split)), fitted(task(fit))

    @flow
    def pipe() -> None:
        fit(split())

    pipe()
    assert recorded.edges(values=True) == [
        "dataset:v0 -> pipe.fit",
        "pipe.fit -> model:v0",
        "pipe.split -> dataset:v0",
    ]
    model = recorded.version("model:v0")
    assert (model.type, set(model.aliases)) == ("model", {"candidate", "latest"})
    assert recorded.version("dataset:v0").metadata == {"seed": 1}


def test_a_tracked_input_that_came_from_elsewhere_is_found_by_its_content(recorded) -> None:
    @task
    @track(outputs="dataset")
    def split(size: int) -> pd.DataFrame:
        return pd.DataFrame({"a": range(size)})

    @task
    @track(inputs={"train": "dataset"})
    def fit(train: pd.DataFrame) -> None: ...

    @flow
    def pipe() -> None:
        split(1)
        split(2)
        fit(pd.DataFrame({"a": range(1)}))

    pipe()
    assert "dataset:v0 -> pipe.fit" in recorded.edges(values=True)
    assert "dataset:v1 -> pipe.fit" not in recorded.edges(values=True)


def test_three_runs_that_make_the_same_are_three_producers_of_one_version(recorded) -> None:
    @task
    @track(outputs="dataset", type="dataset")
    def split() -> pd.DataFrame:
        return pd.DataFrame(FRAME)

    @flow
    def pipe() -> None:
        for _ in range(3):
            split()

    pipe()
    version = recorded.version("dataset:v0")
    assert len(version.producer_ids) == 3
    assert version.aliases == ("latest",)


def test_a_sequence_of_names_is_matched_with_a_tuple_and_a_mapping_with_a_dict(recorded) -> None:
    @task
    @track(outputs=["train", "test"])
    def split() -> tuple[dict, dict]:
        return {"n": 1}, {"n": 2}

    @task
    @track(outputs={"scores": "metrics"})
    def evaluate() -> dict:
        return {"scores": {"accuracy": 0.5}, "other": 1}

    @flow
    def pipe() -> None:
        split()
        evaluate()

    pipe()
    assert recorded.edges(values=True) == [
        "pipe.evaluate -> metrics:v0",
        "pipe.split -> test:v0",
        "pipe.split -> train:v0",
    ]


def test_async_and_generator_functions_can_be_tracked(recorded) -> None:
    @task
    @track(outputs="later")
    async def later() -> dict:
        return {"n": 1}

    @task
    @track(outputs="step")
    def steps():
        yield {"n": 1}
        yield {"n": 2}

    @flow
    async def pipe() -> None:
        await later()
        assert [value["n"] for value in steps()] == [1, 2]

    asyncio.run(pipe())
    assert recorded.edges(values=True) == [
        "pipe.later -> later:v0",
        "pipe.steps -> step:v0",
        "pipe.steps -> step:v1",
    ]


def test_a_returned_path_is_named_where_it_lies(recorded) -> None:
    @task
    @track(outputs="report", type="report")
    def write() -> Path:
        path = Path("report.html")
        path.write_text("<p>")
        return path

    @task
    def read() -> None:
        Path("report.html").read_text()

    @flow
    def pipe() -> None:
        write()
        read()

    pipe()
    assert recorded.edges() == ["pipe.write -> report:v0", "report:v0 -> pipe.read"]
    assert recorded.version("report:v0").uri == f"file://{recorded.folder / 'report.html'}"


def test_track_captures_its_task_where_nothing_else_is_on(recorded) -> None:
    prefect_lineage.disable()

    @task
    @track
    def wanted() -> None:
        Path("wanted.txt").write_text("x")

    @task
    def unwanted() -> None:
        Path("unwanted.txt").write_text("x")

    @flow
    def pipe() -> None:
        wanted()
        unwanted()

    pipe()
    assert recorded.edges() == ["pipe.wanted -> wanted.txt:v0"]


def test_a_task_that_does_not_want_to_be_captured_is_not(recorded) -> None:
    @task
    @track(capture=False)
    def private() -> None:
        Path("private.txt").write_text("x")

    @flow
    def pipe() -> None:
        private()

    pipe()
    assert recorded.edges() == []
    assert [run.job for run in recorded.runs()] == ["pipe"]


def test_outside_a_run_a_tracked_function_is_just_a_function(place) -> None:
    @track(outputs="doubled", inputs={"x": "something"})
    def double(x: int) -> int:
        return 2 * x

    try:
        assert double(2) == 4
    finally:
        prefect_lineage.disable()


def test_track_refuses_what_cannot_fit() -> None:
    with pytest.raises(LineageError, match="no such parameter"):
        track(inputs={"nope": "x"})(lambda a: a)
    with pytest.raises(LineageError, match="cannot be an alias"):
        track(aliases=["v3"])
    with pytest.raises(LineageError, match="is empty"):
        track(outputs=" ")
    with pytest.raises(LineageError, match="one text"):
        track(aliases="best")


def test_use_artifact_in_a_task_is_an_input_by_name_and_alias(recorded) -> None:
    @task
    def make() -> None:
        Path("model.bin").write_bytes(b"1")
        version = log_artifact(
            "model.bin", name="model", type="model", aliases=["best"], metadata={"f1": 0.9}
        )
        assert (str(version), version.type, version.metadata) == ("model:v0", "model", {"f1": 0.9})

    @task
    def use() -> str:
        model = use_artifact("model:best", type="model")
        return Path(model.path).read_text()

    @flow
    def pipe() -> str:
        make()
        return use()

    assert pipe() == "1"
    assert recorded.edges() == ["model:v0 -> pipe.use", "pipe.make -> model:v0"]
    hows = {edge.how for edge in recorded.graph().edges}
    assert hows == {"declared"}


def test_use_artifact_outside_a_run_resolves_and_answers_for_its_neighbours(recorded) -> None:
    with prefect_lineage.run("notebook"):
        log_artifact({"a": 1}, name="thing")
    version = use_artifact("thing")
    assert str(version) == "thing:v0"
    assert [run.name for run in version.producers()] == ["notebook"]
    with pytest.raises(ReferenceUnknown) as raised:
        use_artifact("thinge")
    assert "thing" in raised.value.candidates


def test_using_a_named_version_finds_it_though_its_file_has_another_name_by_now(recorded) -> None:
    Path("data.csv").write_text("a\n1\n")
    with prefect_lineage.run("first"):
        log_artifact("data.csv", name="one")
    with prefect_lineage.run("second"):
        log_artifact("data.csv", name="two")
    with prefect_lineage.run("third"):
        use_artifact("one")
    assert "one:v0 -> third" in recorded.edges()


def test_log_artifact_outside_a_run_is_a_clear_error(recorded) -> None:
    with pytest.raises(NoRunError, match=r"with prefect_lineage\.run"):
        log_artifact("x.txt")


def test_log_artifact_of_nothing_is_a_clear_error(recorded) -> None:
    with prefect_lineage.run("script"):
        with pytest.raises(LineageError, match="no such file"):
            log_artifact("missing.txt")
        with pytest.raises(LineageError, match="needs a name"):
            log_artifact({"a": 1})


def test_a_run_of_plain_code_owns_what_happens_in_it(recorded) -> None:
    Path("in.txt").write_text("1")
    with prefect_lineage.run("script", parameters={"n": 1}, tags=["adhoc"]):
        Path("out.txt").write_text(Path("in.txt").read_text())
    assert recorded.edges() == ["in.txt:v0 -> script", "script -> out.txt:v0"]
    run = recorded.run("script")
    assert (run.kind, run.state, run.details["parameters"], run.details["tags"]) == (
        "script",
        "Completed",
        {"n": 1},
        ["adhoc"],
    )


def test_a_run_of_plain_code_that_raises_has_failed(recorded) -> None:
    def script() -> None:
        with prefect_lineage.run("script"):
            Path("half.txt").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        script()
    assert recorded.run("script").state == "Failed"
    assert recorded.version("half.txt:v0").partial


def test_an_output_can_be_added_to_a_run_that_has_ended(recorded) -> None:
    with prefect_lineage.run("script") as run:
        pass
    Path("late.txt").write_text("x")
    log_artifact("late.txt", run=run)
    log_artifact({"n": 1}, name="later", run=f"run:{run.id[:8]}")
    assert recorded.edges() == ["script -> late.txt:v0", "script -> later:v0"]


def test_a_uri_is_a_reference_and_nothing_is_copied(recorded) -> None:
    with prefect_lineage.run("script"):
        version = log_artifact("s3://bucket/key.csv?X-Amz-Signature=abc", name="remote")
    assert version.covers == "none"
    assert "abc" not in version.uri


class Unshowable:
    """A parameter of which nothing can be told but its type."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise ZeroDivisionError

    def __str__(self) -> str:
        raise ZeroDivisionError


def test_a_run_whose_parameter_cannot_be_shown_is_recorded(recorded) -> None:
    @task
    def take(thing: Unshowable, n: int) -> None:
        Path("out.txt").write_text("x")

    @flow
    def pipe() -> None:
        take(Unshowable(), 1)

    pipe()
    assert recorded.edges() == ["pipe.take -> out.txt:v0"]
    shown = recorded.run("pipe.take").details["parameters"]
    assert shown["n"] == 1
    assert shown["thing"].endswith(".Unshowable>")


def test_equal_constants_in_a_tuple_prove_nothing(recorded) -> None:
    @task
    def constant() -> tuple[str, int]:
        return ("same", 1)

    @task
    def take(pair: tuple[str, int]) -> None: ...

    @flow
    def pipe() -> None:
        take(constant())

    pipe()
    assert recorded.edges(values=True) == []
