"""What Hugging Face datasets load and save: a saved dataset is one directory, and the cache is no data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import datasets_io, files, pandas_io, pyarrow_io
from tests.hooks.calls import Call, Calls

datasets = pytest.importorskip("datasets", reason="datasets is not installed")

HOOKS = (datasets_io, files, pandas_io, pyarrow_io)
calls = Calls(*HOOKS)
case = calls.case


@pytest.fixture
def data(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = datasets.Dataset.from_dict({"a": [1, 2], "g": ["x", "y"]})
    datasets.disable_progress_bars()
    cache, datasets.config.HF_DATASETS_CACHE = (
        datasets.config.HF_DATASETS_CACHE,
        tmp_path_factory.mktemp("cache"),
    )
    made.save_to_disk(tmp_path / "in.hf")
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(tmp_path / "splits.hf")
    made.to_csv(tmp_path / "in.csv")
    made.to_json(tmp_path / "in.jsonl")
    made.to_parquet(tmp_path / "in.parquet")
    (tmp_path / "in.txt").write_text("one\ntwo\n")
    yield tmp_path
    datasets.config.HF_DATASETS_CACHE = cache


@case("R in.hf")
def load_from_disk(data: Path) -> None:
    datasets.load_from_disk(str(data / "in.hf")).to_pandas()


@case("R splits.hf")
def load_splits_from_disk(data: Path) -> None:
    datasets.load_from_disk(data / "splits.hf")["train"][0]


@case("W out.hf")
def save_to_disk(data: Path) -> None:
    datasets.Dataset.from_dict({"a": [1]}).save_to_disk(data / "out.hf")


@case("R in.hf", "W out.hf")
def filter_and_save(data: Path) -> None:
    few = datasets.load_from_disk(data / "in.hf").filter(lambda row: row["a"] > 1, keep_in_memory=True)
    few.save_to_disk(data / "out.hf")


@case("R in.csv", "R in.jsonl", "R in.parquet", "R in.txt")
def from_files(data: Path) -> None:
    datasets.Dataset.from_csv(str(data / "in.csv"))
    datasets.Dataset.from_json(str(data / "in.jsonl"))
    datasets.Dataset.from_parquet(str(data / "in.parquet"))
    datasets.Dataset.from_text(str(data / "in.txt"))


@case("R in.csv", "R in.parquet")
def load_dataset_of_files(data: Path) -> None:
    datasets.load_dataset("csv", data_files=str(data / "in.csv"))
    datasets.load_dataset("parquet", data_files={"train": [str(data / "in.parquet")]})


@case("R in.csv", "W out.hf")
def prepared_data_where_the_user_wants_it(data: Path) -> None:
    cache = str(data / "prepared")
    datasets.load_dataset(
        "csv", data_files=str(data / "in.csv"), split="train", cache_dir=cache
    ).save_to_disk(data / "out.hf")
    datasets.Dataset.from_csv(str(data / "in.csv"), cache_dir=cache)


@case("W out.csv", "W out.jsonl", "W out.parquet")
def to_files(data: Path) -> None:
    made = datasets.Dataset.from_dict({"a": [1]})
    made.to_csv(data / "out.csv")
    made.to_json(data / "out.jsonl")
    made.to_parquet(data / "out.parquet")


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calls.check(call, truth, needs, data)


def test_rows_and_columns_are_told(data: Path) -> None:
    with captured(*HOOKS, root=data) as seen:
        datasets.load_from_disk(str(data / "in.hf"))
    content = seen.edge("R in.hf").content
    assert (content.rows, content.schema, seen.edge("R in.hf").type) == (
        2,
        (("a", "int64"), ("g", "string")),
        "dataset",
    )
