"""Values that come through futures, states, subflows and the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from prefect import allow_failure, flow, task, unmapped
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.futures import PrefectFuture
from prefect.states import State


@task
def number(value: int = 2) -> int:
    return value


@task
def double(value: Any) -> Any:
    return value


@task
def collect(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else 0


@task
def frame(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame({"x": range(rows)})


@task
def broken() -> int:
    raise ValueError("broken")


@task
def after() -> None:
    return None


@dataclass
class Pair:
    left: Any
    right: Any


PASSED = ["pipe.double() -> x"]


def test_a_number_that_comes_by_a_future_is_an_edge(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        double.submit(number.submit(7)).wait()

    pipe()
    assert recorded.edges(values=True) == [
        "pipe.number -> pipe.number():v0",
        "pipe.number():v0 -> pipe.double",
    ]


def test_equal_numbers_of_two_runs_are_two_versions(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        double.submit(number.submit(7)).wait()
        double.submit(number.submit(7)).wait()

    pipe()
    assert recorded.edges(values=True) == [
        "pipe.number -> pipe.number():v0",
        "pipe.number -> pipe.number():v1",
        "pipe.number():v0 -> pipe.double",
        "pipe.number():v1 -> pipe.double",
    ]


def containers(future: PrefectFuture[int]) -> Iterator[object]:
    yield [future]
    yield {"a": {"b": [future]}}
    yield Pair(future, 3)
    yield (1, future)


@pytest.mark.parametrize("shape", range(4), ids=["list", "nested dict", "dataclass", "tuple"])
def test_futures_inside_containers_are_edges(recorded: Any, shape: int) -> None:
    @flow
    def pipe() -> None:
        collect.submit(list(containers(number.submit()))[shape]).wait()

    pipe()
    assert "pipe.number():v0 -> pipe.collect" in recorded.edges(values=True)


def test_waiting_for_a_run_is_no_edge(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        after.submit(wait_for=[number.submit()]).wait()

    pipe()
    assert recorded.edges(values=True) == []


def test_a_task_that_returned_nothing_passes_nothing(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        double.submit(after.submit()).wait()

    pipe()
    assert recorded.edges(values=True) == []


def test_mapping_over_futures_gives_each_run_its_own(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        double.map(number.map([1, 2, 3])).wait()

    pipe()
    edges = recorded.edges(values=True)
    assert len(edges) == 6
    assert {edge for edge in edges if edge.endswith("-> pipe.double")} == {
        f"pipe.number():v{version} -> pipe.double" for version in range(3)
    }


def test_an_unmapped_future_goes_to_every_run(recorded: Any) -> None:
    @task
    def add(left: int, right: int) -> int:
        return left + right

    @flow
    def pipe() -> None:
        add.map([1, 2], unmapped(number.submit(9))).wait()

    pipe()
    assert recorded.edges(values=True).count("pipe.number():v0 -> pipe.add") == 2


def test_what_failed_passes_nothing_even_if_failure_is_allowed(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        double.submit(allow_failure(broken.submit())).wait()

    pipe()
    assert recorded.edges(values=True) == []


def test_a_run_whose_upstream_failed_receives_nothing(recorded: Any) -> None:
    @task
    def join(left: Any, right: Any) -> None:
        return None

    @flow
    def pipe() -> None:
        join.submit(number.submit(), broken.submit()).wait()

    pipe()
    assert recorded.edges(values=True) == []
    assert recorded.run("pipe.join").state == "NotReady"


def test_a_state_passes_its_value(recorded: Any) -> None:
    @flow
    def pipe() -> None:
        state: State[int] = number(3, return_state=True)
        double(state)

    pipe()
    assert "pipe.number():v0 -> pipe.double" in recorded.edges(values=True)


def test_a_subflow_returns_a_value_of_its_own(recorded: Any) -> None:
    @flow
    def inner() -> pd.DataFrame:
        return pd.DataFrame({"x": [1]})

    @flow
    def outer() -> None:
        double(inner())

    outer()
    assert recorded.edges(values=True) == ["inner -> inner():v0", "inner():v0 -> outer.double"]


def test_a_subflow_that_returns_a_tasks_value_adds_nothing(recorded: Any) -> None:
    @flow
    def inner() -> pd.DataFrame:
        return frame()

    @flow
    def outer() -> None:
        double(inner())

    outer()
    assert recorded.edges(values=True) == [
        "inner.frame -> inner.frame():v0",
        "inner.frame():v0 -> outer.double",
    ]


def test_a_subflow_receives_values(recorded: Any) -> None:
    @flow(validate_parameters=False)
    def inner(table: Any) -> int:
        return len(table)

    @flow
    def outer() -> None:
        inner(frame())
        inner([number.submit()])

    outer()
    edges = recorded.edges(values=True)
    assert "outer.frame():v0 -> inner" in edges
    assert "outer.number():v0 -> inner" in edges


def _cached_twice(values: Callable[[], Any]) -> Any:
    @task(cache_policy=INPUTS + TASK_SOURCE, persist_result=True)
    def made(size: int) -> Any:
        return values()

    @flow
    def pipe() -> None:
        double(made(5))

    return pipe


class Opaque:
    """A value of which nobody knows a digest."""


def opaque() -> Opaque:
    return Opaque()


@pytest.mark.parametrize("values", [lambda: pd.DataFrame({"x": [1, 2]}), opaque], ids=["frame", "opaque"])
def test_a_cached_run_delivers_the_version_that_was_made(recorded: Any, values: Callable[[], Any]) -> None:
    pipe = _cached_twice(values)
    pipe()
    pipe()
    made = sorted(
        (run for run in recorded.runs() if run.job == "pipe.made"), key=lambda run: run.started_at or 0
    )
    assert [run.state for run in made] == ["Completed", "Cached"]
    assert [run.cached_from for run in made] == [None, made[0].id]
    assert recorded.edges(values=True) == [
        "pipe.made -> pipe.made():v0",
        "pipe.made -> pipe.made():v0",
        "pipe.made():v0 -> pipe.double",
        "pipe.made():v0 -> pipe.double",
    ]
    parts = made[0].details["cache_key"]["parts"]
    assert set(parts) == {"Inputs", "TaskSource"}
