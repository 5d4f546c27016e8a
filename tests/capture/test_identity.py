"""One place is one artifact, whatever spelling it was called by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage.capture.identity import Identity, host, is_uri, local_path, named, value_location
from prefect_lineage.model.records import Location


def of(target: str) -> Location:
    return Identity("/").of(target)


def test_a_local_file_belongs_to_its_host() -> None:
    assert of("/data/in.csv") == Location(f"file://{host()}", "/data/in.csv", "file:///data/in.csv")


def test_all_spellings_of_a_file_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b.csv").write_text("x")
    (tmp_path / "link").symlink_to("a b.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = f"{tmp_path}/a b.csv"
    spellings = [
        path,
        "a b.csv",
        "./a b.csv",
        "~/a b.csv",
        "link",
        f"file://{path}",
        (tmp_path / "a b.csv").as_uri(),
    ]
    spellings += [f"FILE://localhost{path}", f"{tmp_path}/x/../a b.csv"]
    assert {of(spelling) for spelling in spellings} == {of(path)}


def test_below_the_root_of_a_named_project_files_are_the_same_on_every_machine(tmp_path: Path) -> None:
    found = Identity(str(tmp_path), "shop").of(str(tmp_path / "data" / "in.csv"))
    assert (found.namespace, found.key) == ("shop", os.path.join("data", "in.csv"))
    outside = Identity(str(tmp_path / "data"), "shop").of(str(tmp_path / "database"))
    assert outside.namespace == f"file://{host()}"


@pytest.mark.parametrize(
    ("spellings", "location"),
    [
        (
            ["s3://bucket/a/b.csv", "s3a://bucket/a/b.csv", "S3N://bucket/a/b.csv", "s3://bucket/a/b.csv/"],
            ("s3://bucket", "a/b.csv"),
        ),
        (["s3://key:secret@bucket/a", "s3://bucket/a?versionId=7"], ("s3://bucket", "a")),
        (["s3://Bucket/A#1"], ("s3://Bucket", "A#1")),
        (["gcs://bucket/a", "gs://bucket/a"], ("gs://bucket", "a")),
        (
            ["abfss://box@account.dfs.core.windows.net/a", "abfs://box@account.dfs.core.windows.net/a"],
            ("abfs://box@account.dfs.core.windows.net", "a"),
        ),
        (
            ["postgresql://DB:5432/shop", "postgresql://anna:pw@db:5432/shop"],
            ("postgresql://db:5432", "/shop"),
        ),
        (["https://H/a?x=1", "https://anna@h/a?x=1"], ("https://h", "/a?x=1")),
        (
            [
                "https://h/a?x=1&X-Amz-Date=20240101&X-Amz-Signature=abc",
                "https://h/a?x=1&Signature=abc&Expires=1",
                "https://h/a?sv=1&se=2&x=1&sig=abc",
            ],
            ("https://h", "/a?x=1"),
        ),
        (["https://h/a?se=2&Expires=1"], ("https://h", "/a?se=2&Expires=1")),
        (["inmemory://flow.task"], ("inmemory://", "flow.task")),
        (["name://zoo"], ("name://", "zoo")),
    ],
)
def test_all_spellings_of_a_uri_are_one(spellings: list[str], location: tuple[str, str]) -> None:
    assert {(of(spelling).namespace, of(spelling).key) for spelling in spellings} == {location}


@pytest.mark.parametrize(
    ("password", "host_name"), [("p/w", "db"), ("p@w", "db"), ("p#w?", "db"), ("12@3", "db:5432")]
)
def test_a_password_that_was_not_encoded_does_not_get_into_the_identity(
    password: str, host_name: str
) -> None:
    found = of(f"postgresql://anna:{password}@{host_name}/shop")
    assert (found.namespace, found.key) == (f"postgresql://{host_name}", "/shop")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20))
def test_the_uri_of_a_local_file_leads_back_to_it(name: str) -> None:
    path = os.path.join("/data", name.replace("/", "_").strip(".") or "x")
    found = of(Path(path).as_uri())
    assert found.key == os.path.realpath(path)
    assert of(found.uri) == found


@pytest.mark.parametrize(
    ("text", "uri"),
    [("s3://b/k", True), ("C://x", False), ("a/b", False), ("://", False), ("hdfs://n/a", True)],
)
def test_a_uri_has_a_scheme_of_two_letters_or_more(text: str, uri: bool) -> None:
    assert is_uri(text) is uri


def test_only_paths_and_file_uris_are_local() -> None:
    assert local_path("a/b") == "a/b"
    assert local_path("file:///a%20b") == "/a b"
    assert local_path("s3://b/k") is None


def test_names_and_values_have_namespaces_of_their_own() -> None:
    assert named("zoo").namespace == "name://"
    part = value_location("flow.task", "[0]")
    assert part.namespace == "inmemory://"
    assert part.key.startswith("flow.task")
    assert part.key.endswith("[0]")
    assert part.key != value_location("flow.task").key


def test_the_uri_of_a_plain_path_reads_like_the_path() -> None:
    assert of("/data/a b+c=1/ü.csv").uri == "file:///data/a b+c=1/ü.csv"
    assert of("/data/a#b?c%20.csv").uri == "file:///data/a%23b%3Fc%2520.csv"


@pytest.mark.parametrize("key", ["a//c", "a/./c", "a/../c", "/a/c"])
def test_objects_with_other_keys_are_other_artifacts(key: str) -> None:
    found = of(f"s3://b/{key}")
    assert (found.key, found.uri) == (key, f"s3://b/{key}")
    assert of(found.uri) == found


def test_what_is_no_valid_uri_has_an_identity_all_the_same() -> None:
    assert of("http://[bad/x?y=1#z").key == "/x?y=1"
