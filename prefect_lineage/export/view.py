"""The view model: what the page draws and shows, as plain JSON, before anything is placed.

The public JSON of the graph travels in it unchanged; beside it, card by card and link by link, stands only
what a reader would otherwise have to work out: short names, icons, marks, sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from prefect_lineage.export.words import icon, mark, short_names
from prefect_lineage.graph.freshness import Freshness, freshness
from prefect_lineage.graph.links import Link, links, without_repeats
from prefect_lineage.model.entities import Graph, Run, Version

__all__ = ["Card", "Style", "View", "view"]

Style = Callable[[dict[str, Any]], Mapping[str, str] | None]
"""A node's public JSON → its ``icon`` and ``label``, either or both, or None."""

_NARROW, _WIDE = 124.0, 320.0
_LETTER = 9.6  # of the title's font, on average; the page measures, this only reserves room
_VALUE_LETTER = 8.4
_OVERLINE_LETTER = 7.4
_META_LETTER = 6.1
_DATE = 9  # letters of a date in the third line: " · Nov 23"
_HEIGHT, _VALUE_HEIGHT = 72.0, 38.0


@dataclass(frozen=True, slots=True)
class Card:
    """One node as it is drawn.

    Attributes:
        kind: ``run`` or ``version``.
        title: the line that names it: a run's name, ``name:version``.
        label: the line above: ``RUN · train``, ``MODEL``.
        group: what it is filtered by: a run's job, a version's type.
        mark: a run's state by class (``completed``, ``failed`` …); empty for versions.
        rows, size, seconds, deleted: what the line below the name is made of.
        badges: words drawn beside the label: ``latest``, ``stale``, ``partial``, ``2 attempts``, ``cached``.
        time: when a run started, when a version was first recorded; microseconds, or None.
        fresh: ``latest``, ``older`` or ``stale``; empty where that means nothing.
        cause: of a stale version: the position of the nearest version upstream that has been replaced.
        series: what names that differ in dates only have in common, where there are several of them.
        small: drawn small: a value passed in memory.
        width, height: in the map's units.
    """

    kind: str
    title: str
    label: str
    group: str
    icon: str
    mark: str
    rows: int | None
    size: int | None
    seconds: float | None
    deleted: bool
    badges: tuple[str, ...]
    time: int | None
    fresh: str
    cause: int | None
    series: str
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


def view(graph: Graph, style: Style | None = None, series: Callable[[str], str | None] | None = None) -> View:
    """What the page shows of a graph.

    Args:
        graph: runs and versions with their edges.
        style: asked once per node.
        series: what a name has in common with those that differ from it in dates only, or None.
    """
    whole = without_repeats(graph)
    local = (node for node in whole.versions if node.uri.startswith("file://"))
    paths = {node.name for node in local if node.uri.endswith(f"/{node.name}")}
    versions = short_names((node.name for node in whole.versions), paths)
    jobs = short_jobs(whole)
    standing = freshness(whole)
    index = {node.id: place for place, node in enumerate(whole.nodes)}
    cards = (
        _version_card(node, versions[node.name], standing.get(node.id), index)
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
    return View(whole, _in_series(whole, styled, series), tuple(links(whole)))


def _in_series(
    graph: Graph, cards: tuple[Card, ...], series: Callable[[str], str | None] | None
) -> tuple[Card, ...]:
    """The cards, those of artifacts of one series marked with it; a series of one is none."""
    if series is None:
        return cards
    found = {node.name: series(node.name) for node in graph.versions if node.type != "value"}
    several = {name for name, amount in Counter(found.values()).items() if name is not None and amount > 1}
    marked = (found.get(node.name) if isinstance(node, Version) else None for node in graph.nodes)
    return tuple(
        replace(card, series=name) if name in several and name is not None else card
        for card, name in zip(cards, marked, strict=True)
    )


def short_jobs(graph: Graph) -> dict[str, str]:
    """``flow.task`` → ``task``, as long as no other job on the map ends in the same word."""
    jobs = {run.job for run in graph.runs}
    tails: dict[str, list[str]] = {}
    for job in jobs:
        tails.setdefault(job.rpartition(".")[2] or job, []).append(job)
    return {job: tail if len(group) == 1 else job for tail, group in tails.items() for job in group}


def _version_card(version: Version, name: str, stands: Freshness | None, index: dict[str, int]) -> Card:
    small = version.type == "value"
    title = f"{name}:{version.version}"
    fresh = stands.state if stands else ""
    badges = [word for word, holds in (("partial", version.partial), ("stale", fresh == "stale")) if holds]
    badges += ["latest"] if "latest" in version.aliases and fresh != "stale" else []
    badges += [alias for alias in version.aliases if alias != "latest"][:1]
    label = version.type.upper() or "ARTIFACT"
    return Card(
        kind="version",
        title=title,
        label=label,
        group=version.type or "artifact",
        icon=icon(version.type),
        mark="",
        rows=version.rows,
        size=version.size,
        seconds=None,
        deleted=version.deleted_at is not None,
        badges=tuple(badges),
        time=version.created_at,
        fresh=fresh,
        cause=index.get(stands.cause) if stands and stands.cause else None,
        series="",
        small=small,
        partial=version.partial,
        width=_width(title, label, badges, _letters_below(version), small),
        height=_VALUE_HEIGHT if small else _HEIGHT,
    )


def _letters_below(version: Version) -> int:
    """How long the line below the name will be: ``10,000 rows · 612 MB``."""
    rows = len(f"{version.rows:,} rows · ") if version.rows is not None else 0
    return rows + 6 * (version.size is not None) + 10 * (version.deleted_at is not None)


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
        rows=None,
        size=None,
        seconds=run.duration,
        deleted=False,
        badges=tuple(badges),
        time=run.started_at,
        fresh="",
        cause=None,
        series="",
        small=False,
        partial=False,
        width=_width(title, label, badges, 8, small=False) + 8,
        height=_HEIGHT,
    )


def _width(title: str, label: str, badges: list[str], below: int, small: bool) -> float:
    """Room for the icon, the longest of the three lines, and the badges that stand in the upper one."""
    upper = len(label) * _OVERLINE_LETTER + sum(len(badge) * 6.2 + 18 for badge in badges)
    lower = len(title) * (_VALUE_LETTER if small else _LETTER)
    longest = lower if small else max(upper, lower, (below + _DATE) * _META_LETTER)
    wish = (42.0 if small else 60.0) + longest
    return float(round(min(max(wish, _NARROW if not small else 84.0), _WIDE if not small else 240.0)))


def _styled(card: Card, style: Mapping[str, str] | None) -> Card:
    if not style:
        return card
    return replace(
        card, icon=str(style.get("icon") or card.icon), label=str(style.get("label") or card.label)
    )
