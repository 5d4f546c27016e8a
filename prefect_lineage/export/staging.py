"""Which cards a page opens with, and where they lie.

A small graph opens whole. A large one opens folded to an overview; up to a bound every card of it is placed
all the same, so that unfolding everything needs no waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prefect_lineage.export.fold import overview
from prefect_lineage.export.layout import WORK, Placement, layout, layout_in_lanes
from prefect_lineage.export.levels import LEVEL_MAKERS, Level
from prefect_lineage.export.view import View
from prefect_lineage.graph.levels import flow_run_of
from prefect_lineage.model.entities import Run

__all__ = ["AT_ONCE", "PLACED", "Stage", "Stages", "lanes", "stages"]

AT_ONCE = 1200
"""Nodes up to which a page opens with every one of them."""

PLACED = 10_000
"""Nodes up to which every one of them is placed here; above, what is unfolded is placed in the browser."""

_MOST_CARDS = 1500
_MOST_LINKS = 6000


@dataclass(frozen=True, slots=True)
class Stage:
    """Cards with their places.

    Attributes:
        grain: ``all``, or how coarse an overview: ``job``, ``flow``; or a level: ``flow``, ``artifact``.
        keys: what each card is called: a node's position in the graph, or the key of a group.
        sizes: width and height of each card.
        links: pairs of cards.
    """

    grain: str
    keys: tuple[str | int, ...]
    sizes: tuple[tuple[float, float], ...]
    links: tuple[tuple[int, int], ...]
    placement: Placement

    def width(self, index: int) -> float:
        """How wide a card is drawn: as its column, but for values."""
        own, height = self.sizes[index]
        return own if height < 50 else self.placement.width[index]

    def route(self, index: int) -> list[float]:
        """The points of a link between its ends, as a flat list."""
        points = self.placement.routes.get(self.links[index], ())
        return [number for point in points for number in point]


@dataclass(frozen=True, slots=True)
class Stages:
    """What a page opens with, every card of the graph unless there are too many, and the other levels likewise.

    Every card in frames of flow runs is a level, too, called ``frames``, where the page opens with frames.
    """

    opening: Stage
    whole: Stage | None
    levels: Mapping[str, Stage] = field(default_factory=dict)


def stages(view: View, group: str | None = None) -> Stages:
    """Place what is to be placed of a view; with the group ``flow`` in frames of flow runs as well."""
    if len(view.cards) <= AT_ONCE:
        whole = _whole(view)
        levels = _levels(view)
        return Stages(whole, whole, {**levels, "frames": _framed(view)} if group == "flow" else levels)
    folded = overview(view)
    sizes = [(group.width, group.height) for group in folded.groups]
    keys = tuple(group.key for group in folded.groups)
    opening = Stage(folded.grain, keys, tuple(sizes), folded.links, layout(sizes, folded.links))
    return Stages(opening, _whole(view) if len(view.cards) <= PLACED else None, _levels(view))


def _levels(view: View) -> dict[str, Stage]:
    """The levels that one can look at; what has too many cards for that is placed in the browser, if ever."""
    made = {name: make(view) for name, make in LEVEL_MAKERS.items()}
    return {name: _level(name, level) for name, level in made.items() if _can_be_looked_at(level)}


def _can_be_looked_at(level: Level) -> bool:
    return 0 < len(level.keys) <= _MOST_CARDS and len(level.links) <= _MOST_LINKS


def _level(name: str, level: Level) -> Stage:
    placed = layout(level.sizes, level.links, work=WORK // 2)
    return Stage(name, level.keys, level.sizes, level.links, placed)


def _whole(view: View) -> Stage:
    sizes, pairs, weak = _parts(view)
    placed = layout(sizes, pairs, weak=weak)
    return Stage("all", tuple(range(len(sizes))), tuple(sizes), tuple(pairs), placed)


def _framed(view: View) -> Stage:
    sizes, pairs, weak = _parts(view)
    placed = layout_in_lanes(sizes, pairs, lanes(view), weak=weak)
    return Stage("frames", tuple(node.id for node in view.graph.nodes), tuple(sizes), tuple(pairs), placed)


def _parts(view: View) -> tuple[list[tuple[float, float]], list[tuple[int, int]], list[tuple[int, int]]]:
    """Sizes of the cards, the links as pairs, and those of them that give way."""
    return (
        [(card.width, card.height) for card in view.cards],
        [(link.tail, link.head) for link in view.links],
        [(link.tail, link.head) for link in view.links if link.unchanged],
    )


def lanes(view: View) -> list[int]:
    """The lane of each card, by the time of the first that is in it: that of its flow run.

    A version lies with the run that wrote it, or else with the first that read it; ``static/sight.js`` has the same.
    """
    nodes = view.graph.nodes
    writer: dict[int, int] = {}
    reader: dict[int, int] = {}
    for link in view.links:
        writer.setdefault(link.head, link.tail)
        reader.setdefault(link.tail, link.head)

    def home(place: int) -> str:
        found = place if isinstance(nodes[place], Run) else writer.get(place, reader.get(place, place))
        run = nodes[found]
        return flow_run_of(run) if isinstance(run, Run) else ""

    numbers: dict[str, int] = {}
    for place in sorted(range(len(nodes)), key=lambda place: (view.cards[place].time or 0, place)):
        numbers.setdefault(home(place), len(numbers))
    return [numbers[home(place)] for place in range(len(nodes))]
