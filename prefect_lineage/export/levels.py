"""The levels of a map beside that of runs: a flow run as one card, and artifact to artifact.

``static/grains.js`` and ``static/projection.js`` make the same cards and links in the browser, where filters may
take some away; here they are made once, as a fresh page shows them, so that their places can be found beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prefect_lineage.export.fold import GROUP
from prefect_lineage.export.view import View
from prefect_lineage.graph.levels import MOST_PAIRS, flow_run_of, inside_a_flow_run
from prefect_lineage.model.entities import Run, Version

__all__ = ["LEVEL_MAKERS", "Level", "artifact_level", "flow_level"]


@dataclass(frozen=True, slots=True)
class Level:
    """Cards by their keys, with their sizes, and links between them by position."""

    keys: tuple[str, ...]
    sizes: tuple[tuple[float, float], ...]
    links: tuple[tuple[int, int], ...]


def flow_level(view: View) -> Level:
    """Flow runs, and the versions that more than one of them touched.

    Values and what stays inside are left out, but for what the map was made of.
    """
    ups, downs = _neighbours(view)
    inside = inside_a_flow_run(view.graph)
    left_out = {
        place
        for place, (card, node) in enumerate(zip(view.cards, view.graph.nodes, strict=True))
        if (card.small or node.id in inside) and node.id != view.graph.root
    }
    keys = {
        place: f"flow-run:{flow_run_of(node)}" if isinstance(node, Run) else node.id
        for place, node in enumerate(view.graph.nodes)
        if place not in left_out
    }
    pairs = [(link.tail, link.head) for link in view.links]
    past = [
        (tail, head) for place in sorted(left_out) if view.cards[place].small
        for tail in ups[place] for head in downs[place]
    ]  # fmt: skip
    found = dict.fromkeys(
        (keys[tail], keys[head])
        for tail, head in [*pairs, *past]
        if tail in keys and head in keys and keys[tail] != keys[head]
    )
    # What a flow run writes and reads again is its own business: only the writing is drawn.
    drawn = [
        (tail, head) for tail, head in found if not head.startswith("flow-run:") or (head, tail) not in found
    ]
    sizes = {key: GROUP if key.startswith("flow-run:") else _size(view, place) for place, key in keys.items()}
    return _level(sizes, drawn)


def artifact_level(view: View) -> Level:
    """From each artifact that a run read to each that it wrote."""
    ups, downs = _neighbours(view)
    nodes = view.graph.nodes
    keys = {
        place: f"artifact:{node.artifact}" for place, node in enumerate(nodes) if isinstance(node, Version)
    }
    links: dict[tuple[str, str], None] = {}
    for place, node in enumerate(nodes):
        if isinstance(node, Run) and len(ups[place]) * len(downs[place]) <= MOST_PAIRS:
            pairs = ((keys[tail], keys[head]) for tail in ups[place] for head in downs[place])
            links |= dict.fromkeys(pair for pair in pairs if pair[0] != pair[1])
    return _level(dict.fromkeys(keys.values(), GROUP), list(links))


LEVEL_MAKERS: dict[str, Callable[[View], Level]] = {"flow": flow_level, "artifact": artifact_level}


def _level(sizes: dict[str, tuple[float, float]], links: list[tuple[str, str]]) -> Level:
    at = {key: place for place, key in enumerate(sizes)}
    return Level(tuple(sizes), tuple(sizes.values()), tuple((at[tail], at[head]) for tail, head in links))


def _neighbours(view: View) -> tuple[list[list[int]], list[list[int]]]:
    ups: list[list[int]] = [[] for _ in view.cards]
    downs: list[list[int]] = [[] for _ in view.cards]
    for link in view.links:
        downs[link.tail].append(link.head)
        ups[link.head].append(link.tail)
    return ups, downs


def _size(view: View, place: int) -> tuple[float, float]:
    return view.cards[place].width, view.cards[place].height
