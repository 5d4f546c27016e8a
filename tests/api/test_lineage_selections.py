from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.api.lineage_selections import Selection, select
from prefect_lineage.model.entities import Edge, Graph, Run, Version

RUNS = [
    Run(
        f"r{number}",
        "task",
        "name",
        "job",
        "flow-a" if number % 2 else "flow-b",
        None,
        None,
        "Completed",
        0,
        0,
        1,
    )
    for number in range(6)
]
VERSIONS = [
    Version(f"v{number}", "a", "name", number, "model" if number % 2 else "file", "", "", "", "all", None, 0)
    for number in range(6)
]
EDGES = st.lists(
    st.builds(
        Edge,
        st.sampled_from([run.id for run in RUNS]),
        st.sampled_from([version.id for version in VERSIONS]),
        st.sampled_from(["input", "output"]),
        st.just("observed"),
        st.just("open"),
        st.just(1),
        st.just(1),
        st.integers(0, 9),
    ),
    unique=True,
    max_size=15,
)
GRAPHS = st.builds(
    lambda edges, root: Graph((*RUNS, *VERSIONS), tuple(edges), root),
    EDGES,
    st.sampled_from([None, "r0", "v0"]),
)
MAYBE_TIME = st.none() | st.integers(0, 9)
SELECTIONS = st.builds(
    Selection,
    flow=st.sampled_from([None, "flow-a", "flow-*", "none"]),
    runs=st.none() | st.frozensets(st.sampled_from([run.id for run in RUNS])),
    type=st.sampled_from([None, "model"]),
    since=MAYBE_TIME,
    until=MAYBE_TIME,
)


@given(GRAPHS)
def test_who_asks_for_nothing_gets_the_graph(graph: Graph) -> None:
    assert select(graph, Selection()) is graph


@given(GRAPHS, SELECTIONS)
def test_selecting_twice_is_selecting_once(graph: Graph, selection: Selection) -> None:
    once = select(graph, selection)
    assert select(once, selection) == once


@given(GRAPHS, SELECTIONS)
def test_every_edge_keeps_both_ends_and_the_root_stays(graph: Graph, selection: Selection) -> None:
    selected = select(graph, selection)
    assert set(selected.edges) <= set(graph.edges)
    assert all(edge.run in selected and edge.version in selected for edge in selected.edges)
    assert graph.root is None or graph.root in selected


@given(GRAPHS, SELECTIONS, SELECTIONS)
def test_the_order_of_two_selections_does_not_matter(graph: Graph, one: Selection, other: Selection) -> None:
    assert set(select(select(graph, one), other).edges) == set(select(select(graph, other), one).edges)


@given(GRAPHS, st.integers(0, 9))
def test_two_halves_of_time_have_every_edge_once(graph: Graph, at: int) -> None:
    before, after = select(graph, Selection(until=at)), select(graph, Selection(since=at + 1))
    assert sorted(map(hash, (*before.edges, *after.edges))) == sorted(map(hash, graph.edges))
