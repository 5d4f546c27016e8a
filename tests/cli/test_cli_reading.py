from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

VERSION_KEYS = {
    "kind", "id", "artifact", "name", "version", "type", "uri", "digest", "size", "aliases", "created_at",
    "metadata", "producers",
}  # fmt: skip
RUN_KEYS = {
    "kind", "id", "run_kind", "name", "job", "state", "started_at", "ended_at", "attempt", "parent",
    "parameters", "code",
}  # fmt: skip
EDGE_KEYS = {"run", "version", "direction", "how", "via", "times", "attempt"}


def names(graph: dict[str, Any]) -> set[str]:
    return {
        f"{node['name']}:{node['version']}" if node["kind"] == "version" else node["name"]
        for node in graph["nodes"]
    }


def test_ls_lists_artifacts_the_newest_first(cli: Any, zoo: Path) -> None:
    found = cli("ls", "--json").json
    assert {entity["kind"] for entity in found} == {"artifact"}
    assert {"split", "model", "file:///data/raw.csv", "file:///data/report.json"} == {
        entity["name"] for entity in found
    }
    assert [entity["updated_at"] for entity in found] == sorted(
        (entity["updated_at"] for entity in found), reverse=True
    )


def test_ls_of_versions_and_runs_speaks_the_contracts_json(cli: Any, zoo: Path) -> None:
    assert all(entity.keys() >= VERSION_KEYS for entity in cli("ls", "versions", "--json").json)
    assert all(entity.keys() >= RUN_KEYS for entity in cli("ls", "runs", "--json").json)


def test_ls_takes_a_pattern_with_or_without_the_kind(cli: Any, zoo: Path) -> None:
    assert [entity["name"] for entity in cli("ls", "mod*", "--json").json] == ["model"]
    assert [entity["version"] for entity in cli("ls", "versions", "mod*", "--json").json] == ["v1", "v0"]
    assert len(cli("ls", "runs", "zoo.train", "--json").json) == 2


def test_ls_filters(cli: Any, zoo: Path, make: Any) -> None:
    def found(*arguments: str) -> int:
        return len(cli("ls", *arguments, "--json").json)

    assert found("artifacts", "--type", "model") == 1
    assert found("runs", "--state", "Failed") == 1
    assert found("runs", "--job", "zoo.s*") == 2
    assert found("runs", "--tag", "nightly") == 1
    assert found("runs", "--flow", "zoo") == 7
    assert found("runs", "--flow-run", "amber-otter") == 7
    assert found("runs", "--flow", "other") == 0
    assert found("runs", "--since", "2036-01-01") == 0
    assert found("runs", "--until", "2036-01-01") == 7


def test_ls_is_paged_and_says_so_only_when_nobody_asked(cli: Any, zoo: Path) -> None:
    every = cli("ls", "runs", "--json").json
    page = cli("ls", "runs", "--limit", "2", "--offset", "1", "--json")
    assert page.json == every[1:3]
    assert page.err == ""
    assert cli("ls", "runs", "--limit", "0", "--json").json == every


def test_a_long_table_is_cut_and_says_so(cli: Any, home: Path, make: Any) -> None:
    records = [make.record(number, "f.t") for number in range(1, 106)]
    make.store(home / "many.db", records)
    answer = cli("ls", "runs", "--url", "many.db")
    assert len(answer.out.splitlines()) == 101
    assert "Only the newest 100 runs are listed" in answer.err
    assert len(cli("ls", "runs", "--url", "many.db", "--json").json) == 105


def test_a_table_is_plain_in_a_pipe(cli: Any, zoo: Path) -> None:
    lines = cli("ls", "versions").out.splitlines()
    assert lines[0].split() == ["version", "type", "size", "created", "aliases", "digest"]
    assert any(line.startswith("model:v1") and "1.23 MB" in line and "latest" in line for line in lines)
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)


def test_an_empty_list_is_an_empty_document_or_a_remark(cli: Any, zoo: Path) -> None:
    assert cli("ls", "nothing*", "--json").json == []
    answer = cli("ls", "nothing*")
    assert (answer.code, answer.out) == (0, "")
    assert "No artifacts were found" in answer.err


