"""``show`` of a cached run and of a version that a later attempt replaced; ``db stats`` of what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.model.records import EdgeRecord, Record, RunRecord
from prefect_lineage.store.store import Store


@pytest.fixture
def url(home: Path, make: Any) -> str:
    """A run that succeeded in its second attempt, a cached run, and a consumer of something unknown."""
    url = f"sqlite:///{home}/cached.db"
    token, failed = "result:k", make.edge("/x", "output", "a", partial=True)
    made = make.edge("/x", "output", "b", tokens=(token,), at=make.start + 2)
    computed, hit = (
        make.record(1, "zoo.train", failed, result_key="k"),
        EdgeRecord.referring(token, direction="output", how="observed", via="cache", at=make.start + 9),
    )
    unknown = EdgeRecord.referring(
        "run:elsewhere:return", direction="input", how="observed", via="argument", at=5
    )
    with Store.open(url) as store:
        store.apply([computed, Record(RunRecord(make.uuid(1), attempt=2), 2, (made,))])
        store.apply([make.record(2, "zoo.train", hit, state="Cached", result_key="k")])
        store.apply([make.record(3, "zoo.use", unknown)])
    return url


def test_show_names_the_run_that_a_cached_one_comes_from(cli: Any, make: Any, url: str) -> None:
    out = cli("show", f"run:{make.uuid(2)}", "--url", url).out
    (line,) = [line for line in out.splitlines() if "cached from" in line]
    assert line.split() == ["cached", "from", "zoo.train", make.uuid(1)[:8] + ",", *line.split()[4:]]
    assert "2026-" in line
    assert "cache" in out.partition("outputs")[2]
    assert cli("show", f"run:{make.uuid(2)}", "--url", url, "--json").json["cached_from"] == make.uuid(1)
    assert "cached from" not in cli("show", f"run:{make.uuid(1)}", "--url", url).out


def test_show_names_what_replaced_a_partial_version(cli: Any, url: str) -> None:
    first, second = (cli("show", f"/x:v{number}", "--json", "--url", url).json for number in (0, 1))
    assert (first["replaced_by"], second["replaced_by"]) == (second["id"], None)
    out = cli("show", "/x:v0", "--url", url).out
    (line,) = [line for line in out.splitlines() if "replaced by" in line]
    assert "x:v1" in line
    assert second["id"] in line
    assert "attempt 2" in cli("show", "/x:v1", "--url", url).out


def test_stats_count_the_edges_that_wait_for_their_producer(cli: Any, url: str) -> None:
    assert cli("db", "stats", "--json", "--url", url).json["edges_waiting"] == 1
    assert "edges waiting" in cli("db", "stats", "--url", url).out
