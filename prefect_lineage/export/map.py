"""The map of a graph: one HTML page that needs nothing else."""

from __future__ import annotations

import html as escaping
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

from prefect_lineage.errors import MapError
from prefect_lineage.export.files import write_whole
from prefect_lineage.export.page import render
from prefect_lineage.export.staging import stages
from prefect_lineage.export.view import Style, View, view
from prefect_lineage.export.words import printable
from prefect_lineage.graph.levels import check_level
from prefect_lineage.model.entities import Graph, Run
from prefect_lineage.model.times import iso, now

__all__ = ["MOST_NODES", "LineageMap", "check_look", "lineage_map"]

MOST_NODES = 50_000
"""A page with more would be slow in every browser, and nobody could read it."""


class LineageMap:
    """A page that shows a graph; it is made when it is first asked for."""

    def __init__(self, shown: View, about: dict[str, str | None], around: Sequence[Run] = ()) -> None:
        self._view = shown
        self._about = about
        self._around = around

    @property
    def nodes(self) -> int:
        """How many runs and versions the page holds."""
        return len(self._view.cards)

    @property
    def edges(self) -> int:
        """How many edges the page holds."""
        return len(self._view.graph.edges)

    @cached_property
    def html(self) -> str:
        """The whole document; it makes no request to anywhere.

        Raises:
            MapError: the page cannot be made from what is installed.
        """
        return render(self._view, stages(self._view, self._about["group"]), self._about, self._around)

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; the absolute path of the file.

        Raises:
            MapError: the directory is missing or cannot be written.
        """
        return write_whole(Path(path), self.html)

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own, without access to the notebook."""
        return (
            f'<iframe srcdoc="{escaping.escape(self.html)}" title="{escaping.escape(self._title)}" '
            'sandbox="allow-scripts allow-popups allow-downloads" '
            'style="width:100%;height:640px;border:1px solid #d5dae3;border-radius:8px"></iframe>'
        )

    @property
    def _title(self) -> str:
        return printable(self._about["title"] or "")

    def __repr__(self) -> str:
        return f"<LineageMap of {self.nodes} nodes and {self.edges} edges>"


def lineage_map(
    graph: Graph,
    *,
    title: str | None = None,
    source: str = "",
    generated_at: int | None = None,
    ui_url: str | None = None,
    style: Style | None = None,
    level: str = "run",
    group: str | None = None,
    series: Callable[[str], str | None] | None = None,
    around: Iterable[Run] = (),
) -> LineageMap:
    """The map of a graph.

    Args:
        graph: runs and versions with their edges; an empty one gives a page that says so.
        title: the heading; by default the name of the node that was asked for.
        source: what the graph was read from, as it may be shown to anybody.
        generated_at: microseconds since the epoch, UTC; now by default.
        ui_url: where Prefect's UI is, for links to runs that know no link of their own.
        style: asked once per node, with its public JSON, for an ``icon`` and a ``label``.
        level: what the page opens with, ``run``, ``flow`` or ``artifact``; a reader can switch.
        series: what a name has in common with those that differ from it in dates only: they fold to one card.
        group: ``flow`` opens it with a frame around what each flow run did.
        around: the flow runs that runs of the graph belong to and that are not in it; they give the cards and frames
            of flow runs their names and states.

    Raises:
        MapError: there are more nodes than a page can hold, or no such group.
        LineageError: there is no such level.
    """
    check_look(level, group)
    _check_size(graph)
    shown = view(graph, style, series)
    root = _title_of(shown, graph.root)
    about = {
        "title": title or root or "Lineage",
        "subtitle": _subtitle(shown, root),
        "source": source,
        "generated_at": iso(now() if generated_at is None else generated_at),
        "ui_url": ui_url,
        "level": level,
        "group": group,
    }
    return LineageMap(shown, about, tuple(around))


def _title_of(shown: View, node: str | None) -> str | None:
    """What the card of a node is called."""
    cards = zip(shown.cards, shown.graph.nodes, strict=True)
    return next((card.title for card, each in cards if each.id == node), None)


def check_look(level: str, group: str | None) -> None:
    """Refuse what a page cannot look like.

    Raises:
        LineageError: there is no such level or group.
    """
    check_level(level)
    if group not in (None, "flow"):
        raise MapError(f"A map cannot be grouped by {group!r}; it can be grouped by flow.")


def _check_size(graph: Graph) -> None:
    total = len(graph) + graph.truncated
    if len(graph) > MOST_NODES:
        raise MapError(
            f"The map would have {total:,} nodes, but a page holds at most {MOST_NODES:,}: start from one version "
            "or run with a depth (REF --depth N), or take a shorter time (--since, --until)."
        )


def _subtitle(shown: View, root: str | None) -> str:
    runs = sum(card.kind == "run" for card in shown.cards)
    versions = len(shown.cards) - runs
    counts = f"{_count(runs, 'run')} and {_count(versions, 'version')}"
    if root:
        return f"Lineage of {root}: {counts}"
    ends = {end for edge in shown.graph.edges for end in (edge.run, edge.version)}
    # A store's graph is made of its edges; one that somebody put together may hold what has none.
    idle = all(run.id in ends for run in shown.graph.runs)
    return f"Recorded data: {counts}" + (" (runs that touched no data are left out)" if idle else "")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
