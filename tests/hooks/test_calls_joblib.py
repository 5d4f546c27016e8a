"""joblib's calls, and what is a model."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, joblib_io


class OwnModel(LogisticRegression):
    """A user's class with scikit-learn's behind it."""


class Remote(BaseEstimator):
    """An estimator with a secret among its parameters."""

    def __init__(self, api_key: str = "") -> None:
        self.api_key = api_key

    def fit(self) -> None: ...


class Lookalike:
    """It fits and has parameters, and is none of scikit-learn's."""

    def fit(self) -> None: ...

    def get_params(self) -> dict[str, int]:
        return {}


def test_dump_and_load_are_a_write_and_a_read(data: Path) -> None:
    with captured(files, joblib_io, root=data) as seen:
        joblib.dump({"a": 1}, data / "out.joblib")
        joblib.load(data / "in.joblib")
    assert seen.vias == {"R in.joblib": "joblib.load", "W out.joblib": "joblib.dump"}
    assert seen.edge("W out.joblib").content.format == "joblib"
    assert seen.edge("W out.joblib").type == "file"


def test_compressed_is_one_write_too(data: Path) -> None:
    with captured(joblib_io, root=data) as seen:
        joblib.dump({"a": 1}, str(data / "out.joblib.gz"), compress=3)
    assert seen.vias == {"W out.joblib.gz": "joblib.dump"}


def test_an_open_file_is_seen_when_it_is_opened(data: Path) -> None:
    with captured(joblib_io, root=data) as seen, open(data / "out.joblib", "wb") as file:
        joblib.dump({"a": 1}, file)
        joblib.dump({"a": 1}, io.BytesIO())
    assert seen.vias == {"W out.joblib": "open"}


@pytest.mark.parametrize("model", [LogisticRegression(), make_pipeline(StandardScaler()), OwnModel()])
def test_an_estimator_is_a_model_when_dumped_and_when_loaded(model: object, data: Path) -> None:
    with captured(joblib_io, root=data) as dumped:
        joblib.dump(model, data / "model.joblib")
    with captured(joblib_io, root=data) as loaded:
        joblib.load(data / "model.joblib")
    written, read = dumped.edge("W model.joblib"), loaded.edge("R model.joblib")
    assert written.type == read.type == "model"
    assert written.content.digest == read.content.digest
    assert written.metadata["class"].endswith(type(model).__name__)
    assert written.metadata["parameters"].keys() == model.get_params(deep=False).keys()


def test_a_secret_among_the_parameters_of_a_model_is_hidden(data: Path) -> None:
    with captured(joblib_io, root=data) as seen:
        joblib.dump(Remote(api_key="k-1234"), data / "model.joblib")
    assert seen.edge("W model.joblib").metadata["parameters"] == {"api_key": "***"}


def test_what_only_looks_like_an_estimator_is_no_model(data: Path) -> None:
    with captured(joblib_io, root=data) as seen:
        joblib.dump(Lookalike(), data / "any.joblib")
    assert seen.edge("W any.joblib").type == "file"


def test_the_cache_of_memory_is_no_data(data: Path) -> None:
    memory = joblib.Memory(data / "cache", verbose=0)
    with captured(joblib_io, root=data) as first:
        memory.cache(len)([1, 2])
    with captured(joblib_io, root=data) as second:
        memory.cache(len)([1, 2])
    assert first.lines == second.lines == []


@pytest.mark.parametrize("kind", [str, Path])
def test_a_cache_is_no_data_wherever_it_lies(tmp_path: Path, kind: type) -> None:
    with captured(joblib_io, root=tmp_path) as seen:
        remembered = joblib.Memory(kind(tmp_path / "remembered"), verbose=0).cache(len)
        assert remembered([1, 2]) == remembered([1, 2]) == 2
        (tmp_path / "out.txt").write_text("2")
    assert seen.lines == ["W out.txt"]
