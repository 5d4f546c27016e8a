"""Prefect's assets in open-source Prefect: what is declared with them, as edges, in real flows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.cache_policies import INPUTS

import prefect_lineage

RAW = "s3://lake/raw.csv"
CLEAN = "postgres://warehouse/clean"


def edges_of(recorded: Any) -> list[tuple[str, str, str]]:
    """``tail -> head``, how, and via, for what is no value in memory."""
    graph = recorded.graph()
    names = {version.id: str(version) for version in graph.versions} | {run.id: run.job for run in graph.runs}
    found = [(f"{names[edge.tail]} -> {names[edge.head]}", edge.how, edge.via) for edge in graph.edges]
    return sorted(one for one in found if "()" not in one[0])


def test_what_is_materialised_and_what_it_depends_on_are_declared_edges(recorded) -> None:
    @materialize(RAW)
    def fetch() -> None: ...

    @materialize(CLEAN, asset_deps=[RAW])
    def clean() -> None: ...

    @flow
    def pipe() -> None:
        fetch()
        clean()

    pipe()
    assert edges_of(recorded) == [
        ("pipe.clean -> postgres://warehouse/clean:v0", "declared", "materialize"),
        ("pipe.fetch -> s3://lake/raw.csv:v0", "declared", "materialize"),
        ("s3://lake/raw.csv:v0 -> pipe.clean", "declared", "asset_deps"),
    ]


def test_an_asset_is_the_file_that_was_written_there_in_that_very_version(recorded) -> None:
    key = f"file://{recorded.folder}/out.csv"

    @materialize(key)
    def write(text: str) -> None:
        Path("out.csv").write_text(text)

    @materialize(CLEAN, asset_deps=[key])
    def load() -> None:
        Path("out.csv").read_text()

    @flow
    def pipe() -> None:
        write("a")
        write("b")
        load()

    pipe()
    assert recorded.edges() == [
        "out.csv:v1 -> pipe.load",
        "pipe.load -> postgres://warehouse/clean:v0",
        "pipe.write -> out.csv:v0",
        "pipe.write -> out.csv:v1",
    ]
    assert all(
        version.digest.startswith("blake3:") for version in recorded.graph().versions if version.uri == key
    )


def test_properties_and_metadata_are_told_of_the_version(recorded) -> None:
    properties = AssetProperties(
        name="Clean sales", url="https://wiki/sales", description="By day.", owners=["ann"]
    )
    asset = Asset(key=CLEAN, properties=properties)

    @materialize(asset, by="dbt")
    def clean() -> None:
        add_asset_metadata(asset, {"rows": 3, "password": "hunter2"})
        asset.add_metadata({"unit": "EUR", "what": object()})

    @flow
    def pipe() -> None:
        clean()

    pipe()
    version = recorded.version(f"{CLEAN}:v0")
    assert version.description == "By day."
    assert version.metadata["rows"] == 3
    assert version.metadata["password"] == "***"
    assert version.metadata["unit"] == "EUR"
    assert version.metadata["asset"] == {
        "name": "Clean sales",
        "url": "https://wiki/sales",
        "owners": ["ann"],
        "by": "dbt",
    }


def test_an_asset_handed_on_with_a_value_is_inferred(recorded) -> None:
    @materialize(RAW)
    def fetch() -> list[int]:
        return [1]

    @task
    def double(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    @materialize(CLEAN)
    def clean(numbers: list[int]) -> None: ...

    @flow
    def pipe() -> None:
        clean(double(fetch()))

    pipe()
    assert edges_of(recorded) == [
        ("pipe.clean -> postgres://warehouse/clean:v0", "declared", "materialize"),
        ("pipe.fetch -> s3://lake/raw.csv:v0", "declared", "materialize"),
        ("s3://lake/raw.csv:v0 -> pipe.clean", "inferred", "asset upstream"),
    ]


def test_an_asset_that_was_declared_or_read_is_not_inferred_too(recorded) -> None:
    key = f"file://{recorded.folder}/raw.csv"

    @materialize(key, RAW)
    def fetch() -> list[int]:
        Path("raw.csv").write_text("1")
        return [1]

    @materialize(CLEAN, asset_deps=[RAW])
    def clean(numbers: list[int]) -> None:
        Path("raw.csv").read_text()

    @flow
    def pipe() -> None:
        clean(fetch())

    pipe()
    inputs = [edge for edge in edges_of(recorded) if edge[0].endswith("-> pipe.clean")]
    assert [(edge, how) for edge, how, _ in inputs] == [
        ("raw.csv:v0 -> pipe.clean", "observed"),
        ("s3://lake/raw.csv:v0 -> pipe.clean", "declared"),
    ]


def test_each_run_makes_a_version_and_a_dependency_means_the_last_one_before_it(recorded) -> None:
    @materialize(RAW)
    def fetch() -> None: ...

    @task(asset_deps=[RAW])
    def report(number: int) -> None: ...

    @flow
    def pipe() -> None:
        fetch()
        report(1)
        fetch()
        report(2)

    pipe()
    graph = recorded.graph()
    names = {version.id: str(version) for version in graph.versions}
    used = [
        names[edge.tail]
        for edge in sorted(graph.edges, key=lambda edge: edge.at)
        if edge.direction == "input"
    ]
    assert used == [f"{RAW}:v0", f"{RAW}:v1"]


def test_a_dependency_that_was_materialised_by_an_earlier_flow_run_is_found(recorded) -> None:
    @materialize(RAW)
    def fetch() -> None: ...

    @task(asset_deps=[RAW])
    def report() -> None: ...

    @flow
    def outer() -> None:
        fetch()

    @flow
    def pipe() -> None:
        report()

    outer()
    prefect_lineage.disable()
    prefect_lineage.enable()  # nothing is remembered of the flow run before
    pipe()
    assert ("s3://lake/raw.csv:v0 -> pipe.report", "declared", "asset_deps") in edges_of(recorded)


def test_a_dependency_that_nobody_materialised_is_an_unknown_version(recorded) -> None:
    @task(asset_deps=[RAW])
    def report() -> None: ...

    @flow
    def pipe() -> None:
        report()

    pipe()
    assert edges_of(recorded) == [("s3://lake/raw.csv:v0 -> pipe.report", "declared", "asset_deps")]
    assert recorded.version(f"{RAW}:v0").digest == "unknown:"


def test_a_failed_attempt_leaves_a_partial_version_and_the_next_one_completes_it(recorded) -> None:
    attempts: list[int] = []

    @materialize(RAW, retries=1)
    def fetch() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("not yet")

    @flow
    def pipe() -> None:
        fetch()

    pipe()
    graph = recorded.graph()
    assert sorted((edge.attempt, edge.partial) for edge in graph.edges) == [(1, True), (2, False)]
    assert not recorded.version(f"{RAW}:v0").partial


def test_a_dependency_never_means_what_a_failed_attempt_left(recorded) -> None:
    @materialize(RAW)
    def fetch(works: bool) -> None:
        if not works:
            raise ValueError("no")

    @task(asset_deps=[RAW])
    def report() -> None: ...

    @flow
    def pipe() -> None:
        fetch(True)
        fetch(False, return_state=True)
        report()

    pipe()
    used = [edge for edge, _, _ in edges_of(recorded) if edge.endswith("-> pipe.report")]
    assert used == [f"{RAW}:v0 -> pipe.report"]
    assert recorded.version(f"{RAW}:v1").partial


def test_a_file_that_a_failed_attempt_did_not_touch_is_not_its_own(recorded) -> None:
    Path("kept.csv").write_text("kept")

    @materialize(f"file://{recorded.folder}/kept.csv")
    def write() -> None:
        raise ValueError("before anything was written")

    @flow
    def pipe() -> None:
        write(return_state=True)

    pipe()
    assert recorded.edges() == []


def test_a_cached_run_delivers_the_assets_that_were_made_with_its_result(recorded) -> None:
    @materialize(RAW, cache_policy=INPUTS, persist_result=True)
    def fetch(day: int) -> str:
        return f"day {day}"

    @flow
    def pipe() -> None:
        fetch(1)
        fetch(2)
        fetch(1)

    pipe()
    found = [(edge, via) for edge, _, via in edges_of(recorded)]
    assert found == [
        (f"pipe.fetch -> {RAW}:v0", "cache"),
        (f"pipe.fetch -> {RAW}:v0", "materialize"),
        (f"pipe.fetch -> {RAW}:v1", "materialize"),
    ]


def test_async_tasks_and_submitted_ones_declare_their_assets(recorded) -> None:
    @materialize(RAW)
    async def fetch() -> None:
        await asyncio.sleep(0)

    @materialize(CLEAN, asset_deps=[RAW])
    def clean() -> None: ...

    @flow
    async def pipe() -> None:
        await fetch()
        clean.submit().wait()

    asyncio.run(pipe())
    assert [edge for edge, _, _ in edges_of(recorded)] == [
        f"pipe.clean -> {CLEAN}:v0",
        f"pipe.fetch -> {RAW}:v0",
        f"{RAW}:v0 -> pipe.clean",
    ]


def test_generator_tasks_declare_their_assets_when_they_are_exhausted(recorded) -> None:
    @materialize(RAW, asset_deps=[CLEAN])
    def numbers() -> Iterator[int]:
        yield 1
        Path("between.txt").write_text("by the generator")
        yield 2

    @materialize("gs://lake/letters")
    async def letters() -> AsyncIterator[str]:
        yield "a"

    @materialize(CLEAN)
    def clean() -> None: ...

    @flow
    async def pipe() -> None:
        clean()
        assert list(numbers()) == [1, 2]
        assert [letter async for letter in letters()] == ["a"]

    asyncio.run(pipe())
    assert [edge for edge, _, _ in edges_of(recorded)] == [
        "pipe.clean -> postgres://warehouse/clean:v0",
        "pipe.letters -> gs://lake/letters:v0",
        "pipe.numbers -> between.txt:v0",
        "pipe.numbers -> s3://lake/raw.csv:v0",
        "postgres://warehouse/clean:v0 -> pipe.numbers",
    ]


def test_a_task_called_by_a_materialising_task_does_not_take_its_assets(recorded) -> None:
    @task
    def helper() -> None: ...

    @materialize(RAW)
    def fetch() -> None:
        helper()

    @flow
    def pipe() -> None:
        fetch()

    pipe()
    assert [edge for edge, _, _ in edges_of(recorded)] == [f"pipe.fetch -> {RAW}:v0"]


def test_assets_given_by_with_options_are_the_ones_that_count(recorded) -> None:
    @materialize(RAW)
    def fetch() -> None: ...

    @flow
    def pipe() -> None:
        fetch.with_options(assets=[CLEAN])()

    pipe()
    assert [edge for edge, _, _ in edges_of(recorded)] == [f"pipe.fetch -> {CLEAN}:v0"]


def test_a_task_that_is_kept_out_declares_nothing(recorded) -> None:
    @materialize(RAW)
    @prefect_lineage.track(capture=False)
    def fetch() -> None: ...

    @flow
    def pipe() -> None:
        fetch()

    pipe()
    assert edges_of(recorded) == []


@pytest.mark.parametrize("key", ["weird://a:b/c//d/../e", "x://:::/x", "s3://", "file://", "file:///"])
def test_any_key_that_prefect_accepts_is_recorded(recorded, key: str) -> None:
    @materialize(key)
    def make() -> None: ...

    @flow
    def pipe() -> None:
        make()

    pipe()
    assert len(edges_of(recorded)) == 1
