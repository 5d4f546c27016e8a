from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from prefect_lineage.errors import ReferenceAmbiguous, ReferenceUnknown
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.store import Store


def _file(path: Path, text: str, direction: str = "output", host: str = "here", **rest) -> EdgeRecord:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    digest = f"blake3:{blake3(text.encode()).hexdigest()}"
    place = Location(f"file://{host}", str(path), f"file://{path}")
    return EdgeRecord(place, Content(digest), direction, "observed", "open", **rest)


@pytest.fixture
def project(url: str, tmp_path: Path, monkeypatch) -> Iterator[Store]:
    root = (tmp_path / "project").resolve()
    with Store.open(url, root=str(root)) as store:
        edges = (
            _file(root / "data/x.csv", "one", at=1),
            _file(root / "data/x.csv", "two", at=2),
            _file(root / "data/y.csv", "why", at=3),
            _file(root / "model", "weights", at=4, name="zoo model", type="model", aliases=("best",)),
        )
        store.apply(
            [Record(RunRecord("11112222-aaaa-4000-8000-000000000001", "task", "swift-fox"), 1, edges)]
        )
        store.apply([Record(RunRecord("11113333-aaaa-4000-8000-000000000002", "flow", "swift-fox"))])
        monkeypatch.chdir(root)
        yield store


def found(store: Store, text: str) -> str:
    return str(store.node(Reference.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "zoo model",
        "zoo model:v0",
        "zoo model:best",
        "zoo model:latest",
        "model",
        "./data/../model:v0",
        "model:best",
    ],
)
def test_a_named_version_is_found_by_name_and_by_path(project: Store, text: str) -> None:
    assert found(project, text) == "zoo model:v0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data/x.csv", "data/x.csv:v1"),
        ("data/x.csv:v0", "data/x.csv:v0"),
        ("./data/x.csv:latest", "data/x.csv:v1"),
        (f"data/x.csv@{blake3(b'one').hexdigest()[:8]}", "data/x.csv:v0"),
        (f"data/x.csv@blake3:{blake3(b'one').hexdigest()}", "data/x.csv:v0"),
    ],
)
def test_paths_take_endings(project: Store, text: str, expected: str) -> None:
    assert found(project, text) == expected


def test_paths_are_found_as_uri_absolute_through_links_and_from_below_the_root(
    project: Store, tmp_path
) -> None:
    root = Path.cwd()
    (tmp_path / "link").symlink_to(root / "data")
    os.chdir(root / "data")
    for text in (
        "x.csv",
        "data/x.csv",
        f"{root}/data/x.csv",
        f"file://{root}/data/x.csv",
        f"{tmp_path}/link/x.csv",
    ):
        assert found(project, text) == "data/x.csv:v1"


def test_a_renamed_copy_is_found_by_its_content(project: Store) -> None:
    Path("copy.csv").write_text("one")
    assert found(project, "copy.csv") == "data/x.csv:v0"


def test_content_that_several_artifacts_had_is_ambiguous(project: Store, make) -> None:
    project.apply([make.run("r", make.write("/elsewhere", blake3(b"one").hexdigest()))])
    Path("copy.csv").write_text("one")
    with pytest.raises(ReferenceAmbiguous) as caught:
        found(project, "copy.csv")
    assert sorted(caught.value.candidates) == ["data/x.csv:v0", "file:///elsewhere:v0"]


def test_a_file_with_unknown_content_says_that_nobody_recorded_it(project: Store) -> None:
    Path("fresh.csv").write_text("nobody knows")
    with pytest.raises(ReferenceUnknown, match="exists, but no recorded run"):
        found(project, "fresh.csv")


def test_the_same_path_on_two_other_machines_is_ambiguous_and_ours_is_preferred(store: Store, make) -> None:
    for host in ("one", "two"):
        store.apply([make.run(host, make.write("/x", host[:1] * 2, namespace=f"file://{host}"))])
    with pytest.raises(ReferenceAmbiguous, match="file://one"):
        found(store, "/x")
    store.apply([make.run("r", make.write("/x", "cc", namespace=f"file://{socket.gethostname()}"))])
    assert store.version(Reference.parse("/x")).producer_ids == ("r",)


def test_schemes_that_mean_the_same_find_the_same(store: Store, make) -> None:
    store.apply([make.run("r", make.write("key/x.csv", "aa", namespace="s3://bucket"))])
    assert found(store, "s3a://bucket/key/x.csv:v0") == found(store, "s3://bucket/key/x.csv")


def test_a_name_that_looks_like_an_ending_is_taken_whole_first(store: Store, make) -> None:
    store.apply([make.run("r", make.write("/x", "aa", name="job:daily"), make.write("/y", "bb", name="job"))])
    assert found(store, "job:daily") == "job:daily:v0"


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("zoo modle", "zoo model"),
        ("x.cvs", "data/x.csv"),
        ("zoo model:v7", "zoo model:v0"),
        ("zoo model:bets", "zoo model:best"),
    ],
)
def test_an_unknown_reference_names_the_nearest(project: Store, text: str, candidate: str) -> None:
    with pytest.raises(ReferenceUnknown) as caught:
        found(project, text)
    assert candidate in caught.value.candidates
    assert candidate in str(caught.value)
    assert caught.value.reference == text


def test_runs_are_found_by_uuid_prefix_and_unique_name(project: Store, make) -> None:
    project.apply([make.run("22220000-aaaa-4000-8000-000000000003", name="calm-owl")])
    for text in ("run:22220000-aaaa-4000-8000-000000000003", "run:2222", "run:calm-owl"):
        assert project.node(Reference.parse(text)).id.startswith("2222")


@pytest.mark.parametrize("text", ["run:1111", "run:swift-fox"])
def test_a_prefix_or_name_of_several_runs_is_ambiguous(project: Store, text: str) -> None:
    with pytest.raises(ReferenceAmbiguous) as caught:
        found(project, text)
    assert len(caught.value.candidates) == 2


def test_an_unknown_run_names_the_nearest(project: Store) -> None:
    with pytest.raises(ReferenceUnknown) as caught:
        found(project, "run:swift-fix")
    assert caught.value.candidates == ("run:swift-fox",)


def test_percent_and_underscore_are_no_wildcards(project: Store) -> None:
    for text in ("run:1_11", "run:1%", "zoo_model", "%"):
        with pytest.raises(ReferenceUnknown):
            found(project, text)


def test_a_location_that_went_to_another_artifact_still_answers_for_what_was_there(
    store: Store, make
) -> None:
    store.apply([make.run("a", make.write("/x", "aa")), make.run("b", make.write("/y", "bb", name="named"))])
    store.apply([make.run("c", make.write("/x", "cc", name="named"))])
    assert found(store, "/x") == "named:v1"
    assert found(store, "/x@aa") == "file:///x:v0"


@pytest.mark.parametrize("namespace", ["file://here", "our project"])
def test_a_path_with_signs_that_mean_something_in_uris_is_found_and_shown_as_it_is(
    project: Store, namespace: str
) -> None:
    root, name = Path.cwd(), "half 50%25#1?.csv"
    encoded = name.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
    key = name if namespace == "our project" else str(root / name)
    place = Location(namespace, key, f"file://{root}/{encoded}")
    edge = EdgeRecord(place, Content("blake3:aa"), "output", "observed", "open")
    project.apply([Record(RunRecord("r"), 1, (edge,))])
    for text in (name, f"{root}/{name}", f"file://{root}/{encoded}", f"{name}:v0"):
        assert found(project, text) == f"{name}:v0"
    assert project.version(Reference.parse(name)).path == str(root / name)
