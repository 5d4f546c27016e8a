"""``--level`` of the commands that print a graph: a flow run as one node, and artifact to artifact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from prefect_lineage import Lineage
from prefect_lineage.graph.levels import by_artifact, by_flow_run, inside_a_flow_run
from prefect_lineage.model.entities import Artifact, Edge, Graph, Run, Version


@pytest.fixture
def two_flows(home: Path, make: Any) -> Path:
    """A flow cleans raw data by way of a file of its own; another trains on it, and evaluates what it trained."""

    def of(number: int, job: str, *edges: Any) -> Any:
        flow_run = make.uuid(900 if job.startswith("clean") else 901)
        record = make.record(number, job, *edges)
        return replace(record, run=replace(record.run, flow_run=flow_run, parent=flow_run))

    def flow(number: int, name: str) -> Any:
        record = make.record(number, name)
        facts = {"kind": "flow", "name": f"{name}-run", "flow_run": make.uuid(number), "parent": None}
        return replace(record, run=replace(record.run, **facts))

    (home / "prefect").mkdir()
    return make.store(
        home / "prefect" / "lineage.db",
        [
            flow(900, "clean"),
            flow(901, "train"),
            of(1, "clean.load", make.edge("/raw.csv", "input", "1"), make.edge("/part.csv", "output", "2")),
            of(2, "clean.join", make.edge("/part.csv", "input", "2"), make.edge("/rows.csv", "output", "3")),
            of(3, "train.fit", make.edge("/rows.csv", "input", "3"), make.edge("/model", "output", "4")),
            of(4, "train.check", make.edge("/model", "input", "4"), make.edge("/rows.csv", "input", "3"),
               make.edge("/score", "output", "5")),
        ],
    )  # fmt: skip


def ends(graph: dict[str, Any]) -> set[tuple[str, str]]:
    """Every edge as the names of its ends, along the data."""
    name = {node["id"]: node["name"].rpartition("/")[2] for node in graph["nodes"]}
    pairs = set()
    for edge in graph["edges"]:
        if "tail" in edge:
            pairs.add((name[edge["tail"]], name[edge["head"]]))
        else:
            pair = (name[edge["version"]], name[edge["run"]])
            pairs.add(pair if edge["direction"] == "input" else pair[::-1])
    return pairs


def test_a_flow_run_is_one_node_and_what_stays_inside_is_not_there(
    cli: Any, two_flows: Path, make: Any
) -> None:
    graph = cli("upstream", "/score", "--level", "flow", "--json").json
    assert graph.keys() == {"root", "nodes", "edges", "truncated"}
    assert ends(graph) == {
        ("raw.csv", "clean-run"), ("clean-run", "rows.csv"), ("rows.csv", "train-run"), ("train-run", "score"),
    }  # fmt: skip
    (joined,) = [
        edge for edge in graph["edges"] if edge["run"] == make.uuid(901) and edge["direction"] == "input"
    ]
    assert joined["times"] == 2
    assert [node["run_kind"] for node in graph["nodes"] if node["kind"] == "run"] == ["flow", "flow"]


def test_artifacts_lead_to_artifacts_with_the_runs_on_the_edge(cli: Any, two_flows: Path, make: Any) -> None:
    graph = cli("downstream", "/raw.csv", "--level", "artifact", "--json").json
    assert ends(graph) == {
        ("raw.csv", "part.csv"), ("part.csv", "rows.csv"), ("rows.csv", "model"), ("rows.csv", "score"),
        ("model", "score"),
    }  # fmt: skip
    assert {node["kind"] for node in graph["nodes"]} == {"artifact"}
    assert [node["id"] for node in graph["nodes"] if node["name"].endswith("/raw.csv")] == [graph["root"]]
    edge = next(edge for edge in graph["edges"] if edge["runs"] == [make.uuid(1)])
    assert (edge["jobs"], edge["how"], edge["at"]) == (
        ["clean.load"],
        "observed",
        "2026-11-18T11:06:40.000000Z",
    )


def test_a_person_sees_a_tree_of_each_level(cli: Any, two_flows: Path) -> None:
    flows = cli("upstream", "/score", "--level", "flow").out
    assert "train  train-run  Completed" in flows
    assert "part.csv" not in flows
    assert "2 runs, 3 versions, 4 edges" in flows
    artifacts = cli("upstream", "/score", "--level", "artifact").out
    assert "rows.csv  file  1 version  train.check" in artifacts
    assert "5 artifacts, 5 edges, 4 runs" in artifacts


def test_from_a_run_the_level_of_artifacts_has_no_root(cli: Any, two_flows: Path, make: Any) -> None:
    graph = cli("upstream", f"run:{make.uuid(3)}", "--level", "artifact", "--json").json
    assert graph["root"] is None
    assert ends(graph) == {("raw.csv", "part.csv"), ("part.csv", "rows.csv")}
    flows = cli("upstream", f"run:{make.uuid(3)}", "--level", "flow", "--json").json
    assert flows["root"] == make.uuid(901)


def test_depth_counts_edges_of_the_whole_graph_before_the_level_is_taken(cli: Any, two_flows: Path) -> None:
    graph = cli("upstream", "/score", "--level", "artifact", "--depth", "2", "--json").json
    assert ends(graph) == {("model", "score"), ("rows.csv", "score")}


def test_the_map_knows_the_flow_runs_that_are_no_nodes_of_the_graph(cli: Any, two_flows: Path) -> None:
    assert cli("map", "-o", "all.html", "--json").json["runs"] == 4
    block = re.search(r'id="lineage-around">(.*?)</script>', Path("all.html").read_text(encoding="utf-8"))
    assert block is not None
    known = json.loads(block[1])
    assert (sorted(known["titles"]), known["marks"]) == (["clean-run", "train-run"], ["completed"] * 2)


def test_the_api_gives_the_same(two_flows: Path) -> None:
    with Lineage(f"sqlite:///{two_flows}", readonly=True) as lineage:
        graph = lineage.upstream("/score")
        assert lineage.at_level(graph, "run") is graph
        assert len(lineage.at_level(graph, "flow")) == 5
        assert len(lineage.at_level(graph, "artifact")) == 5


def test_a_run_of_too_many_pairs_is_counted_not_drawn() -> None:
    versions = [_version(number) for number in range(140)]
    edges = [_edge("r0", number, "input" if number < 70 else "output") for number in range(140)]
    graph = by_artifact(Graph((*versions, _run("r0", None)), tuple(edges)), map(_artifact, versions))
    assert (graph.crowded, graph.edges) == (1, ())


def _version(number: int, artifact: int | None = None) -> Version:
    owner = f"a{number if artifact is None else artifact}"
    return Version(f"v{number}", owner, owner, 0, "file", "", "", "", "all", None, 0)


def _artifact(version: Version) -> Artifact:
    return Artifact(version.artifact, version.name, "file", "", "", 1, None, 0, 0)


def _run(name: str, flow_run: str | None) -> Run:
    return Run(name, "task", name, name, None, flow_run, flow_run, "Completed", 0, 0, 1)


def _edge(run: str, version: int, direction: str) -> Edge:
    return Edge(run, f"v{version}", direction, "observed", "open", 1, 1, 0)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    runs = [_run(f"r{n}", draw(st.sampled_from([None, "f0", "f1"]))) for n in range(draw(st.integers(1, 6)))]
    versions = [_version(n, draw(st.integers(0, 3))) for n in range(draw(st.integers(1, 6)))]
    some = st.tuples(
        st.integers(0, len(runs) - 1), st.integers(0, len(versions) - 1), st.sampled_from(["input", "output"])
    )
    edges = [
        _edge(f"r{run}", version, way) for run, version, way in draw(st.lists(some, unique=True, max_size=20))
    ]
    root = draw(st.sampled_from([None, *(node.id for node in (*runs, *versions))]))
    return Graph((*versions, *runs), tuple(edges), root)


@given(graph=graphs())
def test_a_level_invents_nothing_and_loses_nothing_that_passes_on(graph: Graph) -> None:
    flows = [_run("f0", "f0"), _run("f1", "f1")]
    coarse = by_flow_run(graph, flows)
    home = {run.id: run.flow_run or run.id for run in graph.runs}
    fine = {(home[edge.run], edge.version, edge.direction) for edge in graph.edges}
    found = {(edge.run, edge.version, edge.direction) for edge in coarse.edges}
    inside = inside_a_flow_run(graph) - {graph.root}
    assert found <= fine
    for run, version, way in fine - found:
        assert version in inside or (way == "input" and (run, version, "output") in fine)
    assert {edge.run for edge in coarse.edges} | {edge.version for edge in coarse.edges} <= {
        n.id for n in coarse
    }
    assert graph.root is None or coarse.root in {node.id for node in coarse}


@given(graph=graphs())
def test_between_artifacts_is_an_edge_exactly_where_a_run_read_one_and_wrote_the_other(graph: Graph) -> None:
    owner = {version.id: version.artifact for version in graph.versions}

    def pairs() -> Iterator[tuple[str, str, str]]:
        for read in graph.edges:
            for wrote in graph.edges:
                if (read.direction, wrote.direction, read.run) == ("input", "output", wrote.run):
                    yield owner[read.version], owner[wrote.version], read.run

    wanted = {pair for pair in pairs() if pair[0] != pair[1]}
    artifacts = {version.artifact: _artifact(version) for version in graph.versions}
    coarse = by_artifact(graph, artifacts.values())
    assert {(edge.tail, edge.head, run) for edge in coarse.edges for run in edge.runs} == wanted
