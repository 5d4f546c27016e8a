"""Everybody can read it: axe-core finds nothing, in both themes and in every part of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from prefect_lineage.export.map import lineage_map
from prefect_lineage.model.entities import Edge, Graph

AXE = resources.files("axe_playwright_python") / "axe.min.js"
FOUND = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')}`)"""

STATES: dict[str, str] = {
    "fresh": "1",
    "an artifact's panel": "lineage.select('version-split')",
    "a run's panel": "lineage.select('00000020-5f0a-4a2c-9c8e-2d0f2f6f8a01')",
    "the table": "lineage.change({ selected: null, panel: false, table: true })",
    "the menu": "lineage.change({ table: false }), document.getElementById('save').click()",
    "the keys": "document.getElementById('keys').showModal()",
    "a search": "document.getElementById('keys').close(), search('zoo')",
    "flows": "search(''), lineage.change({ level: 'flow' })",
    "the past": "lineage.change({ level: 'run', until: 1795426500000000, since: 1795426400000000 })",
}
SEARCH = """window.search = (words) => {
    const field = document.getElementById('find');
    field.focus(); field.value = words; field.dispatchEvent(new Event('input'));
}"""


@pytest.fixture(scope="module")
def zoo_page(zoo: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lineage_map(zoo, ui_url="http://127.0.0.1:4200").save(tmp_path_factory.mktemp("map") / "zoo.html")


@pytest.fixture
def themed(browser: Browser, zoo_page: Path) -> Iterator[Callable[..., Page]]:
    """Opens the zoo in a theme; the page's policy is lifted, for axe-core is no script of the page."""
    contexts = []

    def opened(theme: str, **more: Any) -> Page:
        given = {
            "viewport": {"width": 1440, "height": 860},
            "color_scheme": theme,
            "reduced_motion": "reduce",
        }
        contexts.append(browser.new_context(bypass_csp=True, **given | more))
        page = contexts[-1].new_page()
        page.goto(zoo_page.as_uri())
        page.wait_for_function("window.lineage && window.lineage.ready === true")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state_of_the_page(themed: Callable[..., Page], theme: str) -> None:
    page = themed(theme)
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    page.evaluate(SEARCH)
    found = {}
    for name, script in STATES.items():
        page.evaluate(script)
        found[name] = page.evaluate(FOUND)
    assert {name: violations for name, violations in found.items() if violations} == {}


def test_axe_finds_nothing_on_a_phone(themed: Callable[..., Page]) -> None:
    page = themed("light", viewport={"width": 390, "height": 780})
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    page.evaluate("lineage.select('version-split')")
    assert page.evaluate(FOUND) == []
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    for selector in ("#find", "#graph-view", "#save", "#theme", "#panel"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


# Contrast on the canvas, which axe-core cannot see: WCAG 2.2, 1.4.3 for text and 1.4.11 for what is no text.
RATIOS = """() => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => {
        const digits = style.getPropertyValue(`--${name}`).trim().slice(1);
        return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) / 255);
    };
    const light = (name) => {
        const [r, g, b] = colour(name).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return (pairs) => pairs.map(([one, other]) => {
        const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
        return [one, other, (a + 0.05) / (b + 0.05)];
    });
}"""
TEXT = [
    ("text", "run-card"), ("text", "art-card"), ("muted", "run-card"), ("muted", "art-card"), ("muted", "back"),
    ("run", "run-soft"), ("art", "art-soft"), ("bad", "bad-soft"), ("warn", "warn-soft"), ("bad", "card"),
]  # fmt: skip
SIGNS = [
    ("run-line", "back"), ("art-line", "back"), ("bad", "back"), ("edge", "back"), ("up", "back"), ("down", "back"),
    ("accent", "back"), ("good", "run-soft"), ("busy", "run-soft"), ("again", "run-soft"), ("reused", "run-soft"),
    ("still", "run-soft"),
]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_painted_keeps_its_contrast(themed: Callable[..., Page], theme: str) -> None:
    page = themed(theme)
    pairs = [*TEXT, *SIGNS]
    ratios = page.evaluate(f"(pairs) => ({RATIOS})()(pairs)", pairs)
    weak = [
        entry
        for entry, pair in zip(ratios, [*TEXT, *SIGNS], strict=True)
        if entry[2] < (4.5 if pair in TEXT else 3)
    ]
    assert weak == []


def test_the_focus_is_always_to_be_seen(themed: Callable[..., Page]) -> None:
    page = themed("light")
    for _ in range(24):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const style = getComputedStyle(document.activeElement);
                const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                return [ring || style.boxShadow !== 'none', document.activeElement.outerHTML.slice(0, 120)];
            }"""
        )
        assert seen[0], seen[1]


def test_the_walk_is_told_to_a_screen_reader(themed: Callable[..., Page]) -> None:
    page = themed("light")
    page.locator("#net").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said = page.locator("#live")
    assert said.inner_text() == "Artifact split_zoo_dataset:v4, DATASET, 3 in, 1 out"
    assert said.get_attribute("aria-live") == "polite"


def test_the_table_is_in_the_accessible_tree_with_every_row(themed: Callable[..., Page], zoo: Graph) -> None:
    page = themed("light")
    page.get_by_role("button", name="Table").click()
    rows = page.get_by_role("table").get_by_role("row")
    assert rows.count() == len(zoo.nodes) + 1
    assert page.get_by_role("rowheader", name="rural-feather-20").count() == 1


def test_a_print_is_one_page_with_the_whole_map(themed: Callable[..., Page]) -> None:
    page = themed("dark")
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 1
    assert page.locator("#paper").count() == 0
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_map_that_is_higher_than_wide_is_one_page_too(
    browser: Browser, zoo: Graph, tmp_path: Path, paper: str
) -> None:
    split = next(node for node in zoo.versions if node.type == "dataset")
    runs = [replace(zoo.runs[0], id=f"{number}", name=f"reader-{number}") for number in range(60)]
    edges = [Edge(run.id, split.id, "input", "observed", "open", 1, 1, 0) for run in runs]
    saved = lineage_map(Graph((split, *runs), tuple(edges))).save(tmp_path / "high.html")
    page = browser.new_page()
    page.goto(saved.as_uri())
    page.wait_for_function("window.lineage && window.lineage.ready === true")
    page.evaluate("lineage.change({ fold: false })")
    assert page.evaluate("lineage.view().cards") == 61
    pdf = page.pdf(format=paper, landscape=True)
    page.close()
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 1


def test_reduced_motion_moves_nothing(themed: Callable[..., Page]) -> None:
    page = themed("light")
    page.evaluate("lineage.select('version-split')")
    first = page.evaluate("lineage.positions()")
    page.wait_for_timeout(120)
    assert page.evaluate("lineage.positions()") == first
