"""Graphs to draw, and a real browser to look at them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from prefect_lineage.export.map import lineage_map
from prefect_lineage.model.entities import Edge, Graph, Run, Version

SIZE = {"width": 1440, "height": 860}
START = 1_795_426_324_000_000  # 2026-11-23T09:32:04Z
MINUTE = 60_000_000
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def make_run(number: int, name: str, job: str, state: str = "Completed", **more: Any) -> Run:
    started = START + number * MINUTE
    given: dict[str, Any] = {
        "id": f"{number:08d}-5f0a-4a2c-9c8e-2d0f2f6f8a01",
        "kind": "task",
        "name": name,
        "job": job,
        "flow": job.partition(".")[0],
        "flow_run": None,
        "parent": None,
        "state": state,
        "started_at": started,
        "ended_at": started + 42_100_000,
        "attempt": 1,
        "details": {"parameters": {"seed": number, "ratio": "80/10/10"}, "host": "lab7", "user": "ada"},
    }
    return Run(**given | more)


def make_version(key: str, name: str, number: int, kind: str, **more: Any) -> Version:
    given: dict[str, Any] = {
        "id": f"version-{key}",
        "artifact": f"artifact-{name}",
        "name": name,
        "number": number,
        "type": kind,
        "uri": f"file:///home/ada/zoo/{name}",
        "namespace": "file://lab7",
        "digest": "blake3:" + "7d1a54e0" * 8,
        "covers": "all",
        "size": 612_345_678,
        "created_at": START + MINUTE,
    }
    return Version(**given | more)


def make_edge(run: Run, version: Version, direction: str, via: str = "open", **more: Any) -> Edge:
    given: dict[str, Any] = {"how": "observed", "via": via, "times": 1, "attempt": 1, "at": START}
    return Edge(run=run.id, version=version.id, direction=direction, **given | more)


def unpacked(column: Any) -> list[Any]:
    """The values of a column of ``export/packing.py``, as ``static/packing.js`` reads it."""
    if isinstance(column, list):
        return column
    return (
        [column["of"][place] for place in column["at"]]
        if "at" in column
        else [column["one"]] * column["times"]
    )


def unshaped(block: Any) -> list[dict[str, Any]]:
    """The records of a block."""
    tables = [[(key, unpacked(column)) for key, column in table] for table in block["tables"]]
    seen = [0] * len(tables)
    records = []
    for kind in block["kinds"]:
        records.append({key: values[seen[kind]] for key, values in tables[kind]})
        seen[kind] += 1
    return records


@pytest.fixture(scope="session")
def unpack() -> SimpleNamespace:
    """Reads what a page holds: ``column`` and ``block``."""
    return SimpleNamespace(column=unpacked, block=unshaped)


@pytest.fixture(scope="session")
def pipelines() -> Callable[[int], Graph]:
    """The benchmark's graph: training pipelines with at least so many nodes."""
    path = Path(__file__).parents[1] / "benchmarks" / "pipelines.py"
    spec = importlib.util.spec_from_file_location("pipelines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pipelines"] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    made: Callable[[int], Graph] = module.pipelines
    return made


