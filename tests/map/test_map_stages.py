"""How much of a graph a page opens with, how the rest is folded, and where the bound is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from prefect_lineage.errors import LineageError, MapError
from prefect_lineage.export import map as maps
from prefect_lineage.export.fold import overview, path_of
from prefect_lineage.export.levels import artifact_level, flow_level
from prefect_lineage.export.map import lineage_map
from prefect_lineage.export.staging import AT_ONCE, lanes, stages
from prefect_lineage.export.view import view
from prefect_lineage.model.entities import Graph, Run, Version
from prefect_lineage.model.series import DATES, Series

Pipelines = Callable[[int], Graph]


def test_a_small_graph_opens_whole(zoo: Graph) -> None:
    made = stages(view(zoo))
    assert made.opening is made.whole
    assert (made.opening.grain, len(made.opening.keys)) == ("all", len(zoo.nodes))


def test_a_large_graph_opens_with_one_card_for_each_job_and_artifact(pipelines: Pipelines) -> None:
    graph = pipelines(AT_ONCE + 1)
    made = stages(view(graph))
    jobs = {run.job for run in graph.runs}
    artifacts = {version.artifact for version in graph.versions}
    assert made.opening.grain == "job"
    assert len(made.opening.keys) == len(jobs) + len(artifacts)
    assert made.whole is not None
    assert len(made.whole.keys) == len(graph.nodes)


def test_an_overview_holds_every_node_once_and_every_link_between_groups(pipelines: Pipelines) -> None:
    shown = view(pipelines(400))
    folded = overview(shown)
    members = [index for group in folded.groups for index in group.members]
    assert sorted(members) == list(range(len(shown.cards)))
    home = {index: place for place, group in enumerate(folded.groups) for index in group.members}
    expected = {(home[link.tail], home[link.head]) for link in shown.links}
    assert set(folded.links) == {pair for pair in expected if pair[0] != pair[1]}


def test_a_group_of_one_is_that_node(zoo: Graph) -> None:
    keys = {group.key for group in overview(view(zoo)).groups}
    assert "version-model" in keys
    assert "job:zoo.split" in keys


def test_jobs_are_folded_to_flows_where_even_they_are_too_many(
    pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_lineage.export.fold._MOST_CARDS", 5)
    folded = overview(view(pipelines(300)))
    assert folded.grain == "flow"
    assert not set(folded.links) & {
        pair[::-1] for pair in folded.links
    }  # a flow reads what it wrote: once is enough
    assert [group.key for group in folded.groups if group.key.startswith("flow:")] == ["flow:p0"]


def test_a_run_without_a_flow_is_folded_by_its_job(zoo: Graph) -> None:
    assert path_of(replace(zoo.runs[0], flow=None))[0] == "flow:zoo.split"
    assert isinstance(zoo.nodes[0], Run)
    assert isinstance(zoo.versions[0], Version)
    assert path_of(zoo.versions[0]) == (f"artifact:{zoo.versions[0].artifact}", zoo.versions[0].id)


def test_beyond_the_bound_one_is_asked_to_take_a_part(zoo: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST_NODES", 9)
    with pytest.raises(
        MapError, match=r"would have 27 nodes, but a page holds at most 9: .*--depth N.*--since"
    ):
        lineage_map(replace(zoo, truncated=17))
    monkeypatch.setattr(maps, "MOST_NODES", 10)
    assert lineage_map(zoo).nodes == 10


def test_a_level_or_group_that_is_none_is_refused(zoo: Graph) -> None:
    with pytest.raises(LineageError, match="no level 'flows'; it is one of run, flow, artifact"):
        lineage_map(zoo, level="flows")
    with pytest.raises(MapError, match="cannot be grouped by 'job'"):
        lineage_map(zoo, group="job")


def test_artifacts_whose_names_differ_in_dates_only_are_one_card_of_an_overview(zoo: Graph) -> None:
    model = zoo.versions[1]
    days = [
        replace(model, id=f"day-{day}", artifact=f"a-{day}", name=f"data/sales_2026-11-{day}.csv")
        for day in (21, 22, 23)
    ]
    alone = replace(model, id="alone", artifact="a-alone", name="data/costs_2026-11-21.csv")
    shown = view(Graph((*zoo.nodes, *days, alone), zoo.edges), series=Series(DATES).of)
    assert {card.series for card in shown.cards if "sales" in card.title} == {"data/sales_{date}.csv"}
    assert {card.series for card in shown.cards if "costs" in card.title} == {""}
    groups = {group.key: len(group.members) for group in overview(shown).groups}
    assert groups["series:data/sales_{date}.csv"] == 3
    assert groups["alone"] == 1


def test_on_the_level_of_flows_values_and_what_stays_inside_are_left_out(zoo: Graph) -> None:
    level = flow_level(view(zoo))
    flow_runs = {f"flow-run:{run.flow_run or run.id}" for run in zoo.runs}
    assert {key for key in level.keys if key.startswith("flow-run:")} == flow_runs
    assert "version-split" in level.keys
    assert "version-scores" not in level.keys  # a value: what it led to is linked all the same
    ends = {(level.keys[tail], level.keys[head]) for tail, head in level.links}
    runs = {run.name: f"flow-run:{run.flow_run or run.id}" for run in zoo.runs}
    assert (runs["northern-lake-21"], runs["icy-lake-3"]) in ends


def test_frames_are_placed_where_they_are_asked_for(zoo: Graph) -> None:
    shown = view(zoo)
    assert "frames" not in stages(shown).levels
    framed = stages(shown, "flow").levels["frames"]
    assert framed.keys == tuple(node.id for node in zoo.nodes)
    found = lanes(shown)
    for place, run in enumerate(zoo.nodes):
        if isinstance(run, Run):
            flow_run = run.flow_run or run.id
            same = {found[other] for other, node in enumerate(zoo.nodes)
                    if isinstance(node, Run) and (node.flow_run or node.id) == flow_run}  # fmt: skip
            assert same == {found[place]}
    ends = {
        lane: [framed.placement.y[place] for place in range(len(found)) if found[place] == lane]
        for lane in found
    }
    assert all(max(ends[lane]) < min(ends[lane + 1]) for lane in range(max(found)))


def test_on_the_level_of_artifacts_inputs_lead_to_outputs(pipelines: Pipelines) -> None:
    graph = pipelines(200)
    level = artifact_level(view(graph))
    assert set(level.keys) == {f"artifact:{version.artifact}" for version in graph.versions}
    names = [key.removeprefix("artifact:a-") for key in level.keys]
    ends = {(names[tail], names[head]) for tail, head in level.links}
    assert ("p0/train", "p0/model") in ends
    assert ("p0/model", "p0/train") not in ends
