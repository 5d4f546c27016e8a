"""The content digests of frames, series and indexes."""

from __future__ import annotations

import datetime
import decimal
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage_hooks import pandas_io

LIMIT = 1 << 30


def digest(value: Any) -> str | None:
    found = pandas_io.lineage_value_digest(value, LIMIT)
    return found and found[0]


def frame() -> pd.DataFrame:
    return pd.DataFrame({"n": [1, 2, 3], "text": ["a", None, "c"], "x": [0.5, np.nan, 2.5]})


CELLS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, st.text(max_size=3), st.integers(0, 5)), max_size=6))
def test_the_same_cells_have_one_digest_and_looking_changes_nothing(rows: list[Any]) -> None:
    one = pd.DataFrame(rows, columns=["any", "text", "number"])
    other = pd.DataFrame([list(row) for row in rows], columns=["any", "text", "number"])
    first = digest(one)
    assert first is not None
    assert first == digest(other) == digest(one) == digest(one.copy())
    pd.testing.assert_frame_equal(one, other)


@settings(max_examples=60, deadline=None)
@given(
    column=st.lists(st.one_of(st.integers(0, 3), st.text("ab1", max_size=2)), min_size=2, max_size=6),
    data=st.data(),
)
def test_another_order_of_rows_is_another_content(column: list[Any], data: st.DataObject) -> None:
    other = data.draw(st.permutations(column))
    same = [(type(cell), cell) for cell in column] == [(type(cell), cell) for cell in other]
    assert (digest(pd.Series(column, dtype=object)) == digest(pd.Series(other, dtype=object))) is same


CHANGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "a cell": lambda data: data.assign(n=[1, 2, 4]),
    "a text": lambda data: data.assign(text=["a", None, "d"]),
    "a missing value": lambda data: data.assign(text=["a", "", "c"]),
    "a type": lambda data: data.astype({"n": "int32"}),
    "a label": lambda data: data.rename(columns={"n": "m"}),
    "the order of columns": lambda data: data[["text", "n", "x"]],
    "the order of rows": lambda data: data.iloc[::-1],
    "the index": lambda data: data.set_index(pd.Index([7, 8, 9])),
    "the name of the index": lambda data: data.rename_axis("row"),
    "a categorical column": lambda data: data.astype({"text": "category"}),
    "one row less": lambda data: data.iloc[:2],
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_change_is_another_content(change: str) -> None:
    assert digest(CHANGES[change](frame())) != digest(frame())


