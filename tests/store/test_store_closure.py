from __future__ import annotations

from itertools import pairwise

import pytest

from prefect_lineage.errors import LineageError
from prefect_lineage.model.entities import Graph
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.store import Store


def node(store: Store, text: str):
    return store.node(Reference.parse(text))


def labels(graph: Graph) -> list[str]:
    return [item.id if hasattr(item, "job") else item.uri.rpartition("/")[2] for item in graph]


@pytest.fixture
def chain(store: Store, make) -> Store:
    """x -> a -> y -> b -> z, and c reads y."""
    store.apply(
        [
            make.run("a", make.read("/x", "aa", at=1), make.write("/y", "bb", at=2)),
            make.run("b", make.read("/y", "bb", at=3), make.write("/z", "cc", at=4)),
            make.run("c", make.read("/y", "bb", at=5), make.write("/w", "dd", at=6)),
        ]
    )
    return store


def test_upstream_is_all_that_a_version_was_made_from_the_root_first(chain: Store) -> None:
    graph = chain.closure(node(chain, "/z"), "upstream")
    assert labels(graph) == ["z", "b", "y", "a", "x"]
    assert graph.root == node(chain, "/z").id
    assert len(graph.edges) == 4


def test_downstream_is_all_that_was_made_from_it(chain: Store) -> None:
    graph = chain.closure(node(chain, "/x"), "downstream")
    assert set(labels(graph)) == {"x", "a", "y", "b", "z", "c", "w"}
    assert len(graph.edges) == 6


def test_a_run_has_an_upstream_and_a_downstream_too(chain: Store) -> None:
    assert labels(node(chain, "run:b").upstream()) == ["b", "y", "a", "x"]
    assert labels(node(chain, "run:b").downstream()) == ["b", "z"]


@pytest.mark.parametrize(
    ("depth", "expected"), [(0, "z"), (1, "zb"), (2, "zby"), (3, "zbya"), (4, "zbyax"), (1000, "zbyax")]
)
def test_depth_counts_edges(chain: Store, depth: int, expected: str) -> None:
    graph = chain.closure(node(chain, "/z"), "upstream", depth=depth)
    assert labels(graph) == list(expected)
    assert len(graph.edges) == len(expected) - 1


def test_a_neighbourhood_is_both_ways_without_the_siblings(chain: Store) -> None:
    graph = chain.neighbourhood(node(chain, "run:b"))
    assert set(labels(graph)) == {"b", "z", "y", "a", "x"}
    assert graph.root == "b"
    assert len(chain.neighbourhood(node(chain, "/y"), depth=1)) == 4


def test_as_of_leaves_out_what_came_later(chain: Store) -> None:
    assert set(labels(chain.closure(node(chain, "/x"), "downstream", as_of=3))) == {"x", "a", "y", "b"}


def test_a_bound_keeps_the_nearest_and_says_what_it_left_out(chain: Store) -> None:
    for depth in (None, 4):
        graph = chain.closure(node(chain, "/z"), "upstream", limit=3, depth=depth)
        assert labels(graph) == ["z", "b", "y"]
        assert graph.truncated == 2
        assert len(graph.edges) == 2


@pytest.mark.parametrize("depth", [None, 3, 1000])
def test_the_loop_of_two_ends(store: Store, make, depth: int | None) -> None:
    store.apply([make.run("same", make.read("/x", "aa"), make.write("/x", "aa", unchanged=True))])
    for direction in ("upstream", "downstream"):
        graph = store.closure(node(store, "/x"), direction, depth=depth)
        assert labels(graph) == ["x", "same"]
        assert sorted((edge.direction, edge.unchanged) for edge in graph.edges) == [
            ("input", False),
            ("output", True),
        ]


def test_a_ladder_of_diamonds_is_walked_once_per_node(store: Store, make) -> None:
    def rung(n: int, side: int):
        reads = [make.read(f"/{n}-{k}", f"{n:02x}{k}") for k in (0, 1)]
        return make.run(f"r{n}-{side}", *reads, make.write(f"/{n + 1}-{side}", f"{n + 1:02x}{side}"))

    records = [rung(n, side) for n in range(60) for side in (0, 1)]
    store.apply(records)
    # The top and its run, then two nodes at every further depth.
    assert len(store.closure(node(store, "/60-0"), "upstream")) == 2 + 4 * 59 + 2
    assert len(store.closure(node(store, "/60-0"), "upstream", depth=64)) == 2 + 2 * 63


def test_a_closure_takes_as_many_statements_for_ten_nodes_as_for_three_hundred(store: Store, make) -> None:
    from sqlalchemy import event

    names = [f"{n:03x}" for n in range(151)]
    steps = pairwise(names)
    store.apply([make.run(f"r{a}", make.read(f"/{a}", a), make.write(f"/{b}", b)) for a, b in steps])
    counts = []
    for end in ("/005", "/096"):
        version, statements = node(store, end), []
        note = lambda *args, statements=statements: statements.append(args[2])  # noqa: E731
        event.listen(store._database._engine, "before_cursor_execute", note)
        store.closure(version, "upstream")
        event.remove(store._database._engine, "before_cursor_execute", note)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 10


def test_a_direction_that_is_none_is_refused(chain: Store) -> None:
    with pytest.raises(LineageError, match="'sideways'"):
        chain.closure_of(node(chain, "/z"), "sideways", None, None)
