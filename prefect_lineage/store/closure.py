"""All that lies upstream or downstream of a node, by one recursive query.

A node is one integer: the row id of a version, or minus the row id of a run. ``UNION`` drops what was seen,
so loops end; SQLite and PostgreSQL find nodes breadth first, so a bound cuts what is farthest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.model.entities import Edge, Graph
from prefect_lineage.store.rows import Loader
from prefect_lineage.store.schema import INPUT, OUTPUT, edges

__all__ = ["DIRECTION_ERROR", "Direction", "Found", "assemble", "walk"]

Direction = Literal["upstream", "downstream"]

DIRECTION_ERROR = "A direction is 'upstream' or 'downstream', not {!r}."

_DEEP = 64
"""Up to this depth the query counts it: a node then appears once per depth that it lies at, which is cheap
while depths are few. Beyond it the whole closure is taken and cut afterwards."""


_START = sa.cast(sa.bindparam("start", type_=sa.BigInteger), sa.BigInteger)
_MOST: sa.BindParameter[int] = sa.bindparam("most", type_=sa.Integer)

Statement = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk met: nodes as integers, nearest first, the edges among them, and how many were left out."""

    nodes: tuple[int, ...]
    edges: list[tuple[int, int, Edge]]
    left_out: int = 0


def walk(
    connection: Connection,
    loader: Loader,
    node: int,
    direction: Direction,
    *,
    depth: int | None,
    as_of: int | None,
    limit: int,
) -> Found:
    """The closure of one node.

    Args:
        connection: in a transaction, so that nodes and edges are of one state.
        loader: on the same connection.
        node: where to begin.
        direction: along which way.
        depth: how many edges far; None: all the way.
        as_of: microseconds; edges made later do not count.
        limit: how many nodes at most.
    """
    if depth is not None and depth <= _DEEP:
        nodes, total = _counted(connection, node, direction, depth, as_of, limit)
        return Found(nodes, _edges_among(loader, nodes, as_of), total - len(nodes))
    nodes, total = _whole(connection, node, direction, as_of, limit)
    between = _edges_among(loader, nodes, as_of)
    if depth is None:
        return Found(nodes, between, total - len(nodes))
    return _cut(Found(nodes, between, total - len(nodes)), node, direction, depth)


def assemble(loader: Loader, parts: Iterable[Found], root: int | None = None) -> Graph:
    """One graph of the union of what walks found, the root first."""
    parts = list(parts)
    nodes = dict.fromkeys(node for part in parts for node in part.nodes)
    versions = loader.versions(node for node in nodes if node > 0)
    runs = loader.runs(-node for node in nodes if node < 0)
    members = {node: versions[node] if node > 0 else runs[-node] for node in nodes}
    return Graph(
        nodes=tuple(members.values()),
        edges=_edges_of(parts),
        root=None if root is None else members[root].id,
        truncated=sum(part.left_out for part in parts),
    )


def _edges_of(parts: list[Found]) -> tuple[Edge, ...]:
    """The edges of all parts, each once; in one part each is there once."""
    if len(parts) == 1:
        return tuple(edge for *_, edge in parts[0].edges)
    between = {
        (run, version, edge.direction, edge.attempt): edge
        for part in parts
        for run, version, edge in part.edges
    }
    return tuple(between.values())


def _counted(
    connection: Connection, node: int, direction: Direction, depth: int, as_of: int | None, limit: int
) -> tuple[tuple[int, ...], int]:
    asked = {"start": node, "depth": depth, "as_of": as_of, "most": limit}
    nearest, total = _nodes_by_depth(direction, as_of is not None)
    nodes = tuple(connection.execute(nearest, asked).scalars().all())  # one call, not one a row
    if len(nodes) < limit:
        return nodes, len(nodes)
    return nodes, connection.execute(total, asked).scalar_one()


def _whole(
    connection: Connection, node: int, direction: Direction, as_of: int | None, limit: int
) -> tuple[tuple[int, ...], int]:
    asked = {"start": node, "as_of": as_of, "most": limit}
    first, total = _nodes(direction, as_of is not None)
    nodes = tuple(connection.execute(first, asked).scalars().all())
    if len(nodes) < limit:
        return nodes, len(nodes)
    return nodes, connection.execute(total, asked).scalar_one()


@cache
def _nodes_by_depth(direction: Direction, at_a_time: bool) -> tuple[Statement, Statement]:
    """The nodes up to a depth, nearest first, and how many there are; built once."""
    found = sa.select(_START.label("node"), sa.literal_column("0").label("depth")).cte(
        "found", recursive=True
    )
    step = sa.select(_other_end(found), found.c.depth + 1).select_from(
        found.join(edges, _leads_on(found, direction, at_a_time))
    )
    found = found.union(step.where(found.c.depth < sa.bindparam("depth", type_=sa.Integer)))
    nearest = sa.func.min(found.c.depth)
    statement = sa.select(found.c.node).group_by(found.c.node).order_by(nearest, sa.func.abs(found.c.node))
    return statement.limit(_MOST), sa.select(sa.func.count(sa.distinct(found.c.node)))


@cache
def _nodes(direction: Direction, at_a_time: bool) -> tuple[Statement, Statement]:
    """The nodes however far, and how many there are; built once."""
    found = sa.select(_START.label("node")).cte("found", recursive=True)
    way = found.join(edges, _leads_on(found, direction, at_a_time))
    found = found.union(sa.select(_other_end(found)).select_from(way))
    return sa.select(found.c.node).limit(_MOST), sa.select(sa.func.count()).select_from(found)


def _other_end(found: sa.CTE) -> sa.ColumnElement[int]:
    return sa.case((found.c.node > 0, -edges.c.run_id), else_=edges.c.version_id).label("node")


def _leads_on(found: sa.CTE, direction: Direction, at_a_time: bool) -> sa.ColumnElement[bool]:
    """From a version along one kind of edge, from a run along the other. Row ids are positive, so each
    half is met by its own kind of node only; each is one index search."""
    from_version, from_run = (OUTPUT, INPUT) if direction == "upstream" else (INPUT, OUTPUT)
    condition = sa.or_(
        sa.and_(edges.c.version_id == found.c.node, edges.c.direction == from_version),
        sa.and_(edges.c.run_id == -found.c.node, edges.c.direction == from_run),
    )
    return (
        sa.and_(condition, edges.c.at <= sa.bindparam("as_of", type_=sa.BigInteger))
        if at_a_time
        else condition
    )


def _edges_among(loader: Loader, nodes: Iterable[int], as_of: int | None) -> list[tuple[int, int, Edge]]:
    """Every edge between two of the nodes. All of them lie on the way that was walked: who leads to a node
    that was met, leads to the start."""
    members = set(nodes)
    between = loader.edges((-node for node in nodes if node < 0), as_of)
    return [(run, version, edge) for run, version, edge in between if version in members]


def _cut(found: Found, start: int, direction: Direction, depth: int) -> Found:
    """What lies at most ``depth`` edges away."""
    onward: dict[int, list[int]] = {}
    for run, version, edge in found.edges:
        tail, head = (version, -run) if edge.direction == "input" else (-run, version)
        here, there = (head, tail) if direction == "upstream" else (tail, head)
        onward.setdefault(here, []).append(there)
    reached, queue = {start: 0}, deque([start])
    while queue:
        here = queue.popleft()
        if reached[here] == depth:
            continue
        for there in onward.get(here, ()):
            if there not in reached:
                reached[there] = reached[here] + 1
                queue.append(there)
    kept = [edge for edge in found.edges if -edge[0] in reached and edge[1] in reached]
    return Found(tuple(reached), kept, found.left_out)
