from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.model.series import MARK, Series

DAYS = st.dates(min_value=date(1980, 1, 1), max_value=date(2089, 1, 1))


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("sales_2026-11-23.csv", "sales_{date}.csv"),
        ("sales_20261123.csv", "sales_{date}.csv"),
        ("data/2026/11/23/part.parquet", "data/{date}/part.parquet"),
        ("log-2026-11-23T04:30:00Z.txt", "log-{date}.txt"),
        ("log_20261123_043000.txt", "log_{date}.txt"),
        ("out/day=2026-11-23/a", "out/day={date}/a"),
        ("report 2026-11.xlsx", "report {date}.xlsx"),
        ("2026-W48.csv", "{date}.csv"),
        ("a_2026-01-01_to_2026-01-31.csv", "a_{date}_to_{date}.csv"),
        ("sales.csv", None),
        ("model_v20.pkl", None),
        ("id_12345678.bin", None),
        ("id_1202611230.bin", None),
        ("2026-13-40.csv", None),
    ],
)
def test_dates_make_a_series_and_other_numbers_do_not(name: str, series: str | None) -> None:
    assert Series().of(name) == series


@given(one=DAYS, other=DAYS, form=st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y_%m_%d", "%Y/%m/%d", "%Y-%m"]))
def test_any_two_days_are_in_one_series(one: Any, other: Any, form: str) -> None:
    names = {Series().of(f"sales_{day.strftime(form)}.csv") for day in (one, other)}
    assert names == {f"sales_{MARK}.csv"}


@pytest.fixture
def url(home: Path, make: Any) -> str:
    days = [
        make.edge(f"/sales_2026-11-{day}.csv", "output", "a", at=make.start + day) for day in range(10, 13)
    ]
    store = make.store(
        home / "series.db", [make.record(1, "etl.make", *days, make.edge("/other.csv", "output", "b"))]
    )
    return f"sqlite:///{store}"


def test_a_list_shows_a_series_as_one_line_and_says_of_how_many(url: str, cli: Any) -> None:
    out = cli("ls", "--url", url).out
    assert "sales_{date}.csv (3 artifacts)" in out
    assert "sales_2026" not in out
    assert "other.csv" in out
    each = cli("ls", "--each", "--url", url).out
    assert each.count("sales_2026-11-") == 3


def test_json_lists_every_artifact_with_its_series(url: str, cli: Any) -> None:
    found = cli("ls", "--url", url, "--json").json
    assert len(found) == 4
    assert {one["series"] for one in found} == {"file:///sales_{date}.csv", None}


def test_the_rule_is_a_setting(url: str, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_SERIES", "")
    assert cli("ls", "--url", url).out.count("sales_2026-11-") == 3
    monkeypatch.setenv("PREFECT_LINEAGE_SERIES", "sales|other\n([")
    answer = cli("ls", "--url", url)
    assert "SERIES" in answer.err
    assert "{date}_2026-11-10.csv" not in answer.out  # one alone is no series
