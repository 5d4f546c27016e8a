"""The zoo: W&B's picture, made by a real flow."""

from __future__ import annotations

from typing import Any


def _versions(zoo, name: str) -> list[dict[str, Any]]:
    """The versions of an artifact, oldest first."""
    found = [version for version in zoo.asked("ls", "versions", name) if version["name"] == name]
    return sorted(found, key=lambda version: int(version["version"][1:]))


def _jobs(zoo, runs: list[str]) -> list[str]:
    jobs = {run["id"]: run["job"].rpartition(".")[2] for run in zoo.asked("ls", "runs")}
    return [jobs[run] for run in runs]


def test_three_runs_produce_one_version_of_the_split(zoo) -> None:
    first, second = _versions(zoo, "split_zoo_dataset")
    assert _jobs(zoo, first["producers"]) == ["split"] * 3
    assert _jobs(zoo, second["producers"]) == ["split"] * 3
    assert first["type"] == "dataset"
    assert [first["metadata"]["rows"], second["metadata"]["rows"]] == [342, 333]


def test_the_split_is_used_by_training_and_by_evaluation(zoo) -> None:
    for version in _versions(zoo, "split_zoo_dataset"):
        assert sorted(_jobs(zoo, version["consumers"])) == ["fit", "score"]


def test_the_model_is_logged_by_training_and_used_by_evaluation(zoo) -> None:
    versions = _versions(zoo, "zoo-model")
    assert [version["version"] for version in versions] == ["v0", "v1"]
    for version in versions:
        assert _jobs(zoo, version["producers"]) == ["fit"]
        assert _jobs(zoo, version["consumers"]) == ["score"]
        assert version["type"] == "model"


def test_the_alias_has_moved_to_the_newer_model(zoo) -> None:
    older, newer = _versions(zoo, "zoo-model")
    assert older["aliases"] == []
    assert sorted(newer["aliases"]) == ["candidate", "latest"]


def test_the_report_was_made_from_the_raw_data(zoo) -> None:
    graph = zoo.asked("upstream", "zoo-report:v0")
    versions = {node["name"] for node in graph["nodes"] if node["kind"] == "version"}
    assert {"zoo-report", "zoo-model", "split_zoo_dataset"} <= versions
    assert any(node["uri"].endswith("data/penguins.csv") for node in graph["nodes"] if "uri" in node)
    jobs = {node["job"].rpartition(".")[2] for node in graph["nodes"] if node["kind"] == "run"}
    assert jobs == {"download", "clean", "split", "fit", "score"}


def test_the_cleaned_rows_go_from_task_to_task_in_memory(zoo) -> None:
    graph = zoo.asked("upstream", "split_zoo_dataset:v0")
    frames = [node for node in graph["nodes"] if node.get("uri", "").startswith("inmemory://")]
    assert len(frames) == 1
    assert _jobs(zoo, frames[0]["producers"]) == ["clean"] * 3
    assert _jobs(zoo, frames[0]["consumers"]) == ["split"] * 3


def test_what_the_broken_download_wrote_is_partial_and_never_latest(zoo) -> None:
    broken, whole = _versions(zoo, zoo.asked("show", "zoo/data/penguins.csv")["name"])
    assert [broken["partial"], whole["partial"]] == [True, False]
    assert broken["consumers"] == []
    assert "latest" in whole["aliases"]


def test_the_retried_download_completed_in_its_second_attempt(zoo) -> None:
    [run] = [run for run in zoo.asked("ls", "runs") if run["job"].endswith("download")]
    assert [run["state"], run["attempt"]] == ["Completed", 2]


def test_the_map_of_the_zoo_is_one_html_file(zoo) -> None:
    zoo.run("map", "-o", "zoo.html")
    page = (zoo.folder / "zoo.html").read_text(encoding="utf-8")
    assert "split_zoo_dataset" in page
