"""Levels, overviews, time, paths: what a person does with a large or a long history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from prefect_lineage.model.entities import Graph

Opener = Callable[..., Any]
Pipelines = Callable[[int], Graph]


@pytest.fixture(scope="session")
def flows(pipelines: Pipelines) -> Graph:
    """Four flow runs of two flows."""
    return pipelines(120)


def test_the_level_is_switched_in_the_page_and_kept_in_the_address(visit: Opener, flows: Graph) -> None:
    seen = visit(flows)
    seen.page.get_by_role("button", name="Flows", exact=True).click()
    runs = {run.flow_run for run in flows.runs}
    keys = set(seen.ask("lineage.positions()"))
    assert {key for key in keys if key.startswith("flow-run:")} == {f"flow-run:{run}" for run in runs}
    assert "level=flow" in seen.page.url
    assert seen.page.inner_text("#live") == f"Level of flows, {len(keys)} cards"
    assert "inside flow runs" in seen.page.inner_text("#status")
    seen.page.get_by_role("button", name="Artifacts", exact=True).click()
    artifacts = {version.artifact for version in flows.versions}
    assert set(seen.ask("lineage.positions()")) == {f"artifact:{key}" for key in artifacts}
    seen.page.reload()
    seen.page.wait_for_function("window.lineage && window.lineage.ready === true")
    assert seen.ask("lineage.view().level") == "artifact"


@pytest.mark.parametrize("level", ["flow", "artifact"])
def test_the_other_levels_lie_where_python_placed_them(
    visit: Opener, flows: Graph, zoo: Graph, level: str
) -> None:
    # what a map was made of is a card on the level of flows, too: a version inside a flow run, a value
    inner = replace(flows, root=next(one.id for one in flows.versions if one.name == "p0/clean"))
    value = replace(zoo, root="version-scores")
    for graph in (flows, zoo, inner, value):
        seen = visit(graph)
        placed = seen.ask("JSON.parse(document.getElementById('lineage-levels').textContent)")[level]
        seen.page.evaluate("level => lineage.change({ level })", level)
        places = seen.ask("lineage.places()")
        assert level == "artifact" or graph.root is None or graph.root in places
        assert {key: (place["x"], place["y"]) for key, place in places.items()} == {
            key: (x, y) for key, x, y in zip(placed["keys"], placed["x"], placed["y"], strict=True)
        }


def test_frames_that_were_asked_for_lie_where_python_placed_them(visit: Opener, flows: Graph) -> None:
    seen = visit(flows, group="flow")
    seen.page.evaluate("lineage.change({ fold: false })")
    placed = seen.ask("JSON.parse(document.getElementById('lineage-levels').textContent)")["frames"]
    places = seen.ask("lineage.places()")
    assert {key: (place["x"], place["y"]) for key, place in places.items()} == {
        key: (x, y) for key, x, y in zip(placed["keys"], placed["x"], placed["y"], strict=True)
    }


def test_the_page_opens_on_the_level_that_was_asked_for(visit: Opener, flows: Graph) -> None:
    assert visit(flows, level="artifact").ask("lineage.view().level") == "artifact"
    seen = visit(flows, group="flow")
    assert seen.ask("lineage.view().lanes") == len({run.flow_run for run in flows.runs})
    assert seen.page.get_by_label("Frame flow runs").is_checked()


def test_a_flow_runs_card_shows_what_went_in_and_out_and_its_runs(visit: Opener, flows: Graph) -> None:
    seen = visit(flows, level="flow")
    key = next(key for key in seen.ask("lineage.positions()") if key.startswith("flow-run:"))
    seen.page.evaluate("key => lineage.select(key)", key)
    assert "FROM · 2" in seen.panel
    assert "pretrained-backbone:v0" in seen.panel
    assert "MEMBERS ·" in seen.panel
    seen.page.get_by_label("Find in this group").fill("split")
    assert "MEMBERS · 1 OF" in seen.panel
    seen.page.locator("#panel .neighbours").last.get_by_role("button").click()
    assert seen.ask("lineage.view().level") == "run"


def test_a_flow_run_without_edges_names_its_card_and_is_reached_from_its_runs(
    visit: Opener, flows: Graph
) -> None:
    task = flows.runs[0]
    assert task.flow_run is not None
    facts = {
        "name": "amber-otter",
        "job": task.flow,
        "state": "Failed",
        "details": {"parameters": {"day": "monday"}},
    }
    around = replace(task, id=task.flow_run, kind="flow", parent=None, **facts)
    seen = visit(flows, around=(around,))
    assert len(seen.ask("lineage.data.graph.nodes")) == len(flows)
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("amber-otter")
    assert "flow run: amber-otter" in seen.page.inner_text("#hits")
    seen.page.keyboard.press("Enter")
    assert seen.ask("lineage.selected()") == task.id
    seen.page.locator("#panel dl").get_by_role("button", name="amber-otter").click()
    assert (seen.ask("lineage.view().level"), seen.ask("lineage.selected()")) == (
        "flow",
        f"flow-run:{around.id}",
    )
    assert seen.page.locator("#panel .badge.state").inner_text() == "Failed"
    for words in ("amber-otter", "monday", around.id, "MEMBERS ·"):
        assert words in seen.panel
    assert seen.ask("lineage.titles()").count("amber-otter") == 1


def test_a_large_map_opens_on_an_overview_and_unfolds_card_by_card(
    visit: Opener, pipelines: Pipelines
) -> None:
    graph = pipelines(1250)
    seen = visit(graph)
    assert seen.ask("lineage.view().grain") == "job"
    cards = seen.ask("lineage.view().cards")
    assert cards == len({run.job for run in graph.runs}) + len({one.artifact for one in graph.versions})
    assert f"{cards} cards: jobs and artifacts" in seen.page.inner_text("#status")
    assert len(seen.ask("lineage.visible()")) == len(graph)
    seen.page.evaluate("lineage.select('job:p0.ingest')")
    ingests = [run for run in graph.runs if run.job == "p0.ingest"]
    assert f"{len(ingests)} runs" in seen.panel
    seen.page.get_by_role("button", name="Unfold on the map").click()
    assert seen.ask("lineage.view().cards") == cards - 1 + len(ingests)
    seen.page.get_by_role("radio", name="Runs and versions").check()
    assert seen.ask("lineage.view().cards") > 300
    seen.page.get_by_label("Flows and artifacts").check()
    assert seen.ask("lineage.view().cards") < cards


def test_a_search_takes_one_run_out_of_its_fold(visit: Opener, pipelines: Pipelines) -> None:
    graph = pipelines(1250)
    wanted = next(run for run in graph.runs if run.job == "p0.train")
    seen = visit(graph)
    cards = seen.ask("lineage.view().cards")
    seen.page.keyboard.press("/")
    seen.page.keyboard.type(wanted.id)
    seen.page.keyboard.press("Enter")
    assert seen.ask("lineage.selected()") == wanted.id
    assert seen.ask("lineage.view().cards") == cards + 1
    seen.page.locator("#bar").get_by_label("Depth").select_option("2")
    seen.page.locator("#bar").get_by_role("button", name="Only its lineage").click()
    shown = seen.ask("lineage.positions()")
    assert wanted.id in shown
    assert not [key for key in shown if key.startswith("job:")]


def test_the_time_slider_shows_the_map_as_it_was_and_what_is_new(visit: Opener, flows: Graph) -> None:
    seen = visit(flows)
    before = seen.ask("lineage.places()")
    slider = seen.page.get_by_label("As of")
    slider.focus()
    for _ in range(3):
        seen.page.keyboard.press("ArrowLeft")
    left = seen.ask("lineage.places()")
    assert 0 < len(left) < len(before)
    assert all(before[key] == place for key, place in left.items())
    assert "hidden by the time" in seen.page.inner_text("#status")
    assert "until=" in seen.page.url
    seen.page.get_by_role("button", name="Now").click()
    assert len(seen.ask("lineage.places()")) == len(before)
    since = seen.page.get_by_label("New since")
    since.focus()
    seen.page.keyboard.press("End")
    seen.page.keyboard.press("ArrowLeft")
    faded = seen.ask("lineage.faded()")
    assert len(before) - 10 < len(faded) < len(before)
    assert " new" in seen.page.locator("#time output").last.inner_text()


def test_the_path_between_two_nodes_is_lit(visit: Opener, zoo: Graph) -> None:
    first, last = zoo.nodes[0].id, "version-model"
    seen = visit(zoo)
    seen.click(first)
    seen.page.keyboard.press("p")
    assert "Select the other end" in seen.page.inner_text("#bar")
    seen.click(last)
    assert "3 steps between amber-otter-7 and zoo-ylbchv20:v0" in seen.page.inner_text("#bar")
    assert zoo.nodes[1].id in seen.ask("lineage.faded()")
    assert zoo.nodes[4].id not in seen.ask("lineage.faded()")
    seen.page.keyboard.press("p")
    assert zoo.nodes[4].id not in seen.ask("lineage.faded()")
    at = seen.ask("lineage.positions()")[zoo.nodes[1].id]
    seen.page.keyboard.down("Shift")
    seen.page.mouse.click(at["x"], at["y"])
    seen.page.keyboard.up("Shift")
    assert "2 steps" in seen.page.inner_text("#bar") or "3 steps" in seen.page.inner_text("#bar")


def test_a_stale_version_says_what_it_was_made_from(visit: Opener, zoo: Graph) -> None:
    split = next(one for one in zoo.versions if one.id == "version-split")
    newer = replace(split, id="version-newer", number=5)
    nodes = (*(replace(split, aliases=()) if node.id == split.id else node for node in zoo.nodes), newer)
    seen = visit(replace(zoo, nodes=nodes), "#node=version-model")
    assert "Stale: made from split_zoo_dataset:v4, of which there is a newer version." in seen.panel
    seen.page.get_by_role("button", name="Show what it was made from").click()
    assert seen.ask("lineage.selected()") == split.id


def test_times_are_local_and_utc_on_hover(browser: Any, zoo: Graph, tmp_path: Any) -> None:
    from prefect_lineage.export.map import lineage_map

    context = browser.new_context(timezone_id="Asia/Kolkata")
    page = context.new_page()
    page.goto(lineage_map(zoo).save(tmp_path / "map.html").as_uri() + "#node=version-split")
    time = page.locator("#panel time").first
    assert time.inner_text() == "2026-11-23 15:03:04"
    assert time.get_attribute("title") == "2026-11-23 09:33:04 UTC"
    context.close()


def test_only_one_of_a_kind_by_one_click(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.page.get_by_role("button", name="Only Failed").click(force=True)
    runs = [run for run in zoo.runs if run.id in seen.ask("lineage.visible()")]
    assert [run.state for run in runs] == ["Failed"]
    seen.page.get_by_role("button", name="Only Failed").click(force=True)
    assert len(seen.ask("lineage.visible()")) == len(zoo.nodes)
