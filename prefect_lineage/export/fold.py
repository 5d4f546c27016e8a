"""The overview of a large graph: one card for the runs of a job, one for the versions of an artifact, or of a
series of artifacts.

``static/grains.js`` folds by the same keys in the browser; here it is done once, so that the overview can be
placed before the page is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prefect_lineage.export.view import Card, View
from prefect_lineage.model.entities import Run, Version

__all__ = ["GRAINS", "GROUP", "Group", "Overview", "overview", "path_of"]

GRAINS = ("job", "flow")
"""How coarse an overview is: a card for each job, or for each flow; a card for each artifact in both."""

_MOST_CARDS = 1500
GROUP = (250.0, 72.0)
"""The size of a card that stands for many."""


@dataclass(frozen=True, slots=True)
class Group:
    """One card of an overview: ``key`` is a node's id where it stands for that node alone."""

    key: str
    members: tuple[int, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Overview:
    """A folded graph: groups, and links between them by position."""

    grain: str
    groups: tuple[Group, ...]
    links: tuple[tuple[int, int], ...]


def path_of(node: Version | Run, series: str = "") -> tuple[str, ...]:
    """The groups that a node lies in, from the widest to itself."""
    if isinstance(node, Version):
        own = (f"artifact:{node.artifact}", node.id)
        return (f"series:{series}", *own) if series else own
    return f"flow:{node.flow or node.job}", f"job:{node.job}", node.id


def overview(view: View) -> Overview:
    """The finest overview that one can still look at; the coarsest if none is."""
    made = (_folded(view, grain) for grain in GRAINS)
    return next(one for one in made if len(one.groups) <= _MOST_CARDS or one.grain == GRAINS[-1])


def _folded(view: View, grain: str) -> Overview:
    found: dict[str, list[int]] = {}
    for index, node in enumerate(view.graph.nodes):
        path = path_of(node, view.cards[index].series)
        found.setdefault(path[1] if grain == "job" and isinstance(node, Run) else path[0], []).append(index)
    groups = tuple(_group(view, key, members) for key, members in found.items())
    home = {index: place for place, group in enumerate(groups) for index in group.members}
    links = dict.fromkeys(_links(view, home))
    # What a flow writes and reads again is its own business: only the writing is drawn.
    drawn = (pair for pair in links if not groups[pair[1]].key.startswith("flow:") or pair[::-1] not in links)
    return Overview(grain, groups, tuple(drawn))


def _group(view: View, key: str, members: list[int]) -> Group:
    if len(members) > 1:
        return Group(key, tuple(members), *GROUP)
    card: Card = view.cards[members[0]]
    return Group(view.graph.nodes[members[0]].id, tuple(members), card.width, card.height)


def _links(view: View, home: dict[int, int]) -> Iterator[tuple[int, int]]:
    for link in view.links:
        tail, head = home[link.tail], home[link.head]
        if tail != head:
            yield tail, head