SAME: dict[str, tuple[Any, Any]] = {
    "an index by range and by numbers": (frame(), frame().set_index(pd.Index([0, 1, 2]))),
    "a view and its copy": (frame().iloc[::2], frame().iloc[::2].copy()),
    "None and NaN among strings": (
        pd.Series(["a", None], dtype=object),
        pd.Series(["a", np.nan], dtype=object),
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_what_is_equal_has_one_digest(what: str) -> None:
    one, other = SAME[what]
    assert digest(one) == digest(other) is not None


def test_what_lies_under_a_mask_does_not_count() -> None:
    one = pd.Series([1, 2], dtype="Int64")
    other = pd.Series([1, 9], dtype="Int64")
    one[1] = other[1] = pd.NA
    assert digest(one) == digest(other) is not None


SUPPORTED = {
    "dates": pd.Series(pd.date_range("2024", periods=3)),
    "dates with a zone": pd.Series(pd.date_range("2024", periods=3, tz="Europe/Berlin")),
    "periods": pd.Series(pd.period_range("2024", periods=3, freq="M")),
    "intervals": pd.Series(pd.interval_range(0, 3)),
    "durations": pd.Series(pd.to_timedelta([1, 2], unit="s")),
    "masked": pd.Series([True, None], dtype="boolean"),
    "strings": pd.Series(["a", pd.NA], dtype="string"),
    "levels": frame().set_index(["n", "text"]),
    "levels of columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
    "no rows": frame().iloc[:0],
    "no columns": pd.DataFrame(index=[1, 2]),
    "two columns of one name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "labels of several types": pd.DataFrame([[1, 2]], columns=["a", 1]),
    "lists and dicts": pd.Series([[1, "a"], {"k": None}]),
    "arrays in cells": pd.Series([np.arange(2), np.arange(3)]),
    "scalars of NumPy": pd.Series([np.int64(1), "a"], dtype=object),
    "decimals, dates and bytes": pd.Series([decimal.Decimal("1.0"), datetime.date(2024, 1, 1), b"x"]),
    "half a surrogate pair": pd.Series(["\ud800", "a", None], dtype=object),
    "an index": pd.Index(["a", "b"], name="n"),
}


@pytest.mark.parametrize("what", SUPPORTED)
def test_a_digest_is_the_same_twice(what: str) -> None:
    value = SUPPORTED[what]
    first = digest(value)
    assert first is not None
    assert first.startswith("blake3:")
    assert first == digest(value.copy())


def test_all_of_them_differ() -> None:
    assert len({digest(value) for value in SUPPORTED.values()}) == len(SUPPORTED)


@pytest.mark.parametrize(
    "value",
    [
        pd.Series([object()]),
        pd.DataFrame({"a": [{1, 2}]}),
        pd.DataFrame([[1]], columns=[object()]),
        np.zeros(2),
        [1, 2],
        "text",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_has_no_digest(value: Any) -> None:
    assert digest(value) is None


def test_an_object_that_holds_itself_has_no_digest() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert digest(pd.Series([loop])) is None


def test_what_is_larger_than_the_limit_is_left_alone() -> None:
    assert pandas_io.lineage_value_digest(pd.DataFrame({"a": np.zeros(100)}), 2_000) is not None
    assert pandas_io.lineage_value_digest(pd.DataFrame({"a": np.zeros(100)}), 799) is None


def test_python_strings_count_with_their_length() -> None:
    long = pd.Series(["x" * 10_000] * 100, dtype=object)
    assert pandas_io.lineage_value_digest(long, 500_000) is None
    found = pandas_io.lineage_value_digest(long, LIMIT)
    assert found is not None
    assert found[1] > 1_000_000


def test_the_size_of_a_content_does_not_depend_on_what_was_done_with_it() -> None:
    data = frame().set_index("n")
    before = pandas_io.lineage_value_digest(data, LIMIT)
    data.loc[2]
    data.index.is_unique  # noqa: B018 - it fills a cache
    assert pandas_io.lineage_value_digest(data, LIMIT) == before


def test_another_process_comes_to_the_same_digest() -> None:
    program = (
        "import numpy as np, pandas as pd; from prefect_lineage_hooks import pandas_io;"
        "data = pd.DataFrame({'n': [1, 2, 3], 'text': ['a', None, 'c'], 'x': [0.5, np.nan, 2.5]});"
        "data['kind'] = data['text'].astype('category'); data['when'] = pd.date_range('2024', periods=3, tz='UTC');"
        "data['list'] = [[1], ['a'], None];"
        "print(pandas_io.lineage_value_digest(data, 1 << 30))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert b"blake3:" in found.pop()


def test_a_value_is_described_without_a_type() -> None:
    described = pandas_io.lineage_value_description(frame())
    assert described is not None
    assert (described["format"], described["rows"]) == ("pandas.DataFrame", 3)
    assert [name for name, _ in described["schema"]] == ["n", "text", "x"]
    assert "type" not in described


def test_series_and_indexes_are_described() -> None:
    assert pandas_io.lineage_value_description(pd.Series([1.0], name="x")) == {
        "format": "pandas.Series",
        "rows": 1,
        "schema": (("x", "float64"),),
    }
    index = pandas_io.lineage_value_description(pd.RangeIndex(2))
    assert index is not None
    assert index["format"] == "pandas.Index"
    assert pandas_io.lineage_value_description({"a": 1}) is None