@pytest.fixture(scope="session")
def zoo() -> Graph:
    """Three runs log one split, a run trains on it, another evaluates the model; one value, one failed attempt."""
    splits = [
        make_run(1, "amber-otter-7", "zoo.split"),
        make_run(2, "silent-maple-12", "zoo.split", "Cached"),
        make_run(3, "bold-heron-15", "zoo.split"),
    ]
    split = make_version(
        "split",
        "split_zoo_dataset",
        4,
        "dataset",
        aliases=("latest",),
        rows=10_000,
        schema=(("species", "string"), ("bill_length_mm", "double")),
        metadata={"train": 8000},
        description="Penguins, split with a fixed seed.",
    )
    train = make_run(20, "rural-feather-20", "zoo.train", attempt=2)
    model = make_version("model", "zoo-ylbchv20", 0, "model", aliases=("latest", "best"), size=44_700_000)
    evaluate = make_run(21, "northern-lake-21", "zoo.evaluate", "Failed")
    scores = make_version(
        "scores", "zoo.evaluate/scores", 0, "value", size=None, uri="inmemory://zoo.evaluate/scores"
    )
    report = make_version("report", "zoo-report", 0, "report", partial=True)
    publish = make_run(22, "icy-lake-3", "zoo.publish", "Running", ended_at=None)
    nodes = (*splits, split, train, model, evaluate, scores, report, publish)
    edges = (
        *(make_edge(run, split, "output", "pandas.to_parquet") for run in splits),
        make_edge(train, split, "input", "pandas.read_parquet", times=3),
        make_edge(train, model, "output", "log_artifact", how="declared"),
        make_edge(evaluate, model, "input", "joblib.load"),
        make_edge(evaluate, scores, "output", "return"),
        make_edge(evaluate, report, "output", "json.dump", partial=True),
        make_edge(publish, scores, "input", "argument", how="inferred"),
    )
    return Graph(nodes, edges, root=split.id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: its loop must not outlive it, or asynchronous tests elsewhere could not start."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found or not Path(found).exists():
        pytest.skip("no Chromium on this machine (install chromium, or name it in CHROMIUM)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_ARGUMENTS))
        yield launched
        launched.close()


class Visit:
    """A page that is open, with everything that it tried to load or complained about, until ``leave``."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.address = path.as_uri()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._listeners: dict[Any, Callable[..., Any]] = {
            "console": lambda message: self._complain(message.type, message.text),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "dialog": lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()),
        }
        page.route("**/*", self._route)
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def leave(self) -> None:
        """Leave nothing behind for who comes next."""
        self.page.evaluate("localStorage.clear()")
        self.page.goto("about:blank")
        self.page.unroute_all()
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _route(self, route: Any) -> None:
        url = route.request.url
        if url.partition("#")[0] == self.address or url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.requests.append(url)
            route.abort()

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, fragment: str = "") -> Visit:
        self.page.goto(self.address + fragment)
        self.page.wait_for_function("window.lineage && window.lineage.ready === true")
        return self

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)

    def click(self, node: str) -> None:
        at = self.ask("lineage.positions()")[node]
        self.page.mouse.click(at["x"], at["y"])
        self.page.wait_for_function("id => lineage.selected() === id", arg=node)

    @property
    def panel(self) -> str:
        return self.page.inner_text("#panel")


Opener = Callable[..., Visit]

_PAGES: dict[str, tuple[Graph, str]] = {}


def page_of(graph: Graph, about: dict[str, Any]) -> str:
    """The map's page, made once for each graph and the same wishes: many tests look at the same one."""
    key = repr((id(graph), sorted(about.items())))
    if key not in _PAGES:
        _PAGES[key] = graph, lineage_map(graph, **about).html  # the graph, so that its id stays its own
    return _PAGES[key][1]


@pytest.fixture(scope="module")
def room(browser: Browser) -> Iterator[BrowserContext]:
    """A context with one tab that stays: a new one for each test would cost more than most of them."""
    context = browser.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
    context.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error('policy', event.violatedDirective));"
    )
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def visit(room: BrowserContext, tmp_path: Path) -> Iterator[Opener]:
    """Opens the map of a graph; afterwards, nothing may have been asked for and nothing complained about."""
    visits: list[Visit] = []

    def opened(graph: Graph, fragment: str = "", **about: Any) -> Visit:
        saved = tmp_path / "map.html"
        saved.write_text(page_of(graph, about), encoding="utf-8")
        page = room.new_page() if visits else room.pages[0]
        visits.append(Visit(page, saved))
        return visits[-1].open(fragment)

    yield opened
    for each in visits:
        each.leave()
    for page in room.pages[1:]:
        page.close()
    for each in visits:
        assert each.requests == []
        assert each.complaints == []
