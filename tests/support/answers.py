"""Everything that a store can be asked, asked: to compare one store with another, or with itself at another time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from prefect_lineage.errors import ReferenceFailure
from prefect_lineage.model.entities import Graph, Run, Version
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.engine import Database
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

__all__ = ["all_answers", "all_rows"]

FILTERS = (
    Filter(),
    Filter(limit=2, offset=1),
    Filter(state="completed"),
    Filter(job="*1"),
    Filter(flow="f*"),
    Filter(type="file"),
    Filter(name="*[xyz]*"),
    Filter(unended=True),
    Filter(since=3, until=9),
    Filter(tag="nightly"),
    Filter(metadata={"k": 1}),
)


def all_rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, history included."""
    database = Database(url)
    try:
        with database.reading() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
                for table in metadata.sorted_tables
            }
    finally:
        database.close()


def all_answers(store: Store) -> dict[str, Any]:
    """Listings with every filter, references, neighbours, closures, the graph, the counts."""
    answers: dict[str, Any] = {}
    for number, wanted in enumerate(FILTERS):
        answers[f"artifacts {number}"] = [item.to_dict() for item in store.artifacts(wanted)]
        answers[f"versions {number}"] = [item.to_dict() for item in store.versions(wanted)]
        answers[f"runs {number}"] = [item.to_dict() for item in store.runs(wanted)]
        answers[f"graph {number}"] = _graph(store.graph(wanted))
    nodes: list[Version | Run] = [*store.versions(), *store.runs()]
    for node in nodes:
        for direction in ("upstream", "downstream"):
            for depth, as_of in ((None, None), (1, None), (None, 6)):
                closure = store.closure_of(node, direction, depth, as_of)
                answers[f"{node.id} {direction} {depth} {as_of}"] = _graph(closure)
        if isinstance(node, Version):
            ends = (store.producers_of(node), store.consumers_of(node))
            answers[f"{node.id} ends"] = [[run.id for run in found] for found in ends]
            answers[f"{node.id} names"] = [_meant(store, text) for text in _references(node)]
        else:
            met = (store.inputs_of(node), store.outputs_of(node))
            answers[f"{node.id} ends"] = [[version.id for version in found] for found in met]
            answers[f"{node.id} names"] = [
                _meant(store, f"run:{text}") for text in (node.id, node.id[:3], node.name)
            ]
    counts = store.stats()
    answers["stats"] = {name: value for name, value in counts.items() if name not in {"url", "bytes"}}
    return answers


def _references(version: Version) -> list[str]:
    name = version.name
    texts = [name, f"{name}:v{version.number}", f"{name}@{version.digest[:12]}", version.uri, version.id]
    return [*texts, *(f"{name}:{alias}" for alias in version.aliases), f"{name}:nobody"]


def _meant(store: Store, text: str) -> str:
    try:
        return store.node(Reference.parse(text)).id
    except ReferenceFailure as error:
        return f"{type(error).__name__}: {error}"


def _graph(graph: Graph) -> Any:
    return (
        [node.id for node in graph.nodes],
        [edge.to_dict() for edge in graph.edges],
        graph.root,
        graph.truncated,
    )