def test_show_of_a_version_has_its_edges(cli: Any, zoo: Path) -> None:
    document = cli("show", "split", "--json").json
    assert document.keys() >= VERSION_KEYS | {"edges"}
    assert [edge["direction"] for edge in document["edges"]].count("output") == 2
    assert all(edge.keys() >= EDGE_KEYS and edge["version"] == document["id"] for edge in document["edges"])
    assert len(document["edges"]) == 4
    assert len(document["producers"]) == 2


def test_show_of_a_run_has_its_inputs_and_outputs(cli: Any, zoo: Path, make: Any) -> None:
    document = cli("show", f"run:{make.uuid(3)}", "--json").json
    assert document.keys() >= RUN_KEYS | {"inputs", "outputs", "edges"}
    assert document["parameters"] == {"rate": 0.5}
    (read,), (wrote,) = document["inputs"], document["outputs"]
    assert (read["version"]["name"], read["via"], read["times"]) == ("split", "use_artifact", 2)
    assert (wrote["version"]["name"], wrote["version"]["version"]) == ("model", "v0")
    assert len(document["edges"]) == 2


def test_show_reads_well(cli: Any, zoo: Path, make: Any) -> None:
    version = cli("show", "model:candidate").out
    assert version.startswith("model:v0  model\n")
    for words in (
        "produced by",
        "used by" if "used by" in version else "aliases",
        "candidate",
        "blake3:",
        "1.23 MB",
    ):
        assert words in version
    run = cli("show", f"run:{make.uuid(3)}").out
    for words in (
        "zoo.train",
        "Completed",
        "parameters",
        "rate",
        "0.5",
        "inputs",
        "split:v0",
        "\N{MULTIPLICATION SIGN}2",
        "outputs",
    ):
        assert words in run


def test_upstream_is_the_whole_way_back(cli: Any, zoo: Path) -> None:
    graph = cli("upstream", "file:///data/report.json", "--json").json
    assert graph.keys() >= {"root", "nodes", "edges"}
    assert names(graph) == {
        "file:///data/report.json:v0", "evaluate-5", "model:v1", "train-4", "split:v0", "split-1", "split-2",
        "file:///data/raw.csv:v0",
    }  # fmt: skip
    assert graph["nodes"][0]["id"] == graph["root"]
    assert all(edge.keys() >= EDGE_KEYS for edge in graph["edges"])


def test_downstream_is_the_whole_way_on(cli: Any, zoo: Path) -> None:
    graph = cli("downstream", "model:v1", "--json").json
    assert names(graph) == {"model:v1", "evaluate-5", "evaluate-6", "file:///data/report.json:v0"}


def test_depth_counts_edges(cli: Any, zoo: Path) -> None:
    assert names(cli("upstream", "model", "--depth", "0", "--json").json) == {"model:v1"}
    assert names(cli("upstream", "model", "--depth", "2", "--json").json) == {
        "model:v1",
        "train-4",
        "split:v0",
    }


def test_a_closure_can_start_at_a_run(cli: Any, zoo: Path, make: Any) -> None:
    graph = cli("downstream", f"run:{make.uuid(4)}", "--json").json
    assert graph["root"] == make.uuid(4)
    assert "model:v1" in names(graph)
    assert "split:v0" not in names(graph)


def test_a_closure_is_narrowed_by_type_and_time(cli: Any, zoo: Path) -> None:
    graph = cli("upstream", "model", "--type", "dataset", "--json").json
    assert names(graph) == {"model:v1", "train-4", "split:v0", "split-1", "split-2"}
    assert names(cli("upstream", "model", "--until", "2000-01-01", "--json").json) == {"model:v1"}


def test_the_tree_shows_the_closure(cli: Any, zoo: Path) -> None:
    answer = cli("upstream", "file:///data/report.json")
    assert answer.out.splitlines()[0].startswith("file:///data/report.json:v0")
    for words in ("zoo.evaluate", "model:v1", "zoo.train", "split:v0", "raw.csv:v0"):
        assert words in answer.out
    assert answer.out.splitlines()[-1] == "4 runs, 4 versions, 8 edges"


def test_a_pipe_that_closes_early_is_quiet(home: Path, make: Any) -> None:
    make.store(home / "many.db", [make.record(number, "f.t") for number in range(1, 2_000)])
    command = f"{sys.executable} -m prefect_lineage ls runs --json --url many.db | head -1"
    # unbuffered, Python takes a write that the closed pipe cut short for a whole one
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        cwd=home,
        env=environment,
        timeout=60,
    )
    assert done.stdout == "[\n"
    assert done.stderr == ""
    assert done.returncode == 141
