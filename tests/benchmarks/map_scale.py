"""How large a map may be: time to lay it out and to write it, to open it in Chromium, and to zoom.

python tests/benchmarks/map_scale.py [--sizes 150 1200 10000 49900] [--crossings]

Python's times are the processor's. The browser's are given twice: by the clock, and as what its main thread
computed, which a busy machine hardly changes. ``--crossings`` compares the layout with Graphviz' ``dot``, where
that is installed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines import pipelines
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from prefect_lineage.export.layout import layout
from prefect_lineage.export.page import render
from prefect_lineage.export.staging import stages
from prefect_lineage.export.view import view
from prefect_lineage.model.entities import Graph
from prefect_lineage.model.times import iso, now

Pair = tuple[int, int]
SIZES = (150, 1200, 9_990, 49_900)
ABOUT = {"title": "Pipelines", "subtitle": "", "source": "", "ui_url": None, "level": "run", "group": None}
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
    """Milliseconds until the page is ready, what of that was computed, and the frames of a zoom."""
    context = browser.new_context(viewport={"width": 1440, "height": 860})
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    begun = time.perf_counter()
    tab.goto(page.as_uri())
    tab.wait_for_function("window.lineage && window.lineage.ready === true", timeout=120_000)
    ready = time.perf_counter() - begun
    metrics = _metrics(session)
    frames = zoomed(tab)
    work = _metrics(session)["TaskDuration"] - metrics["TaskDuration"]
    heap = metrics["JSHeapUsedSize"] / 1e6
    context.close()
    return {
        "ready": ready * 1000,
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


def scale(sizes: Sequence[int]) -> None:
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
            seen = opened(browser, page)
            browser.close()
            lines.append(
                [
                    f"{len(graph):,}",
                    f"{len(graph.edges):,}",
                    *(f"{made[part]:.2f} s" for part in ("view", "layout", "page")),
                    f"{page.stat().st_size / 1e6:.1f} MB",
                    *(f"{seen[part]:.0f} ms" for part in ("ready", "computed", "frame", "work")),
                    f"{seen['heap']:.0f} MB",
                ]
            )
    table(
        ("nodes", "edges", "view", "layout", "page", "size", "ready", "computed", "frame", "work", "heap"),
        lines,
    )


# -- crossings ---------------------------------------------------------------------------------------


def crossings(points: Sequence[tuple[float, float]], lines: Sequence[Sequence[int]]) -> int:
    """Pairs of drawn lines that cross, by plain geometry: the same measure for every layout.

    What lies on one another, as the lines of one card to far columns do, is one line to the eye.
    """
    drawn = {(points[a], points[b]) for line in lines for a, b in pairwise(line)}
    segments = sorted(drawn, key=lambda ends: (min(ends[0][0], ends[1][0]), ends))
    total = 0
    for place, (a, b) in enumerate(segments):
        right, low, high = max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1])
        for c, d in segments[place + 1 :]:
            if min(c[0], d[0]) >= right:
                break
            if max(c[1], d[1]) >= low and min(c[1], d[1]) <= high:
                total += _cross(a, b, c, d)
    return total


def _cross(a: Any, b: Any, c: Any, d: Any) -> bool:
    def side(p: Any, q: Any, r: Any) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def ours(sizes: Sequence[tuple[float, float]], edges: Sequence[Pair]) -> tuple[float, int]:
    begun = time.process_time()
    placed = layout(sizes, edges)
    took = time.process_time() - begun
    points = list(zip(placed.x, placed.y, strict=True))
    lines = []
    for tail, head in edges:
        first = len(points)
        route = placed.routes.get((tail, head), ())
        points += route
        lines.append([tail, *range(first, first + len(route)), head])
    return took, crossings(points, lines)


def dots(dot: str, sizes: Sequence[tuple[float, float]], edges: Sequence[Pair]) -> tuple[float, int]:
    cards = "".join(
        f"{n} [width={width / 72:.3f}, height={height / 72:.3f}];" for n, (width, height) in enumerate(sizes)
    )
    text = f'digraph {{rankdir=LR; splines=polyline; node [shape=box, fixedsize=true, label=""]; {cards}'
    text += "".join(f"{tail}->{head};" for tail, head in edges) + "}"
    begun = time.perf_counter()
    done = subprocess.run([dot, "-Tplain"], input=text, capture_output=True, text=True, check=True)
    took = time.perf_counter() - begun
    points: list[tuple[float, float]] = [(0.0, 0.0)] * len(sizes)
    lines = []
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "node":
            points[int(words[1])] = (float(words[2]), float(words[3]))
        elif words[0] == "edge":
            numbers = [float(word) for word in words[4 : 4 + 2 * int(words[3])]]
            first = len(points)
            points += list(zip(numbers[::2], numbers[1::2], strict=True))[1:-1]
            lines.append([int(words[1]), *range(first, len(points)), int(words[2])])
    return took, crossings(points, lines)


def compared(sizes: Sequence[int]) -> None:
    dot = shutil.which("dot")
    print(
        "\nCrossings of lines per edge, by geometry"
        + ("" if dot else " (no dot on this machine: ours alone)")
    )
    lines = []
    for size in sizes:
        shown = view(pipelines(size))
        cards = [(card.width, card.height) for card in shown.cards]
        edges = [(link.tail, link.head) for link in shown.links]
        row = [f"{len(cards):,}", f"{len(edges):,}"]
        for took, crossed in [
            ours(cards, edges),
            *([dots(dot, cards, edges)] if dot and size <= 2000 else []),
        ]:
            row += [f"{took:.2f} s", f"{crossed / len(edges):.2f}"]
        lines.append([*row, *["-"] * (6 - len(row))])
    table(("nodes", "edges", "ours", "crossings", "dot", "crossings"), lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--crossings", action="store_true")
    asked = parser.parse_args()
    if asked.crossings:
        compared([150, 400, 1000])
    else:
        scale(asked.sizes)
