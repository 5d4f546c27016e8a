"""The flow that knows nothing of lineage: every edge of it, compared with a list written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FRAME = "the frame"
EXPECTED = {
    ("extract", "output", "data/penguins.csv", "shutil.copy"),
    ("clean", "input", "data/penguins.csv", "pandas.read_csv"),
    ("clean", "output", "data/penguins.parquet", "pandas.DataFrame.to_parquet"),
    ("load", "input", "data/penguins.parquet", "pandas.read_parquet"),
    ("load", "output", FRAME, "return"),
    ("train", "input", FRAME, "argument penguins"),
    ("train", "output", "models/penguins.joblib", "joblib.dump"),
    ("measure", "input", "models/penguins.joblib", "joblib.load"),
    ("measure", "input", FRAME, "argument penguins"),
    ("measure", "output", "reports/metrics.json", "open"),
}


def _place_of(version: dict[str, Any], folder: Path) -> str:
    uri = str(version["uri"])
    return FRAME if uri.startswith("inmemory://") else uri.removeprefix(f"file://{folder.resolve()}/")


def _edges(graph: dict[str, Any], folder: Path) -> set[tuple[str, str, str, str]]:
    nodes = {node["id"]: node for node in graph["nodes"]}
    return {
        (
            nodes[edge["run"]]["job"].rpartition(".")[2],
            edge["direction"],
            _place_of(nodes[edge["version"]], folder),
            edge["via"],
        )
        for edge in graph["edges"]
    }


def test_the_example_imports_nothing_of_ours() -> None:
    source = (Path(__file__).resolve().parents[2] / "examples" / "zero_code.py").read_text()
    assert "import prefect_lineage" not in source
    assert "from prefect_lineage" not in source


def test_downstream_of_the_raw_file_is_every_edge_and_no_other(zero_code) -> None:
    graph = zero_code.asked("downstream", "data/penguins.csv")
    made = {edge for edge in EXPECTED if edge[0] != "extract"}
    assert _edges(graph, zero_code.folder) == made


def test_upstream_of_the_model_reaches_the_raw_file(zero_code) -> None:
    graph = zero_code.asked("upstream", "models/penguins.joblib")
    assert _edges(graph, zero_code.folder) == {edge for edge in EXPECTED if edge[0] != "measure"}


def test_every_edge_was_observed_once_or_more_in_the_first_attempt(zero_code) -> None:
    edges = zero_code.asked("downstream", "data/penguins.csv")["edges"]
    assert {edge["how"] for edge in edges} == {"observed"}
    assert {edge["attempt"] for edge in edges} == {1}


def test_nothing_but_the_data_is_an_artifact(zero_code) -> None:
    artifacts = zero_code.asked("ls", "artifacts")
    assert {_place_of(artifact, zero_code.folder) for artifact in artifacts} == {edge[2] for edge in EXPECTED}


def test_a_parquet_file_is_recorded_with_its_rows(zero_code) -> None:
    [version] = [
        node
        for node in zero_code.asked("upstream", "models/penguins.joblib")["nodes"]
        if node["kind"] == "version" and node["uri"].endswith(".parquet")
    ]
    assert version["format"] == "parquet"
    assert version["rows"] == 333
