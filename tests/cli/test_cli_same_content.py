from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_lineage import Lineage
from prefect_lineage.model.records import Content, EdgeRecord, Location
from prefect_lineage.store.store import Store


@pytest.fixture
def url(home: Path, make: Any) -> str:
    """A file, its copy, a third with other content, and two of which nobody knows the content."""
    url = f"sqlite:///{home}/twins.db"
    unknown = [
        EdgeRecord(
            Location("s3://b", key, f"s3://b/{key}"),
            Content("unknown:", covers="none"),
            "input", "observed", "x", at=make.start,
        )
        for key in ("one", "two")
    ]  # fmt: skip
    with Store.open(url) as store:
        store.apply([make.record(1, "etl.make", *unknown, make.edge("/a.csv", "output", "a"))])
        store.apply(
            [
                make.record(
                    2, "etl.copy", make.edge("/a.csv", "input", "a"), make.edge("/b.csv", "output", "a")
                )
            ]
        )
        store.apply([make.record(3, "etl.other", make.edge("/a.csv", "output", "c"))])
    return url


def test_the_same_content_elsewhere_is_told(url: str, cli: Any) -> None:
    copy = cli("show", "/b.csv", "--url", url, "--json").json
    [twin] = copy["same_content"]
    assert (twin["uri"], twin["version"]) == ("file:///a.csv", "v0")
    out = cli("show", "/b.csv", "--url", url).out
    assert "a.csv:v0" in out.partition("same content as")[2]
    [back] = cli("show", "/a.csv:v0", "--url", url, "--json").json["same_content"]
    assert back["uri"] == "file:///b.csv"


def test_other_content_and_what_nobody_knows_have_no_twin(url: str, cli: Any) -> None:
    assert cli("show", "/a.csv:v1", "--url", url, "--json").json["same_content"] == []
    assert cli("show", "s3://b/one", "--url", url, "--json").json["same_content"] == []
    assert "same content" not in cli("show", "/a.csv:v1", "--url", url).out
    assert "same_content" not in cli("show", "run:copy-2", "--url", url, "--json").json


def test_a_bound_is_kept(url: str) -> None:
    with Lineage(url, readonly=True) as lineage:
        assert lineage.same_content("/b.csv", limit=0) == []
        assert [str(twin) for twin in lineage.same_content("/b.csv")] == ["file:///a.csv:v0"]
