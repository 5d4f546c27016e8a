"""How many lines cross on a map, beside Graphviz' ``dot`` on the same graphs.

python tests/benchmarks/map_crossings.py [NAME…]

The measure is the same for both and knows nothing of either's columns: two edges cross as often as the one
that is above changes, wherever both are drawn. For ``dot`` that is exactly what its ``-v`` reports. Edges that
leave one card for far columns share a line on our map; "drawn" counts such a line once, as the eye does.
Seconds are the processor's, for the whole layout. ``dot`` must be installed (Debian: graphviz).
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from map_scale import table
from pipelines import pipelines

from prefect_lineage.export.layout import layout
from prefect_lineage.export.view import view

Pair = tuple[int, int]
Point = tuple[float, float]
Drawing = tuple[list[tuple[float, float]], list[Pair]]
CARD = (170.0, 72.0)


# -- graphs ------------------------------------------------------------------------------------------


def training(nodes: int, flows: int | None = None) -> Drawing:
    """The benchmark's training pipelines."""
    shown = view(pipelines(nodes, flows=flows))
    return [(card.width, card.height) for card in shown.cards], [
        (link.tail, link.head) for link in shown.links
    ]


def warehouse(nodes: int, seed: int) -> Drawing:
    """Sources, staging, intermediate tables, marts: each table is written by a run that reads one to four."""
    chance = random.Random(seed)
    edges: list[Pair] = []
    made = nodes // 8
    layers = [list(range(made))]
    for share, most in ((8, 1), (10, 2), (10, 3), (12, 3), (16, 4)):
        amount = nodes // share
        new = []
        for place in range(amount):
            run, made = made, made + 2
            for _ in range(chance.randint(1, most)):
                layer = layers[-1] if chance.random() < 0.75 or len(layers) < 2 else chance.choice(layers)
                near = int(chance.gauss(place * len(layer) / amount, len(layer) / 6))
                edges.append((layer[min(len(layer) - 1, max(0, near))], run))
            edges.append((run, run + 1))
            new.append(run + 1)
        layers.append(new)
    return [CARD] * made, sorted(set(edges))


def layered(layers: int, width: int, most: int, seed: int) -> Drawing:
    """Random layers; one edge in seven comes from farther back."""
    chance = random.Random(seed)
    edges = set()
    for layer in range(1, layers):
        for place in range(width):
            for _ in range(chance.randint(1, most)):
                back = 1 if layer < 3 or chance.random() > 0.15 else chance.randint(2, min(layer, 5))
                tail = int(chance.gauss(place, width / 8)) % width
                edges.add(((layer - back) * width + tail, layer * width + place))
    return [CARD] * (layers * width), sorted(edges)


def scattered(nodes: int, amount: int, seed: int) -> Drawing:
    """A random acyclic graph with edges of every length."""
    chance = random.Random(seed)
    edges: set[Pair] = set()
    while len(edges) < amount:
        tail = chance.randrange(nodes)
        head = min(nodes - 1, tail + 1 + int(chance.expovariate(8 / nodes)))
        if tail < head:
            edges.add((tail, head))
    return [CARD] * nodes, sorted(edges)


GRAPHS: dict[str, Callable[[], Drawing]] = {
    "training 150": lambda: training(150),
    "training 400": lambda: training(400),
    "training 1,000": lambda: training(1000),
    "training 1,200": lambda: training(1150),
    "training, 4 flows": lambda: training(1000, 4),
    "warehouse 200": lambda: warehouse(200, 6),
    "warehouse 750": lambda: warehouse(700, 7),
    "layers 8 x 20": lambda: layered(8, 20, 3, 1),
    "layers 12 x 40": lambda: layered(12, 40, 2, 2),
    "layers 20 x 50": lambda: layered(20, 50, 2, 3),
    "scattered 100": lambda: scattered(100, 150, 4),
    "scattered 300": lambda: scattered(300, 420, 5),
}


# -- the measure -------------------------------------------------------------------------------------


