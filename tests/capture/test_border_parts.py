"""Parts of what a run returned, as flows take them apart and put them together again."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from prefect import flow, task


def edges(recorded: Any) -> list[str]:
    return list(recorded.edges(values=True))


def test_of_several_results_the_one_that_is_passed_on_is_told(recorded) -> None:
    @task
    def enrich() -> tuple[list[dict[str, int]], dict[str, int]]:
        return [{"a": 1}, {"a": 2}], {"hits": 2}

    @task
    def clean(rows: list[dict[str, int]]) -> None: ...

    @task
    def report(counts: dict[str, int]) -> None: ...

    @flow
    def pipe() -> None:
        rows, counts = enrich()
        clean(rows)
        report(counts)

    pipe()
    assert edges(recorded) == [
        "pipe.enrich -> pipe.enrich()[0]:v0",
        "pipe.enrich -> pipe.enrich()[1]:v0",
        "pipe.enrich()[0]:v0 -> pipe.clean",
        "pipe.enrich()[1]:v0 -> pipe.report",
    ]


def test_records_that_a_flow_gathers_come_from_the_lists_that_they_were_in(recorded) -> None:
    @task
    def read(name: str) -> list[dict[str, str]]:
        return [{"name": name}, {"name": name * 2}]

    @task
    def merge(rows: list[dict[str, str]]) -> None: ...

    @flow
    def pipe() -> None:
        rows = []
        for name in "ab":
            for row in read(name):
                rows.append(row)  # noqa: PERF402 - as people write it
        merge(rows)

    pipe()
    assert edges(recorded) == [
        "pipe.read -> pipe.read():v0",
        "pipe.read -> pipe.read():v1",
        "pipe.read():v0 -> pipe.merge",
        "pipe.read():v1 -> pipe.merge",
    ]
    assert {edge.how for edge in recorded.graph().edges} == {"observed"}


def test_the_content_of_records_is_that_of_their_list_however_they_come(recorded) -> None:
    rows = [{"n": number} for number in range(200)]

    @task
    def read() -> list[dict[str, int]]:
        return [dict(row) for row in rows]

    @task
    def one(row: dict[str, int]) -> None: ...

    @task
    def all_of(rows: list[dict[str, int]]) -> None: ...

    @flow
    def pipe() -> None:
        found = read()
        one(found[3])
        all_of(found)

    pipe()
    pipe()
    assert edges(recorded) == [
        *["pipe.read -> pipe.read():v0"] * 2,
        *["pipe.read():v0 -> pipe.all_of"] * 2,
        *["pipe.read():v0 -> pipe.one"] * 2,
    ]


class Item:
    """What has no content that can be digested."""


def test_many_objects_are_one_value_and_some_are_each_their_own(recorded) -> None:
    @task
    def make(number: int) -> list[Item]:
        return [Item() for _ in range(number)]

    @task
    def use(items: list[Item]) -> None: ...

    @flow
    def pipe(number: int) -> None:
        use(make(number))

    pipe(300)
    assert edges(recorded) == ["pipe.make -> pipe.make():v0", "pipe.make():v0 -> pipe.use"]
    pipe(2)
    assert [edge for edge in edges(recorded) if "[1]" in edge] == [
        "pipe.make -> pipe.make()[1]:v0",
        "pipe.make()[1]:v0 -> pipe.use",
    ]


def test_a_list_is_its_makers_and_its_records_are_those_of_the_first_who_had_them(recorded) -> None:
    @task
    def read() -> list[dict[str, int]]:
        return [{"a": 1}, {"a": 2}]

    @task
    def keep(rows: list[dict[str, int]]) -> list[dict[str, int]]:
        return rows[1:]

    @task
    def use(rows: list[dict[str, int]]) -> None: ...

    @task
    def use_copy(rows: list[dict[str, int]]) -> None: ...

    @flow
    def pipe() -> None:
        kept = keep(read())
        use(kept)
        use_copy(list(kept))

    pipe()
    assert [edge for edge in edges(recorded) if "use" in edge] == [
        "pipe.keep():v0 -> pipe.use",
        "pipe.read():v0 -> pipe.use_copy",
    ]


def frames_passed(recorded: Any, change: Any) -> list[tuple[str, str]]:
    """How the edges are known from ``make`` to ``use``, where the flow changes the frame on its way."""

    @task
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4], "c": ["x", "y"]})

    @task
    def use(frame: object) -> None: ...

    @flow
    def pipe() -> None:
        use(change(make()))

    pipe()
    return [(edge.direction, edge.how) for edge in recorded.graph().edges]


def test_a_light_copy_of_a_frame_is_the_frame(recorded) -> None:
    assert frames_passed(recorded, lambda frame: frame.copy(deep=False)) == [
        ("output", "observed"),
        ("input", "observed"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.rename(columns={"a": "z"}),
        lambda frame: frame.drop(columns="c"),
        lambda frame: frame["a"],
        lambda frame: frame.assign(d=1),
    ],
)
def test_a_frame_made_of_the_columns_of_another_is_inferred_to_come_from_it(recorded, change) -> None:
    assert frames_passed(recorded, change) == [("output", "observed"), ("input", "inferred")]


def test_a_frame_with_memory_of_its_own_comes_from_nobody(recorded) -> None:
    assert frames_passed(recorded, lambda frame: frame.copy() * 1) == []


def test_memory_that_two_runs_returned_is_no_evidence_for_either(recorded) -> None:
    @task
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": [1.5, 2.5]})

    @task
    def rename(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.rename(columns={"a": "b"})

    @task
    def use(frame: pd.DataFrame) -> None: ...

    @flow
    def pipe() -> None:
        made = make()
        renamed = rename(made)
        use(renamed)
        use(renamed.rename(columns={"b": "c"}))

    pipe()
    assert [edge for edge in edges(recorded) if edge.endswith("-> pipe.use")] == [
        "pipe.rename():v0 -> pipe.use"
    ]


def test_of_two_runs_that_returned_the_same_content_in_the_same_memory_it_is_the_last(recorded) -> None:
    @task
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": [1.5, 2.5]})

    @task
    def look_over(frame: pd.DataFrame) -> pd.DataFrame:
        return frame

    @task
    def use(frame: pd.DataFrame) -> None: ...

    @flow
    def pipe() -> None:
        make().pipe(look_over).pipe(use)

    pipe()
    assert edges(recorded) == [
        "pipe.look_over -> pipe.look_over():v0",
        "pipe.look_over():v0 -> pipe.use",
        "pipe.make -> pipe.make():v0",
        "pipe.make():v0 -> pipe.look_over",
    ]


def test_who_returns_a_slice_of_a_frame_that_was_there_has_not_made_the_rest(recorded) -> None:
    everything = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": [1.0, 2.0, 3.0]})

    @task
    def some() -> pd.DataFrame:
        return everything[["a"]]

    @task
    def use(frame: object) -> None: ...

    @flow
    def pipe() -> None:
        some()
        use(everything["b"])
        use(everything.copy(deep=False))

    pipe()
    assert edges(recorded) == []
