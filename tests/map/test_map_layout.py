"""Laws of the layout, for any graph."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage.export.layout import Placement, Spacing, layout, layout_in_lanes
from prefect_lineage.export.layout.chains import Columns, columns_of
from prefect_lineage.export.layout.heights import spread
from prefect_lineage.export.layout.nudging import nudge
from prefect_lineage.export.layout.ordering import arrange, crossings
from prefect_lineage.export.layout.ranks import ranks
from prefect_lineage.export.layout.sifting import profile, settle
from prefect_lineage.graph.digraph import Digraph, acyclic, back_edges, components, topological

Pair = tuple[int, int]
unhurried = settings(deadline=None)  # the first call imports networkx
Drawing = tuple[list[tuple[float, float]], list[Pair]]


@st.composite
def drawings(draw: st.DrawFn, acyclic_only: bool = False) -> Drawing:
    size = draw(st.integers(1, 24))
    ends = st.integers(0, size - 1)
    edges = draw(st.lists(st.tuples(ends, ends), max_size=48))
    if acyclic_only:
        edges = [(min(edge), max(edge)) for edge in edges]
    sizes = draw(st.lists(st.tuples(st.integers(80, 280), st.integers(30, 60)), min_size=size, max_size=size))
    return [(float(width), float(height)) for width, height in sizes], edges


def strongly_connected(size: int, edges: list[Pair]) -> set[Pair]:
    """Pairs that reach each other, by plain search."""
    reach = [{node} for node in range(size)]
    for start in range(size):
        queue = [start]
        while queue:
            at = queue.pop()
            for tail, head in edges:
                if tail == at and head not in reach[start]:
                    reach[start].add(head)
                    queue.append(head)
    return {(a, b) for a in range(size) for b in reach[a] if a in reach[b]}


@unhurried
@given(drawings())
def test_edges_go_right_except_in_loops(drawing: Drawing) -> None:
    sizes, edges = drawing
    placed = layout(sizes, edges)
    together = strongly_connected(len(sizes), edges)
    for tail, head in edges:
        if tail != head and (tail, head) not in together:
            assert placed.x[tail] + sizes[tail][0] / 2 < placed.x[head] - sizes[head][0] / 2


@unhurried
@given(drawings())
def test_no_two_cards_overlap(drawing: Drawing) -> None:
    sizes, edges = drawing
    placed = layout(sizes, edges)
    for a in range(len(sizes)):
        for b in range(a):
            apart_x = abs(placed.x[a] - placed.x[b]) - (sizes[a][0] + sizes[b][0]) / 2
            apart_y = abs(placed.y[a] - placed.y[b]) - (sizes[a][1] + sizes[b][1]) / 2
            assert apart_x > 0 or apart_y > 0


@unhurried
@given(drawings(), st.data())
def test_lanes_lie_below_each_other_and_edges_go_right_in_them(drawing: Drawing, data: st.DataObject) -> None:
    sizes, edges = drawing
    lanes = data.draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    placed = layout_in_lanes(sizes, edges, lanes)
    assert placed == layout_in_lanes(sizes, edges, lanes)
    together = strongly_connected(len(sizes), edges)
    for tail, head in edges:
        if tail != head and (tail, head) not in together:
            assert placed.x[tail] + sizes[tail][0] / 2 < placed.x[head] - sizes[head][0] / 2
    for a in range(len(sizes)):
        for b in range(a):
            apart_x = abs(placed.x[a] - placed.x[b]) - (sizes[a][0] + sizes[b][0]) / 2
            apart_y = abs(placed.y[a] - placed.y[b]) - (sizes[a][1] + sizes[b][1]) / 2
            assert apart_x > 0 or apart_y > 0
            if lanes[a] != lanes[b]:
                upper, lower = (a, b) if lanes[a] < lanes[b] else (b, a)
                assert placed.y[upper] + sizes[upper][1] / 2 < placed.y[lower] - sizes[lower][1] / 2
    for (tail, head), points in placed.routes.items():
        xs = [placed.x[tail], *(x for x, _ in points), placed.x[head]]
        assert xs == sorted(xs)
        for _, y in points:  # an edge leaves in the lane where it begins
            for node, lane in enumerate(lanes):
                if lane > lanes[tail]:
                    assert y < placed.y[node] - sizes[node][1] / 2


@unhurried
@given(drawings())
def test_the_same_graph_is_always_drawn_the_same(drawing: Drawing) -> None:
    sizes, edges = drawing
    assert layout(sizes, edges) == layout(sizes, list(edges))


@unhurried
@given(drawings(acyclic_only=True))
def test_long_edges_have_one_waypoint_in_each_column_between(drawing: Drawing) -> None:
    sizes, edges = drawing
    placed = layout(sizes, edges)
    for tail, head in {edge for edge in edges if edge[0] != edge[1]}:
        route = placed.routes.get((tail, head), ())
        assert len(route) == placed.column[head] - placed.column[tail] - 1
        assert [x for x, _ in route] == sorted(x for x, _ in route)


@unhurried
@given(drawings(acyclic_only=True))
def test_the_fast_ranker_obeys_the_same_law_as_the_exact_one(drawing: Drawing) -> None:
    sizes, edges = drawing
    for members in components(Digraph.of(len(sizes), edges)):
        own = {node: index for index, node in enumerate(members)}
        graph = Digraph.of(len(members), [(own[a], own[b]) for a, b in edges if a in own])
        fast, exact = ranks(graph, exact_limit=0), ranks(graph)
        for column in (fast, exact):
            assert min(column) == 0
            assert all(column[tail] < column[head] for tail, head in graph.edges())
        assert length(graph, exact) <= length(graph, fast)


def length(graph: Digraph, column: list[int]) -> int:
    return sum(column[head] - column[tail] for tail, head in graph.edges())


@unhurried
@given(drawings())
def test_turning_edges_round_leaves_no_loop(drawing: Drawing) -> None:
    sizes, edges = drawing
    graph = Digraph.of(len(sizes), edges)
    forward = acyclic(graph)
    assert len(topological(forward)) == len(sizes)
    assert not back_edges(forward)


@unhurried
@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20), st.floats(0, 100))
def test_spread_keeps_order_and_distance_and_moves_nothing_without_need(
    wishes: list[float], gap: float
) -> None:
    placed = spread(wishes, [gap] * (len(wishes) - 1), [1.0] * len(wishes))
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(placed))
    again = spread(placed, [gap] * (len(wishes) - 1), [1.0] * len(wishes))
    assert again == pytest.approx(placed, abs=1e-6)


def test_a_loop_of_two_turns_the_weak_edge_round() -> None:
    placed = layout([(100.0, 50.0)] * 2, [(0, 1), (1, 0)], weak=[(0, 1)])
    assert placed.x[1] < placed.x[0]


def test_an_empty_graph_has_an_empty_placement() -> None:
    assert layout([], []) == Placement((), (), (), (), {}, 0)


def test_nodes_without_edges_stand_in_a_grid() -> None:
    placed = layout([(100.0, 50.0)] * 9, [])
    assert len(set(zip(placed.x, placed.y, strict=True))) == 9
    assert len(set(placed.y)) == 3


def test_columns_are_as_wide_as_their_widest_card() -> None:
    placed = layout(
        [(100.0, 50.0), (200.0, 50.0), (120.0, 50.0)], [(0, 1), (0, 2)], spacing=Spacing(column=10.0)
    )
    assert placed.width == (100.0, 200.0, 200.0)
    assert placed.x == (50.0, 210.0, 210.0)


def test_a_tree_is_drawn_without_crossings() -> None:
    edges = [(node // 2, node) for node in range(1, 64)]
    assert layout([(100.0, 50.0)] * 64, edges).crossings == 0


def test_what_hangs_on_a_hub_keeps_to_itself_in_straight_lines() -> None:
    """One source of forty chains, each of which ends in two cards: a hub must not bend them."""
    edges: list[Pair] = []
    for chain in range(40):
        first = 1 + 5 * chain
        edges += [(0, first), (first, first + 1), (first + 1, first + 2)]
        edges += [(first + 2, first + 3), (first + 2, first + 4)]
    placed = layout([(100.0, 50.0)] * 201, edges)
    assert placed.crossings == 0
    for first in range(1, 201, 5):
        assert placed.y[first] == placed.y[first + 1] == placed.y[first + 2]
        assert abs((placed.y[first + 3] + placed.y[first + 4]) / 2 - placed.y[first]) <= 35


def test_a_chain_of_any_length_is_safe() -> None:
    placed = layout([(100.0, 50.0)] * 5000, [(node, node + 1) for node in range(4999)])
    assert placed.column == tuple(range(5000))
    assert len(set(placed.y)) == 1


@pytest.mark.parametrize(("size", "seconds"), [(1000, 5.0), (10_000, 30.0)])
def test_large_graphs_take_seconds_not_minutes(size: int, seconds: float) -> None:
    """The bounds leave room for a busy machine: 0.3 s and 2 s were measured."""
    edges = [(max(0, node - 1 - node * 7919 % 13), node) for node in range(1, size)]
    edges += [(max(0, node - 1 - node * 104729 % 29), node) for node in range(1, size, 2)]
    started = time.perf_counter()
    layout([(200.0, 58.0)] * size, edges)
    assert time.perf_counter() - started < seconds


def columns_in(drawing: Drawing) -> Iterator[Columns]:
    """The columns of each part of a drawing."""
    sizes, edges = drawing
    for members in components(Digraph.of(len(sizes), edges)):
        own = {node: index for index, node in enumerate(members)}
        graph = Digraph.of(len(members), [(own[a], own[b]) for a, b in edges if a in own])
        yield columns_of(graph, ranks(graph))


def crossing_pairs(columns: Columns) -> int:
    """Crossings by plain comparison of every pair of lines."""
    place = columns.places()
    return sum(
        (place[a] - place[c]) * (place[b] - place[d]) < 0
        for column in columns.members
        for a in column
        for c in column
        if a < c
        for b in columns.after[a]
        for d in columns.after[c]
    )


@unhurried
@given(drawings(acyclic_only=True))
def test_crossings_are_counted_as_by_comparing_every_pair_of_lines(drawing: Drawing) -> None:
    for columns in columns_in(drawing):
        assert crossings(columns, columns.places()) == crossing_pairs(columns)


@unhurried
@given(st.sets(st.integers(0, 20), max_size=8), st.integers(21, 25))
def test_a_profile_counts_the_ends_below_less_those_above(ends: set[int], width: int) -> None:
    counted = [sum(end > at for end in ends) - sum(end < at for end in ends) for at in range(width)]
    assert profile(ends, width) == counted


@unhurried
@given(drawings(acyclic_only=True), st.booleans(), st.integers(1, 30))
def test_no_step_of_the_ordering_makes_more_crossings_or_loses_count(
    drawing: Drawing, pushed: bool, far: int
) -> None:
    for columns in columns_in(drawing):
        place = columns.places()
        before, items = crossings(columns, place), [sorted(column) for column in columns.members]
        if pushed:
            left = nudge(columns, place, before, far * 200)
        else:
            left = settle(columns, place, before, rounds=3, reach=far)
        assert left <= before
        assert left == crossing_pairs(columns)
        assert [sorted(column) for column in columns.members] == items
        assert place == columns.places()


@unhurried
@given(drawings(acyclic_only=True))
def test_the_order_that_is_found_has_as_many_crossings_as_it_says(drawing: Drawing) -> None:
    for columns in columns_in(drawing):
        assert arrange(columns, 5000) == crossing_pairs(columns)


@unhurried
@given(st.integers(2, 7), st.integers(0, 10**6))
def test_lines_that_need_not_cross_do_not(size: int, seed: int) -> None:
    """Ladders whose rails were shuffled: a drawing without crossings exists, and is found."""
    chance = random.Random(seed)
    names = list(range(3 * size))
    chance.shuffle(names)
    rungs = [(names[row], names[size + row]) for row in range(size)]
    rungs += [(names[size + row], names[2 * size + row]) for row in range(size)]
    rails = [(names[row], names[size + row + 1]) for row in range(size - 1)]
    assert layout([(100.0, 50.0)] * (3 * size), rungs + rails).crossings == 0