def crossings(lines: Sequence[Sequence[Point]]) -> int:
    """How often one of two lines passes from above another to below it, over all pairs."""
    corners = np.unique(np.round([x for line in lines for x, _ in line], 3))
    across = np.unique(np.concatenate([corners, (corners[1:] + corners[:-1]) / 2]))
    height = np.full((len(lines), len(across)), np.nan)
    spans = []
    for place, line in enumerate(lines):
        x, y = np.array(sorted(line, key=lambda point: point[0])).T
        span = slice(np.searchsorted(across, x[0] - 1e-3), np.searchsorted(across, x[-1] + 1e-3))
        height[place, span] = np.interp(across[span], x, y)
        spans.append(span)
    least = (np.nanmax(height) - np.nanmin(height)) * 1e-7
    return sum(
        _passings(height[place, span] - height[place + 1 :, span], least) for place, span in enumerate(spans)
    )


def _passings(above: Any, least: float) -> int:
    """Changes of sign in each row; what is nearer to nothing than ``least``, or not drawn, has none."""
    known = np.nan_to_num(above)
    sign = np.sign(np.where(np.abs(known) < least, 0, known))
    last = np.maximum.accumulate(np.where(sign != 0, np.arange(sign.shape[1]), 0), axis=1)
    held = np.take_along_axis(sign, last, axis=1)
    return int(np.sum(held[:, 1:] * held[:, :-1] < 0))


# -- layouts -----------------------------------------------------------------------------------------


def ours(sizes: Sequence[Point], edges: Sequence[Pair]) -> tuple[float, int, int]:
    begun = time.process_time()
    placed = layout(sizes, edges)
    took = time.process_time() - begun
    at = list(zip(placed.x, placed.y, strict=True))
    lines = [[at[tail], *placed.routes.get((tail, head), ()), at[head]] for tail, head in edges]
    return took, crossings(lines), placed.crossings


def dots(dot: str, sizes: Sequence[Point], edges: Sequence[Pair]) -> tuple[float, int]:
    cards = "".join(
        f"{card} [width={width / 72:.3f}, height={height / 72:.3f}];"
        for card, (width, height) in enumerate(sizes)
    )
    text = f'digraph {{rankdir=LR; splines=polyline; node [shape=box, fixedsize=true, label=""]; {cards}'
    text += "".join(f"{tail}->{head};" for tail, head in edges) + "}"
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([dot, "-Tplain"], input=text, capture_output=True, text=True, check=True)
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun
    at: dict[str, Point] = {}
    lines = []
    for words in (line.split() for line in done.stdout.splitlines()):
        if words[0] == "node":
            at[words[1]] = (float(words[2]), float(words[3]))
        elif words[0] == "edge":
            numbers = [float(word) for word in words[4 : 4 + 2 * int(words[3])]]
            bends = list(zip(numbers[::2], numbers[1::2], strict=True))[1:-1]
            lines.append([at[words[1]], *bends, at[words[2]]])
    return took, crossings(lines)


def compared(names: Sequence[str]) -> None:
    dot = shutil.which("dot")
    if dot is None:
        raise SystemExit("No dot on this machine; install it (Debian: apt-get install graphviz).")
    rows = []
    for name in names:
        sizes, edges = GRAPHS[name]()
        took, pairs, drawn = ours(sizes, edges)
        dot_took, dot_pairs = dots(dot, sizes, edges)
        ratios = [f"{number / dot_pairs:.2f}" for number in (pairs, drawn)]
        rows.append([name, f"{len(sizes):,}", f"{len(edges):,}", f"{dot_pairs:,}", f"{pairs:,}", f"{drawn:,}", *ratios,
                     f"{dot_took:.2f} s", f"{took:.2f} s"])  # fmt: skip
    heads = ("graph", "nodes", "edges", "dot", "ours", "drawn", "ours/dot", "drawn/dot", "dot", "ours")
    table(heads, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("names", nargs="*", default=list(GRAPHS), metavar="NAME")
    asked = parser.parse_args()
    layout([CARD] * 3, [(0, 1), (1, 2)])  # imports what the layout needs
    compared(asked.names)
