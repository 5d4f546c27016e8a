"""What is told of a run's parameters, command and code: bounded, without secrets, and never at the run's cost."""

from __future__ import annotations

import gc
import json
import math
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prefect_lineage
from prefect_lineage.capture.code import code_of, environment_of
from prefect_lineage.capture.context import current
from prefect_lineage.capture.lasting import told
from prefect_lineage.capture.parameters import bounded, bounded_each, command_line
from prefect_lineage.capture.redact import HIDDEN, Redactor

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Hostile:
    """A value whose every detail raises."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise ZeroDivisionError

    @property
    def __class__(self) -> type:
        raise RuntimeError("no application context")

    @property
    def __module__(self) -> str:
        raise RuntimeError("no application context")

    def __str__(self) -> str:
        raise ZeroDivisionError


PROXY = Hostile()


@given(anything)
def test_small_plain_data_is_shown_as_json_data(value: object) -> None:
    assert json.loads(json.dumps(bounded(value))) == bounded(value)


def test_one_budget_holds_for_all_that_is_shown() -> None:
    wide = {f"k{i}": [["x" * 100] * 50] * 50 for i in range(50)}
    assert len(json.dumps(bounded(wide))) < 60_000
    assert len(json.dumps(bounded_each({f"p{i}": wide for i in range(50)}))) < 100_000


def test_what_json_has_no_words_for_is_written_out() -> None:
    assert bounded([math.nan, 1 << 80, "\udcff"]) == ["nan", str(1 << 80), "\\udcff"]


def test_a_long_text_is_cut_between_words_and_without_its_secrets() -> None:
    text = "word " * 798 + "postgresql://user:hunter2-hunter2@host/db " + "word " * 100
    shown = bounded(text)
    assert "hunter" not in shown
    assert shown.endswith(f"… ({len(text)} characters)")
    assert len(shown) < 4_100


def test_an_endless_url_is_cut_between_its_parts_and_without_its_secrets() -> None:
    url = "https://host/" + "p/" * 1_990 + "x?token=abcdef" + "g" * 5_000
    assert "abcdef" not in bounded(url)
    assert len(bounded(url)) < 4_100


def test_a_parameter_that_raises_is_named_by_its_type() -> None:
    shown = bounded_each({"bad": Hostile(), "good": 1, "deep": [Hostile()]})
    assert shown["good"] == 1
    assert shown["bad"].endswith(".Hostile>") or "Hostile" in shown["bad"]


def test_a_detail_that_cannot_be_told_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    assert told(bad=lambda: 1 / 0, good=lambda: 1) == {"good": 1}
    assert "the bad of a run" in caplog.text


def test_the_values_of_secret_options_are_hidden_in_a_command() -> None:
    words = ["flow.py", "--api-key", "k1", "--password=k2", "--token", "--secret", "k3", "--out", "x.csv"]
    shown = command_line(words, Redactor())
    assert shown == [
        *("flow.py", "--api-key", HIDDEN, f"--password={HIDDEN}", "--token", HIDDEN, HIDDEN),
        *("--out", "x.csv"),
    ]


def test_knowing_the_code_of_a_closure_does_not_keep_it_alive() -> None:
    class Large:
        pass

    def made(held: object) -> object:
        return lambda: held

    large = Large()
    closure = made(large)
    assert code_of(closure)["digest"] == code_of(made(None))["digest"]
    environment_of(closure)
    gone = weakref.ref(large)
    del large, closure
    gc.collect()
    assert gone() is None


def test_code_says_file_and_line_and_what_has_none_its_name(tmp_path: Path) -> None:
    found = code_of(test_code_says_file_and_line_and_what_has_none_its_name)
    assert (found["file"], found["line"] > 0) == (__file__, True)
    assert code_of(len) == {"function": "builtins.len"}


def test_a_global_that_raises_does_not_hide_the_environment() -> None:
    assert "pytest" in environment_of(lambda: PROXY)["packages"]


def test_a_run_left_in_another_context_has_ended_all_the_same(place: Path) -> None:
    import contextvars

    run = prefect_lineage.run("crossing")
    try:
        made = contextvars.copy_context().run(run.__enter__)
        run.__exit__(None, None, None)
        assert current.get() is None
        from prefect_lineage import Lineage

        with Lineage(readonly=True) as lineage:
            assert lineage.run(f"run:{made.id}").state == "Completed"
    finally:
        prefect_lineage.disable()
