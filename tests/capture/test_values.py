"""Whose value is it, and is it still the same?"""

from __future__ import annotations

import datetime
import enum
import gc
import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage import hookimpl
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.plain import plain_bytes
from prefect_lineage.capture.values import Returned, Values
from prefect_lineage.capture.walking import walk
from prefect_lineage.plugins import Plugins


class Colour(enum.Enum):
    RED = 1


class Thing:
    pass


CONSTANT = ("a", 1, None)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=8,
)


@pytest.fixture
def values() -> Values:
    return Values(Digester(), Plugins())


def returned(run: str = "run", **more: str) -> Returned:
    return Returned(run, 1, "job", **more)


@pytest.mark.parametrize(
    "shared",
    [CONSTANT, (), frozenset({"a"}), Colour.RED, (Colour.RED, CONSTANT), len, math, time.sleep, Thing],
)
def test_what_everybody_shares_is_not_remembered(values: Values, shared: object) -> None:
    values.remember(shared, returned())
    assert values.who_returned(shared) is None


@pytest.mark.parametrize("value", [pd.DataFrame({"a": [1]}), np.zeros(3), [1, 2], {"a": 1}])
def test_the_content_is_that_of_the_return_and_a_later_change_is_seen(values: Values, value: object) -> None:
    mine = returned()
    values.remember(value, mine)
    at_return = mine.content
    assert at_return is not None
    assert not values.changed(mine, value)
    if isinstance(value, list):
        value.append(3)
    else:
        value["a" if not isinstance(value, np.ndarray) else 0] = 7
    assert values.changed(mine, value)
    assert mine.content is at_return


def test_a_large_frame_is_not_digested_before_somebody_receives_it(values: Values) -> None:
    frame, mine = pd.DataFrame({"a": np.zeros(2_000_000)}), returned()
    values.remember(frame, mine)
    assert mine.content is None
    assert not values.changed(mine, frame)
    assert mine.content is not None


def test_a_named_container_takes_no_part_that_another_run_returned(values: Values) -> None:
    theirs, own = Thing(), Thing()
    values.remember(theirs, returned("first"))
    values.remember({"theirs": theirs, "own": own}, returned("second", name="bundle"))
    assert [values.who_returned(part).run for part in (theirs, own)] == ["first", "second"]


def test_what_is_held_is_let_go_with_its_own_flow_run_only(values: Values) -> None:
    one, two = [1], [2]
    values.remember(one, returned(root="one"))
    values.remember(two, returned(root="two"))
    values.forget_held("one")
    assert values.who_returned(one) is None
    assert values.who_returned(two) is not None
    values.forget_held()
    assert values.who_returned(two) is None


def test_too_many_held_containers_are_counted(values: Values) -> None:
    for number in range(300):
        values.remember([number], returned())
    assert values.overflowed == 300 - 256


def test_an_object_that_is_gone_is_forgotten(values: Values) -> None:
    thing = Thing()
    values.remember(thing, returned())
    del thing
    gc.collect()
    assert values._known == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, math.nan),
        (math.inf, math.nan),
        (datetime.date(2026, 1, 1), "2026-01-01"),
        ({1: 0}, {"1": 0}),
        ((1, 2), [1, 2]),
        (1, True),
        (1, 1.0),
        ([1, 2], ["1", "2"]),
        (["a", "b"], ["a,b"]),
    ],
)
def test_different_values_have_different_bytes(one: object, other: object) -> None:
    assert plain_bytes(one) != plain_bytes(other)
    assert plain_bytes([one]) != plain_bytes([other])
    assert None not in (plain_bytes(one), plain_bytes(other))


@given(plain, plain)
def test_bytes_are_equal_just_for_equal_values_of_equal_types(one: object, other: object) -> None:
    assert plain_bytes(one) is not None
    if plain_bytes(one) == plain_bytes(other):
        assert repr_sorted(one) == repr_sorted(other)


def repr_sorted(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{sorted((repr(key), repr_sorted(item)) for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"{type(value)}{[repr_sorted(item) for item in value]}"
    return repr(value)


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_a_mapping_does_not_matter(value: dict[str, int]) -> None:
    assert plain_bytes(value) == plain_bytes(dict(reversed(value.items())))


def test_much_data_is_not_spelt_at_all() -> None:
    many = [0] * 30_000_000
    began = time.perf_counter()
    assert plain_bytes(many) is None
    assert plain_bytes("x" * (65 << 20)) is None
    assert time.perf_counter() - began < 2


def test_data_that_contains_itself_has_no_bytes() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert plain_bytes(loop) is None
    assert list(walk(loop)) == [loop]


def test_a_walk_meets_each_thing_once_and_a_thousand_in_all() -> None:
    thing = Thing()
    assert [item for item in walk([thing, {"again": thing}]) if item is thing] == [thing]
    assert sum(1 for _ in walk([[Thing() for _ in range(900)] for _ in range(900)])) <= 1_000


@pytest.mark.parametrize("answer", [("blake3:00",), "blake3:00", (b"00", 1), ("blake3:00", None), (None, 0)])
def test_an_answer_that_is_no_digest_is_none(answer: object) -> None:
    class Wrong:
        @hookimpl
        def lineage_value_digest(self, value: object, limit: int) -> object:
            return answer

        @hookimpl
        def lineage_value_description(self, value: object) -> object:
            return {"rows": "many", "schema": 5, "format": "x"}

    values = Values(Digester(), Plugins(extra={"wrong": Wrong()}, discover=False))
    content = values.content(Thing(), "run")
    assert (content.covers, content.rows, content.schema, content.format) == ("none", None, (), "x")
