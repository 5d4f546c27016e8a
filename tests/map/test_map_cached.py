"""What the map tells of cached runs, and of versions that a later attempt replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from prefect_lineage.export.map import lineage_map
from prefect_lineage.export.view import view
from prefect_lineage.model.entities import Edge, Graph, Run, Version

Shown = Callable[[Graph, str], Page]


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Shown]:
    """Opens the map of a graph at one of its nodes."""
    pages: list[Page] = []

    def opened(graph: Graph, node: str) -> Page:
        saved = lineage_map(graph).save(tmp_path / "map.html")
        pages.append(browser.new_page())
        pages[-1].goto(f"{saved.as_uri()}#node={node}")
        pages[-1].wait_for_selector("#panel dl")
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def _with_run(zoo: Graph, place: int, **changes: object) -> tuple[Graph, Run]:
    run = replace(zoo.runs[place], **changes)
    return replace(zoo, nodes=tuple(run if node.id == run.id else node for node in zoo.nodes)), run


def _fact(page: Page, label: str) -> str:
    return page.locator("#panel dt", has_text=label).first.locator("+ dd").inner_text()


def test_a_cached_run_says_so_on_its_card(zoo: Graph) -> None:
    cards = {card.title: card for card in view(zoo).cards}
    assert (cards["silent-maple-12"].mark, cards["silent-maple-12"].badges) == ("cached", ("cached",))
    assert not [card for card in cards.values() if card.mark != "cached" and "cached" in card.badges]


def test_the_panel_leads_from_a_cached_run_to_the_run_that_computed(zoo: Graph, shown: Shown) -> None:
    origin = zoo.runs[0]
    graph, cached = _with_run(zoo, 1, cached_from=origin.id)
    page = shown(graph, cached.id)
    assert _fact(page, "State") == "Cached"
    assert _fact(page, "Cached from") == origin.name
    page.locator("#panel").get_by_role("button", name=origin.name, exact=True).click()
    page.wait_for_function("id => lineage.selected() === id", arg=origin.id)


def test_the_panel_names_the_id_of_a_run_that_is_not_on_the_map(zoo: Graph, shown: Shown) -> None:
    hostile = "</script><img onerror=alert(1)>"
    graph, cached = _with_run(zoo, 1, cached_from=hostile)
    assert hostile in _fact(shown(graph, cached.id), "Cached from")


def test_the_panel_leads_from_a_partial_version_to_what_replaced_it(zoo: Graph, shown: Shown) -> None:
    (report,) = [version for version in zoo.versions if version.partial]
    second: Version = replace(report, id="version-second", number=1, partial=False)
    first = replace(report, replaced_by=second.id)
    nodes = (*(first if node.id == report.id else node for node in zoo.nodes), second)
    wrote = Edge(zoo.runs[4].id, second.id, "output", "observed", "json.dump", 1, 2, 5)
    page = shown(Graph(nodes, (*zoo.edges, wrote)), first.id)
    assert _fact(page, "Replaced by") == "zoo-report:v1"
    assert _fact(page, "Complete").startswith("no")
