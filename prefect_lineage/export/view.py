"""The view model: what the page draws and shows, as plain JSON, before anything is placed.

The public JSON of the graph travels in it unchanged; beside it, card by card and link by link, stands only
what a reader would otherwise have to work out: short names, icons, marks, sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from prefect_lineage.export.words import icon, mark, plain, short_names
from prefect_lineage.graph.links import Link, links, without_repeats
from prefect_lineage.model.entities import Graph, Run, Version

__all__ = ["Card", "Style", "View", "view"]

Style = Callable[[dict[str, Any]], Mapping[str, str] | None]
"""A node's public JSON → its ``icon`` and ``label``, either or both, or None."""

_NARROW, _WIDE = 124.0, 320.0
_LETTER = 9.6  # of the title's font, on average; the page measures, this only reserves room
_VALUE_LETTER = 8.4
_OVERLINE_LETTER = 8.6


@dataclass(frozen=True, slots=True)
class Card:
    """One node as it is drawn.

    Attributes:
        kind: ``run`` or ``version``.
        title: the line that names it: a run's name, ``name:version``.
        label: the line above: ``RUN · train``, ``MODEL``.
        group: what it is filtered by: a run's job, a version's type.
        mark: a run's state by class (``completed``, ``failed`` …); empty for versions.
        badges: words drawn beside the name: ``latest``, ``partial``, ``2 attempts``, ``cached``.
        small: drawn small: a value passed in memory.
        width, height: in the map's units.
    """

    kind: str
    title: str
    label: str
    group: str
    icon: str
    mark: str
    badges: tuple[str, ...]
    small: bool
    partial: bool
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class View:
    """A graph ready to be placed: cards and links refer to its nodes and edges by position."""

    graph: Graph
    cards: tuple[Card, ...]
    links: tuple[Link, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: the public JSON of the graph, and what is drawn of it."""
        return {
            "graph": plain(self.graph.to_dict()),
            "cards": [plain(asdict(card)) for card in self.cards],
            "links": [_link_dict(link) for link in self.links],
        }


def view(graph: Graph, style: Style | None = None) -> View:
    """What the page shows of a graph; ``style`` is asked once per node."""
    whole = without_repeats(graph)
    local = (node for node in whole.versions if node.uri.startswith("file://"))
    paths = {node.name for node in local if node.uri.endswith(f"/{node.name}")}
    versions = short_names((node.name for node in whole.versions), paths)
    jobs = short_jobs(whole)
    cards = (
        _version_card(node, versions[node.name])
        if isinstance(node, Version)
        else _run_card(node, jobs[node.job])
        for node in whole.nodes
    )
    if style is None:
        styled = tuple(cards)
    else:
        styled = tuple(
            _styled(card, style(node.to_dict())) for card, node in zip(cards, whole.nodes, strict=True)
        )
    return View(whole, styled, tuple(links(whole)))


def short_jobs(graph: Graph) -> dict[str, str]:
    """``flow.task`` → ``task``, as long as no other job on the map ends in the same word."""
    jobs = {run.job for run in graph.runs}
    tails: dict[str, list[str]] = {}
    for job in jobs:
        tails.setdefault(job.rpartition(".")[2] or job, []).append(job)
    return {job: tail if len(group) == 1 else job for tail, group in tails.items() for job in group}


def _version_card(version: Version, name: str) -> Card:
    small = version.type == "value"
    title = f"{name}:{version.version}"
    badges = ["partial"] if version.partial else []
    badges += ["latest"] if "latest" in version.aliases else []
    badges += [alias for alias in version.aliases if alias != "latest"][:1]
    label = version.type.upper() or "ARTIFACT"
    return Card(
        kind="version",
        title=title,
        label=label,
        group=version.type or "artifact",
        icon=icon(version.type),
        mark="",
        badges=tuple(badges),
        small=small,
        partial=version.partial,
        width=_width(title, label, badges, small),
        height=38.0 if small else 58.0,
    )


def _run_card(run: Run, job: str) -> Card:
    title = run.name or job
    label = f"{'RUN' if run.kind == 'task' else run.kind.upper()} · {job}"
    badges = [f"{run.attempt} attempts"] if run.attempt > 1 else []
    badges += ["cached"] if mark(run.state) == "cached" else []
    return Card(
        kind="run",
        title=title,
        label=label,
        group=run.job,
        icon=run.kind,
        mark=mark(run.state),
        badges=tuple(badges),
        small=False,
        partial=False,
        width=_width(title, label, badges, small=False) + 8,
        height=58.0,
    )


def _width(title: str, label: str, badges: list[str], small: bool) -> float:
    """Room for the icon, the longer of the two lines, and the badges that stand in the upper one."""
    upper = len(label) * _OVERLINE_LETTER + sum(len(badge) * 6.2 + 18 for badge in badges)
    lower = len(title) * (_VALUE_LETTER if small else _LETTER)
    wish = (42.0 if small else 56.0) + (lower if small else max(upper, lower))
    return float(round(min(max(wish, _NARROW if not small else 84.0), _WIDE if not small else 240.0)))


def _styled(card: Card, style: Mapping[str, str] | None) -> Card:
    if not style:
        return card
    return replace(
        card, icon=str(style.get("icon") or card.icon), label=str(style.get("label") or card.label)
    )


def _link_dict(link: Link) -> dict[str, Any]:
    return {
        "from": link.tail,
        "to": link.head,
        "edges": list(link.edges),
        "how": link.how,
        "via": list(link.via),
        "times": link.times,
        "unchanged": link.unchanged,
        "partial": link.partial,
    }
