"""How large a map may be: time to lay it out and to write it, to open it in Chromium, and to zoom.

python tests/benchmarks/map_scale.py [--sizes 150 1150 9990 49900] [--times 5]

Python's times are the processor's. The browser's are given twice: by the clock, and as what its main thread
computed, which a busy machine hardly changes. Each is the median of several visits. ``map_crossings.py`` compares
the layout with Graphviz' ``dot``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipelines import pipelines
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from prefect_lineage.export.page import render
from prefect_lineage.export.staging import stages
from prefect_lineage.export.view import view
from prefect_lineage.model.entities import Graph
from prefect_lineage.model.times import iso, now

SIZES = (150, 1150, 9_990, 49_900)
ABOUT = {"title": "Pipelines", "subtitle": "", "source": "", "ui_url": None, "level": "run", "group": None}
MARKS = """() => [performance.getEntriesByName("lineage-ready")[0].startTime,
    performance.getEntriesByType("navigation")[0].loadEventEnd]"""
FRAMES = """async () => {
    const times = [];
    let last = performance.now(), on = true;
    const tick = (now) => { times.push(now - last); last = now; if (on) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    window.stopFrames = () => { on = false; return times.slice(2); };
}"""


def written(graph: Graph, folder: Path) -> tuple[Path, dict[str, float]]:
    """The page of a graph, and the processor's seconds for its parts."""
    begun = time.process_time()
    shown = view(graph)
    seen = time.process_time()
    placed = stages(shown)
    laid = time.process_time()
    page = folder / f"map-{len(graph)}.html"
    page.write_text(render(shown, placed, {**ABOUT, "generated_at": iso(now())}), encoding="utf-8")
    done = time.process_time()
    return page, {"view": seen - begun, "layout": laid - seen, "page": done - laid}


def opened(browser: Browser, page: Path) -> dict[str, float]:
    """Milliseconds until the map is drawn and answers, until all of the page is there, what of that the main thread
    computed, and the frames of a zoom."""
    context = browser.new_context(viewport={"width": 1440, "height": 860})
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.goto(page.as_uri())
    tab.wait_for_function("window.lineage && window.lineage.ready === true", timeout=120_000)
    ready, loaded = tab.evaluate(MARKS)
    metrics = _metrics(session)
    frames = zoomed(tab)
    work = _metrics(session)["TaskDuration"] - metrics["TaskDuration"]
    heap = metrics["JSHeapUsedSize"] / 1e6
    context.close()
    return {
        "ready": ready,
        "loaded": loaded,
        "computed": metrics["TaskDuration"] * 1000,
        "frame": statistics.median(frames),
        "work": work * 1000 / max(1, len(frames)),
        "heap": heap,
    }


def _metrics(session: CDPSession) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}


def zoomed(tab: Page) -> list[float]:
    """The times between frames while the wheel turns to and fro."""
    tab.wait_for_timeout(300)
    tab.mouse.move(800, 420)
    tab.evaluate(FRAMES)
    for turn in range(40):
        tab.mouse.wheel(0, 120 if turn % 20 < 10 else -120)
        tab.wait_for_timeout(12)
    found: list[float] = tab.evaluate("window.stopFrames()")
    return found


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    rows = [list(heads), *(list(line) for line in lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def scale(sizes: Sequence[int], times: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("No chromium on this machine; install it (Debian: apt-get install chromium).")
    lines = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            graph = pipelines(size)
            page, made = written(graph, Path(folder))
            arguments = ["--no-sandbox", "--headless", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            opened(browser, page)  # warms the browser
            visits = [opened(browser, page) for _ in range(times)]
            seen = {part: statistics.median(visit[part] for visit in visits) for part in visits[0]}
            browser.close()
            lines.append(
                [
                    f"{len(graph):,}",
                    f"{len(graph.edges):,}",
                    *(f"{made[part]:.2f} s" for part in ("view", "layout", "page")),
                    f"{page.stat().st_size / 1e6:.1f} MB",
                    *(f"{seen[part]:.0f} ms" for part in ("ready", "loaded", "computed", "frame", "work")),
                    f"{seen['heap']:.0f} MB",
                ]
            )
    table(
        (
            "nodes",
            "edges",
            "view",
            "layout",
            "page",
            "size",
            "ready",
            "loaded",
            "computed",
            "frame",
            "work",
            "heap",
        ),
        lines,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    scale(asked.sizes, asked.times)
