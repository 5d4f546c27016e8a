"""The page: pyvis' network in a template of ours, with everything inside and nothing from outside.

Only ``add_node``, ``add_edge``, ``options``, ``templateEnv``, ``path`` and ``generate_html`` of pyvis are
used: the rest either reaches for the network or lets recorded text run as script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from prefect_lineage.errors import MapError
from prefect_lineage.export.bundle import bundle
from prefect_lineage.export.document import core, edges, facts, levels, outer
from prefect_lineage.export.staging import Stage, Stages
from prefect_lineage.export.view import Card, View
from prefect_lineage.export.words import printable
from prefect_lineage.model.entities import Run
from prefect_lineage.model.times import iso

__all__ = ["VIS_SHA256", "render"]

VIS_SHA256 = "1f20f0736f32cb9bedf8f6383b25cfea2f839e1abe80d6e8040b4d5bea378c69"
"""Of ``vis-network.min.js`` 9.1.2 as pyvis 0.3.2 ships it; nothing else is ever put into a page."""

_VIS = "templates/lib/vis-9.1.2/vis-network.min.js"
_TEMPLATE = "lineage.html.j2"
_PLAIN_ROWS = 2000

_OPTIONS: dict[str, Any] = {
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False},
    "nodes": {"shape": "custom"},
    "edges": {"smooth": {"enabled": False}, "hidden": True},
    "interaction": {
        "dragNodes": False,
        "hover": False,
        "keyboard": {"enabled": False},
        "multiselect": False,
        "navigationButtons": False,
        "selectConnectedEdges": False,
        "tooltipDelay": 86_400_000,
        "zoomSpeed": 0.6,
    },
}


def render(view: View, stages: Stages, about: Mapping[str, Any], around: Iterable[Run] = ()) -> str:
    """The whole HTML document.

    Args:
        view: cards and links.
        stages: what the page opens with, and where everything lies.
        about: ``title``, ``subtitle``, ``source``, ``generated_at`` (ISO 8601), ``ui_url``, ``level``, ``group``.
        around: runs that are no cards themselves, but that cards belong to.

    Raises:
        MapError: the vis-network that pyvis brought is not the known one.
    """
    head = {key: printable(value) if isinstance(value, str) else value for key, value in about.items()}
    scripts = {"boot": _static("boot.js"), "vis": _vis_network(), "script": bundle("main", _module)}
    css = _static("lineage.css")
    net = _network(stages.opening)
    net.templateEnv = _environment()
    net.templateEnv.globals.update(
        {name: Markup(_inline(text)) for name, text in scripts.items()},  # noqa: S704 - our own files, checked
        css=Markup(css),  # noqa: S704 - our own file
        csp=_policy(list(scripts.values()), css),
        about=head,
        lineage=core(view, stages, about),
        levels=levels(stages),
        around=outer(around),
        edges_of=edges(view),
        facts=list(facts(view)),
        rows=_rows(view, _PLAIN_ROWS, stages.whole),
        left_out=max(0, len(view.cards) - _PLAIN_ROWS),
    )
    net.path = _TEMPLATE
    return str(net.generate_html(notebook=False))


def _network(stage: Stage) -> Any:
    """pyvis' network: the cards that the page opens with at their places, links with their routes."""
    from pyvis.network import Network

    class FastNetwork(Network):  # type: ignore[misc]
        """``add_edge`` looks its ends up in what this returns: in a list, that is slow for large graphs."""

        def get_nodes(self) -> Any:
            return self.node_map.keys()

    net = FastNetwork(directed=True, cdn_resources="in_line")
    placed = stage.placement
    for index, key in enumerate(stage.keys):
        net.add_node(
            key,
            label=" ",
            shape="custom",
            x=placed.x[index],
            y=placed.y[index],
            level=placed.column[index],
            width=stage.width(index),
            height=stage.sizes[index][1],
        )
    for index, (tail, head) in enumerate(stage.links):
        net.add_edge(stage.keys[tail], stage.keys[head], hidden=True, route=stage.route(index))
    net.options = _OPTIONS
    return net


def _environment() -> Environment:
    template = (resources.files("prefect_lineage.export") / "templates" / _TEMPLATE).read_text(
        encoding="utf-8"
    )
    environment = Environment(
        loader=DictLoader({_TEMPLATE: template}), autoescape=True, undefined=StrictUndefined
    )
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": False,
        "allow_nan": False,
        "separators": (",", ":"),
    }
    return environment


def _rows(view: View, most: int, placed: Stage | None) -> list[dict[str, Any]]:
    """The plain table, for a reader without JavaScript: in the order of the data, as far as that is known."""
    inputs: list[list[str]] = [[] for _ in view.cards[:most]]
    outputs: list[list[str]] = [[] for _ in view.cards[:most]]
    for link in view.links:
        if link.tail < most:
            outputs[link.tail].append(printable(view.cards[link.head].title))
        if link.head < most:
            inputs[link.head].append(printable(view.cards[link.tail].title))
    nodes = [node.to_dict() for node in view.graph.nodes[:most]]
    rows = [
        {
            "kind": "Run" if card.kind == "run" else "Artifact",
            "title": printable(card.title),
            "group": printable(card.group),
            "state": printable(", ".join(_state(card, node))),
            "size": _size(card),
            "time": f"{iso(card.time) or ''}"[:19].replace("T", " ")
            + (" UTC" if card.time is not None else ""),
            "inputs": inputs[index],
            "outputs": outputs[index],
        }
        for index, (card, node) in enumerate(zip(view.cards, nodes, strict=False))
    ]
    if placed is None:
        return rows
    column, y = placed.placement.column, placed.placement.y
    return [
        rows[index] for index in sorted(range(len(rows)), key=lambda index: (column[index], y[index], index))
    ]


def _state(card: Card, node: Mapping[str, Any]) -> list[str]:
    """The state of a run and the badges of a card, but for one that says the same again."""
    state = str(node.get("state") or "")
    return [word for word in (state, *(badge for badge in card.badges if badge != state.lower())) if word]


def _size(card: Card) -> str:
    """What stands below a name on the map, for the plain table."""
    rows = f"{card.rows:,} rows" if card.rows is not None else ""
    size = f"{card.size:,} bytes" if card.size is not None else ""
    took = f"{card.seconds:,.2f} s" if card.seconds is not None else ""
    return ", ".join(part for part in (rows, size, took) if part)


def _static(name: str) -> str:
    return (resources.files("prefect_lineage.export") / "static" / name).read_text(encoding="utf-8")


def _module(name: str) -> str:
    return _static(f"{name}.js")


def _vis_network() -> str:
    bundled = resources.files("pyvis") / _VIS
    content = bundled.read_bytes() if bundled.is_file() else b""
    if hashlib.sha256(content).hexdigest() != VIS_SHA256:
        raise MapError(
            "The vis-network.min.js that pyvis brought is not the one of pyvis 0.3.2, so it is not put into "
            "the page; install pyvis==0.3.2."
        )
    # A browser turns line ends into "\n" before it hashes a script, so the policy must hash the same.
    return content.decode("utf-8").replace("\r\n", "\n")


def _inline(script: str) -> str:
    """The script, once it is certain that no part of it can end its own element."""
    if "</script" in script.lower() or "<!--" in script:
        raise MapError("A script of the page contains '</script' or '<!--' and cannot be put into it.")
    return script


def _policy(scripts: Sequence[str], css: str) -> str:
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(css)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"
