"""The page in a real browser: opened from a file, cut off from everything, looked at and used."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from prefect_lineage.export.map import lineage_map
from prefect_lineage.model.entities import Edge, Graph, Run, Version

SIZE = {"width": 1440, "height": 860}
TRAIN = "00000020-5f0a-4a2c-9c8e-2d0f2f6f8a01"
READ_THRICE = "pandas.read_parquet · \N{MULTIPLICATION SIGN}3 · observed"
EVALUATE = "00000021-5f0a-4a2c-9c8e-2d0f2f6f8a01"


Opener = Callable[..., Any]


def test_the_zoo_opens_from_a_file_with_every_card_on_the_stage(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo, source="sqlite:///lineage.db", generated_at=0)
    positions = seen.ask("lineage.positions()")
    assert set(positions) == {node.id for node in zoo.nodes}
    stage = seen.page.locator("#stage").bounding_box()
    assert stage is not None
    for at in positions.values():
        assert stage["x"] < at["x"] < stage["x"] + stage["width"]
        assert stage["y"] < at["y"] < stage["y"] + stage["height"]
    assert "Made 1970-01-01 00:00:00 of sqlite:///lineage.db" in seen.page.inner_text("#status")
    assert "1970-01-01 00:00:00 UTC" in str(seen.page.locator("#status .made").get_attribute("title"))


@contextmanager
def served_in_two(first: str, second: str, go_on: threading.Event) -> Iterator[str]:
    """A server that sends the second part of a page when it is told to; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(first.encode())
            self.wfile.flush()
            go_on.wait(60)
            self.wfile.write(second.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base calls it so
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        go_on.set()
        server.shutdown()
        server.server_close()


def test_the_map_answers_while_the_facts_are_still_on_their_way(browser: Browser, zoo: Graph) -> None:
    first, mark, rest = lineage_map(zoo).html.partition('<script type="application/json" id="lineage-edges">')
    go_on = threading.Event()
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
    with served_in_two(first, mark + rest, go_on) as address:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => Boolean(window.lineage && window.lineage.ready)")
        page.evaluate("lineage.select('version-model')")
        at = page.evaluate("lineage.positions()['version-split']")
        page.mouse.move(at["x"], at["y"])
        assert page.evaluate("document.readyState") == "loading"
        assert page.evaluate("lineage.selected()") == "version-model"
        assert page.locator("#panel").is_hidden()
        go_on.set()
        page.wait_for_load_state("load")
        assert "zoo-ylbchv20:v0" in page.inner_text("#panel")
        page.keyboard.press("/")
        page.keyboard.type("bill_length")
        assert "split_zoo_dataset:v4" in page.inner_text("#hits")
        assert complaints == []
    context.close()


def test_data_flows_from_left_to_right(visit: Opener, zoo: Graph) -> None:
    positions = visit(zoo).ask("lineage.positions()")
    for edge in zoo.edges:
        assert positions[edge.tail]["x"] < positions[edge.head]["x"]


def test_cards_are_painted_where_the_page_says(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    colours = seen.ask(
        """() => {
            const canvas = document.querySelector('#net canvas'), frame = canvas.getBoundingClientRect();
            const ratio = canvas.width / frame.width;
            const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return Object.values(lineage.positions()).map((at) => {
                const [x, y] = [Math.round((at.x - frame.left) * ratio), Math.round((at.y - frame.top) * ratio)];
                const start = (i, row) => 4 * ((y + row) * canvas.width + x + i);
                const colour = (i, row) => all.slice(start(i, row), start(i, row) + 3).join();
                const rows = [-8, -4, 0, 4, 8];  // a line of text is among them at any zoom
                return new Set(rows.flatMap((row) => Array.from({length: 120}, (_, i) => colour(i - 60, row)))).size;
            });
        }"""
    )
    assert all(number > 3 for number in colours)


def test_the_data_in_the_page_is_the_graphs(visit: Opener, zoo: Graph) -> None:
    assert visit(zoo).ask("lineage.data.graph") == json.loads(json.dumps(zoo.to_dict()))


def test_clicking_a_run_shows_everything_about_it(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo, ui_url="http://127.0.0.1:4200")
    seen.click(TRAIN)
    for words in (
        TRAIN,
        "rural-feather-20",
        "Completed",
        "zoo.train",
        "42.1 s",
        "2 attempts",
        "lab7",
        "80/10/10",
    ):
        assert words in seen.panel
    assert READ_THRICE in seen.panel
    link = seen.page.get_by_role("link", name="http://127.0.0.1:4200")
    assert link.get_attribute("href") == f"http://127.0.0.1:4200/runs/task-run/{TRAIN}"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_clicking_an_artifact_shows_everything_about_it(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.click("version-split")
    for words in (
        "split_zoo_dataset:v4",
        "dataset",
        "latest",
        "2026-11-23",
        "612 MB",
        "10,000",
        "bill_length_mm",
    ):
        assert words in seen.panel
    for words in (
        "Penguins, split with a fixed seed.",
        "blake3:7d1a54e0",
        "all bytes",
        "file:///home/ada/zoo",
        "8000",
    ):
        assert words in seen.panel
    assert "LOGGED BY · 3" in seen.panel
    assert "USED BY · 1" in seen.panel


def test_neighbours_in_the_panel_lead_on(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.click("version-split")
    seen.page.locator("#panel").get_by_role("button", name="rural-feather-20").click()
    assert seen.ask("lineage.selected()") == TRAIN


def test_selecting_lights_both_sides_and_fades_the_rest(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.click("version-model")
    assert seen.ask("lineage.faded()") == []
    seen.page.get_by_role("button", name="← Upstream").click()
    assert set(seen.ask("lineage.faded()")) == {
        EVALUATE,
        "version-scores",
        "version-report",
        zoo.nodes[-1].id,
    }
    seen.page.get_by_role("button", name="Downstream →").click()
    assert TRAIN in seen.ask("lineage.faded()")
    seen.page.get_by_label("Depth").select_option("1")
    assert "version-report" in seen.ask("lineage.faded()")


def test_hovering_lights_the_lineage_and_leaving_ends_it(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    at = seen.ask("lineage.positions()")[zoo.nodes[0].id]
    seen.page.mouse.move(at["x"], at["y"])
    assert zoo.nodes[1].id in seen.ask("lineage.faded()")
    assert "zoo.split" in seen.page.inner_text("#tip")
    seen.page.mouse.move(400, 700)
    assert seen.ask("lineage.faded()") == []


def test_hovering_a_link_says_what_it_did(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    places, positions = seen.ask("lineage.places()"), seen.ask("lineage.positions()")
    tail, head = "version-split", TRAIN
    zoom = (positions[head]["x"] - positions[tail]["x"]) / (places[head]["x"] - places[tail]["x"])
    right = positions[tail]["x"] + places[tail]["width"] / 2 * zoom
    left = positions[head]["x"] - places[head]["width"] / 2 * zoom
    seen.page.mouse.move((left + right) / 2, (positions[tail]["y"] + positions[head]["y"]) / 2)
    assert READ_THRICE in seen.page.inner_text("#tip")


def test_only_its_lineage_leaves_nothing_else(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.click(zoo.nodes[0].id)
    seen.page.locator("#bar").get_by_role("button", name="Only its lineage").click()
    assert set(seen.ask("lineage.visible()")) == {node.id for node in zoo.nodes} - {
        zoo.nodes[1].id,
        zoo.nodes[2].id,
    }
    seen.page.keyboard.press("Escape")
    assert len(seen.ask("lineage.visible()")) == len(zoo.nodes)


@pytest.mark.parametrize(
    ("words", "node"),
    [
        ("ylbch", "version-model"),
        ("bill_length", "version-split"),
        ("zoo.train", TRAIN),
        ("failed", EVALUATE),
    ],
)
def test_the_search_finds_by_name_column_job_and_state(
    visit: Opener, zoo: Graph, words: str, node: str
) -> None:
    seen = visit(zoo)
    seen.page.keyboard.press("/")
    seen.page.keyboard.type(words)
    assert seen.page.locator("#hits li").count() >= 1
    seen.page.keyboard.press("Enter")
    assert seen.ask("lineage.selected()") == node
    assert seen.page.locator("#panel").is_visible()


def test_a_deep_link_opens_its_node(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo, "#node=version-model&dir=up")
    assert seen.ask("lineage.selected()") == "version-model"
    assert "zoo-ylbchv20:v0" in seen.panel
    assert EVALUATE in seen.ask("lineage.faded()")


def test_a_deep_link_to_nothing_says_so(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo, "#node=gone")
    assert seen.ask("lineage.selected()") is None
    assert "The node gone is not on this page" in seen.page.inner_text("#status")


def test_filters_hide_and_say_how_much_and_a_search_brings_back(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.page.get_by_label("model", exact=False).first.uncheck()
    assert "version-model" not in seen.ask("lineage.visible()")
    assert "1 hidden by filters" in seen.page.inner_text("#status")
    seen.ask("lineage.select('version-model')")
    assert "version-model" in seen.ask("lineage.visible()")


def test_values_and_inferred_links_can_be_switched_off(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.page.get_by_label("Values").uncheck()
    assert "version-scores" not in seen.ask("lineage.visible()")
    seen.page.get_by_label("Inferred links").uncheck()
    seen.ask(f"lineage.select('{EVALUATE}')")
    assert zoo.nodes[-1].id in seen.ask("lineage.faded()")


def test_the_theme_follows_the_system_and_can_be_switched(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = seen.ask(ground)
    seen.page.locator("#theme").click()
    assert seen.ask("document.documentElement.dataset.theme") == "dark"
    assert seen.ask(ground) != light
    seen.page.reload()
    assert seen.ask("document.documentElement.dataset.theme") == "dark"


def test_the_table_has_the_same_rows_as_the_map(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    seen.page.get_by_role("button", name="Table").click()
    names = seen.page.locator("#table tbody th").all_inner_texts()
    assert sorted(names) == sorted(seen.ask("lineage.titles()"))
    assert (
        names.index("split_zoo_dataset:v4") < names.index("rural-feather-20") < names.index("zoo-ylbchv20:v0")
    )
    seen.page.locator("#table").get_by_role("button", name="northern-lake-21").first.click()
    assert seen.ask("lineage.selected()") == EVALUATE


def test_the_keyboard_walks_opens_closes_and_helps(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    press = seen.page.keyboard.press
    press("ArrowRight")
    assert seen.ask("lineage.selected()") in {node.id for node in zoo.nodes[:3]}
    assert not seen.page.locator("#panel").is_visible()
    press("ArrowRight")
    assert seen.ask("lineage.selected()") == "version-split"
    press("ArrowLeft")
    press("ArrowDown")
    press("ArrowRight")
    press("Enter")
    assert "split_zoo_dataset:v4" in seen.panel
    press("Escape")
    assert seen.ask("lineage.selected()") is None
    press("?")
    assert seen.page.locator("#keys").is_visible()
    press("Escape")
    press("f")


@pytest.mark.parametrize("ending", ["png", "svg", "csv", "edges", "json"])
def test_what_is_shown_can_be_taken_out(visit: Opener, zoo: Graph, ending: str, tmp_path: Path) -> None:
    seen = visit(zoo, title="Zoo: 100 %")
    seen.page.get_by_role("button", name="Export").click()
    with seen.page.expect_download() as waiting:
        seen.page.locator(f"[data-as={ending}]").click()
    waiting.value.save_as(tmp_path / "out")
    content = (tmp_path / "out").read_bytes()
    name = {"csv": "Zoo-100-nodes.csv", "edges": "Zoo-100-edges.csv"}.get(ending, f"Zoo-100.{ending}")
    assert waiting.value.suggested_filename == name
    starts = {
        "png": b"\x89PNG",
        "svg": b"<svg",
        "csv": b"\xef\xbb\xbfkind,id,name",
        "edges": b"\xef\xbb\xbfrun,version,direction",
        "json": b"{",
    }
    assert content.startswith(starts[ending])
    if ending == "json":
        assert json.loads(content) == json.loads(json.dumps(zoo.to_dict()))
    if ending == "edges":
        assert content.decode().count("\r\n") == 1 + len(zoo.edges)
    if ending == "png":
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        places = seen.ask("lineage.places()").values()
        extent = max(place["x"] for place in places) - min(place["x"] for place in places)
        assert width > 2 * extent > 2 * height
    if ending in ("svg", "csv"):
        assert content.decode().count("rural-feather-20") >= 1


def test_a_link_back_is_drawn_and_harmless(visit: Opener, zoo: Graph) -> None:
    """A run that reads a version and writes the same bytes again."""
    train, split = zoo.nodes[4], zoo.nodes[3]
    loop = Edge(train.id, split.id, "output", "observed", "open", 1, 1, 0, unchanged=True)
    seen = visit(replace(zoo, edges=(*zoo.edges, loop)))
    positions = seen.ask("lineage.positions()")
    assert positions[split.id]["x"] < positions[train.id]["x"]
    seen.click(train.id)
    assert "unchanged" in seen.panel


def test_an_empty_map_says_so_kindly(visit: Opener) -> None:
    seen = visit(Graph((), ()))
    assert seen.page.get_by_text("Nothing here yet").is_visible()
    seen.page.get_by_role("button", name="Table").click()
    for key in ("ArrowRight", "ArrowDown", "Enter", "f", "Escape"):
        seen.page.keyboard.press(key)


def test_what_a_bound_left_out_is_said(visit: Opener, zoo: Graph) -> None:
    assert "17 nodes left out by a bound" in visit(replace(zoo, truncated=17)).page.inner_text("#status")


def test_many_look_alikes_open_folded_and_unfold(visit: Opener, zoo: Graph) -> None:
    model = zoo.versions[0]
    runs = [replace(zoo.runs[0], id=f"run-{number:03d}", name=f"sweep-{number}") for number in range(320)]
    edges = [Edge(run.id, model.id, "input", "observed", "open", 1, 1, 0) for run in runs]
    seen = visit(Graph.of([model, *runs], edges))
    assert len(seen.ask("lineage.positions()")) == 2
    assert len(seen.ask("lineage.visible()")) == 321
    seen.ask("lineage.select('run-077')")
    assert "sweep-77" in seen.panel
    assert "run-077" in seen.ask("lineage.positions()")
    seen.page.keyboard.press("Escape")
    seen.page.get_by_label("Fold look-alikes").uncheck()
    assert len(seen.ask("lineage.positions()")) == 321


def fan(zoo: Graph, outputs: int) -> Graph:
    """One run that wrote so many files."""
    run, first = zoo.runs[0], zoo.versions[0]
    files = [
        replace(first, id=f"part-{n:03d}", artifact=f"part-{n:03d}", name=f"part-{n:03d}.csv", aliases=())
        for n in range(outputs)
    ]
    edges = [Edge(run.id, file.id, "output", "observed", "open", 1, 1, 0) for file in files]
    return Graph.of([run, *files], edges)


def test_a_run_with_forty_one_outputs_opens_folded(visit: Opener, zoo: Graph) -> None:
    seen = visit(fan(zoo, 41))
    assert len(seen.ask("lineage.positions()")) == 2
    assert len(seen.ask("lineage.visible()")) == 42
    assert seen.page.get_by_label("Fold look-alikes").is_checked()
    seen.ask("lineage.select('fold:part-000')")
    assert "part-0….csv" in seen.panel
    assert "41 versions" in seen.panel


def test_folding_that_can_do_nothing_says_why(visit: Opener, zoo: Graph) -> None:
    box = visit(zoo).page.get_by_label("Fold look-alikes")
    assert box.is_disabled()
    assert "Nothing to fold" in str(box.locator("..").get_attribute("title"))
    box = visit(fan(zoo, 20)).page.get_by_label("Fold look-alikes")
    assert box.is_enabled()
    assert not box.is_checked()


def chain(zoo: Graph, steps: int) -> Graph:
    """A long line of runs and versions."""
    runs = [
        replace(zoo.runs[0], id=f"run-{n:03d}", name=f"step-{n}", job=f"zoo.step{n}") for n in range(steps)
    ]
    files = [
        replace(zoo.versions[0], id=f"file-{n:03d}", artifact=f"file-{n}", name=f"stage-{n}.csv")
        for n in range(steps)
    ]
    edges = [
        Edge(run.id, file.id, "output", "observed", "open", 1, 1, 0)
        for run, file in zip(runs, files, strict=True)
    ]
    edges += [
        Edge(run.id, file.id, "input", "observed", "open", 1, 1, 0)
        for run, file in zip(runs[1:], files, strict=False)
    ]
    return Graph.of([*runs, *files], edges)


def test_a_map_that_is_too_large_opens_at_its_left_end_or_its_root_at_a_readable_size(
    visit: Opener, zoo: Graph
) -> None:
    whole = chain(zoo, 60)
    for root, expected in ((None, "run-000"), ("file-030", "file-030")):
        seen = visit(replace(whole, root=root))
        positions, places = seen.ask("lineage.positions()"), seen.ask("lineage.places()")
        stage = seen.page.locator("#stage").bounding_box()
        assert stage is not None
        assert stage["x"] < positions[expected]["x"] < stage["x"] + stage["width"]
        assert stage["y"] < positions[expected]["y"] < stage["y"] + stage["height"] - 120
        one, other = "run-000", "run-059"
        zoom = (positions[other]["x"] - positions[one]["x"]) / (places[other]["x"] - places[one]["x"])
        assert zoom >= 0.44


def test_the_minimap_covers_nothing_of_the_map_and_goes_with_it(visit: Opener, zoo: Graph) -> None:
    seen = visit(chain(zoo, 60))
    minimap = seen.page.locator("#minimap")
    minimap.wait_for(state="visible")
    box, stage = minimap.bounding_box(), seen.page.locator("#stage").bounding_box()
    assert box is not None
    assert stage is not None
    assert box["x"] + box["width"] <= stage["x"]
    seen.page.get_by_role("button", name="Table").click()
    assert minimap.is_hidden()
    seen.page.get_by_role("button", name="Graph").click()
    minimap.wait_for(state="visible")


def test_the_words_beside_the_pointer_go_with_a_click_and_with_escape(visit: Opener, zoo: Graph) -> None:
    seen = visit(zoo)
    tip = seen.page.locator("#tip")
    at = seen.ask("lineage.positions()")[TRAIN]
    seen.page.mouse.move(at["x"], at["y"])
    assert "2026-11-23 09:52:04" in tip.inner_text()
    seen.page.keyboard.press("Escape")
    assert tip.is_hidden()
    seen.page.mouse.move(at["x"] + 2, at["y"])
    assert tip.is_visible()
    seen.page.mouse.click(at["x"] + 2, at["y"])
    seen.page.wait_for_function("id => lineage.selected() === id", arg=TRAIN)
    at = seen.ask("lineage.positions()")[TRAIN]
    seen.page.mouse.move(at["x"] + 4, at["y"])
    assert tip.is_hidden()


def test_a_notebooks_frame_works_without_rights(browser: Browser, zoo: Graph, tmp_path: Path) -> None:
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html>{lineage_map(zoo)._repr_html_()}", encoding="utf-8"
    )
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frames[1]
    frame.wait_for_function("window.lineage && window.lineage.ready === true")
    frame.evaluate("lineage.select('version-model')")
    assert "zoo-ylbchv20:v0" in frame.locator("#panel").inner_text()
    assert complaints == []
    page.close()


EVIL = (
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)><a href='javascript:alert(1)'>",
    "<!--<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}${alert(1)}",
    "\u202eevil\u2066\u200f مرحبا",
    "nul \x00 bell \x07 esc \x1b line\u2028sep",
    "🦓🏳️‍🌈 zebra 東京",
    "a" * 10_000,
    "__proto__",
    "constructor",
    " ",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "lone \udce9 surrogate",
)


def hostile() -> Graph:
    """Every field of every node holds something that a careless page would run, load or choke on."""
    nodes: list[Run | Version] = []
    edges: list[Edge] = []
    for number, text in enumerate(EVIL):
        run, version = f"run {number} {text[:40]}", f"version {number} {text[:40]}"
        details = {
            "parameters": {text: text, "nan": float("nan"), "big": 2**70},
            "code": {"commit": text},
            "environment": {text: [text, {text: text}]},
            "tags": [text],
            "host": text,
            "user": text,
            "ui_url": text,
            text[:20]: text,
        }
        nodes.append(Run(run, text, text, text, text, text, text, text, None, None, 1, details))
        nodes.append(
            Version(
                version,
                text,
                text,
                number,
                text,
                text,
                text,
                text,
                text,
                5,
                0,
                aliases=(text, "latest"),
                format=text,
                rows=3,
                schema=((text, text),),
                metadata={text: text},
                description=text,
                partial=number % 2 == 0,
                raced=True,
            )
        )
        edges.append(Edge(run, version, "output", text, text, 2, 1, 0))
        edges.append(Edge(run, f"version {number - 1} {EVIL[number - 1][:40]}", "input", text, text, 1, 1, 0))
    return Graph(tuple(nodes), tuple(edges), root=nodes[0].id)


def test_a_hostile_graph_is_shown_as_text_and_runs_nothing(visit: Opener) -> None:
    graph = hostile()
    around = tuple(replace(run, id=text, kind="flow") for run, text in zip(graph.runs, EVIL, strict=True))
    seen = visit(graph, title=EVIL[0], source=EVIL[1], ui_url=EVIL[11], around=around)
    assert set(seen.ask("lineage.visible()")) == {node.id for node in graph.nodes}
    for node in graph.nodes:
        seen.page.evaluate("id => lineage.select(id)", node.id)
        assert seen.ask("lineage.selected()") == node.id
        assert seen.page.locator("#panel").is_visible()
    for number, text in enumerate(EVIL):
        seen.page.evaluate("id => lineage.select(id)", graph.runs[number].id)
        seen.page.evaluate("document.querySelector('#panel dl .as-link').click()")
        assert seen.ask("lineage.selected()") == f"flow-run:{text}"
        assert seen.page.locator("#panel").is_visible()
    for looks in ({"level": "flow"}, {"level": "artifact"}, {"level": "run", "grain": "job"}, {"grain": "flow"},
                  {"grain": "all", "frames": True}, {"frames": False, "since": 0}, {"since": None}):  # fmt: skip
        seen.page.evaluate("patch => lineage.change({...patch, selected: null, panel: false})", looks)
        places = seen.ask("lineage.places()").values()
        assert all(isinstance(place[key], (int, float)) for place in places for key in ("x", "y", "width"))
        assert max(place["width"] for place in places) <= 340
    assert seen.ask("document.documentElement.scrollWidth <= innerWidth")
    for part in ("header", "#filters", "#status", "#zoom"):
        box = seen.page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= SIZE["width"]
        assert box["y"] + box["height"] <= SIZE["height"]
    seen.page.get_by_role("button", name="Table").click()
    assert seen.page.locator("#table tbody tr").count() == len(graph.nodes)
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("<img")
    assert seen.page.locator("#hits li").count() >= 1
    assert seen.page.locator("img").count() == 0
    assert seen.page.locator("a[href^='javascript'], a[href^='data:text']").count() == 0
    assert seen.ask("Object.keys(Object.prototype).length") == 0


def test_a_hostile_page_without_javascript_is_text_too(browser: Browser, tmp_path: Path) -> None:
    saved = lineage_map(hostile(), title=EVIL[0]).save(tmp_path / "evil.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved.as_uri())
    assert page.locator("noscript tbody tr, .plain tbody tr").count() == len(hostile().nodes)
    assert page.locator("img").count() == 0
    context.close()
