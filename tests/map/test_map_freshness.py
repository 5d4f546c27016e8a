"""What the graph proves to be out of date, and what it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.graph.freshness import Freshness, freshness
from prefect_lineage.model.entities import Edge, Graph, Run, Version

LATEST, OLDER = Freshness("latest"), Freshness("older")


def version(key: str, **more: Any) -> Version:
    """``a0`` is version 0 of artifact ``a``; ``a1*`` its version 1, the latest."""
    plain = key.rstrip("*")
    given: dict[str, Any] = {
        "id": plain,
        "artifact": plain[0],
        "name": plain[0],
        "number": int(plain[1:]),
        "type": "file",
        "uri": "",
        "namespace": "",
        "digest": "",
        "covers": "all",
        "size": None,
        "created_at": 0,
        "aliases": ("latest",) if key.endswith("*") else (),
    }
    return Version(**given | more)


def run(key: str) -> Run:
    return Run(key, "task", key, "f.t", "f", None, None, "Completed", 0, 1, 1)


def graph(versions: Iterable[str | Version], arrows: str, **more: Any) -> Graph:
    """Arrows ``a0>r`` (read) and ``r>b0`` (written), in words."""
    nodes: dict[str, Version | Run] = {}
    for each in versions:
        made = version(each) if isinstance(each, str) else each
        nodes[made.id] = made
    edges = []
    for arrow in arrows.split():
        tail, head = arrow.split(">")
        direction = "input" if isinstance(nodes.get(tail), Version) else "output"
        reader, kept = (head, tail) if direction == "input" else (tail, head)
        nodes.setdefault(reader, run(reader))
        facts: dict[str, Any] = {"how": "observed", "via": "open", "times": 1, "attempt": 1, "at": 0}
        edges.append(Edge(reader, kept, direction, **facts | more))
    return Graph(tuple(nodes.values()), tuple(edges))


def test_what_was_made_from_the_latest_is_the_latest() -> None:
    assert freshness(graph(["a1*", "b0*"], "a1>r r>b0")) == {"a1": LATEST, "b0": LATEST}


def test_what_was_made_from_a_replaced_version_is_stale_and_names_it() -> None:
    found = freshness(graph(["a0", "a1*", "b0*"], "a0>r r>b0"))
    assert found == {"a0": OLDER, "a1": LATEST, "b0": Freshness("stale", "a0")}


def test_a_version_that_is_not_the_latest_is_only_older() -> None:
    assert freshness(graph(["a0", "b0", "b1*"], "a0>r r>b0"))["b0"] == OLDER


def test_staleness_goes_downstream_with_its_first_cause() -> None:
    assert freshness(graph(["a0", "b0*", "c0*"], "a0>r r>b0 b0>s s>c0"))["c0"] == Freshness("stale", "a0")


def test_values_pass_staleness_on_and_have_none_of_their_own() -> None:
    value = version("v0", type="value")
    found = freshness(graph(["a0", value, "c0*"], "a0>r r>v0 v0>s s>c0"))
    assert found["c0"] == Freshness("stale", "a0")
    assert "v0" not in found
    assert freshness(graph([value, "c0*"], "v0>s s>c0"))["c0"] == LATEST


def test_one_producer_with_the_latest_inputs_is_enough() -> None:
    assert freshness(graph(["a0", "a1*", "b0*"], "a0>r r>b0 a1>s s>b0"))["b0"] == LATEST


def test_a_run_that_writes_the_next_version_of_what_it_read_makes_nothing_stale() -> None:
    assert freshness(graph(["a0", "a1*", "b0*"], "a0>r r>a1 r>b0"))["b0"] == LATEST


def test_a_run_that_read_both_versions_knew_the_latest() -> None:
    assert freshness(graph(["a0", "a1*", "b0*"], "a0>r a1>r r>b0"))["b0"] == LATEST


def test_what_is_inferred_or_partial_proves_nothing() -> None:
    assert freshness(graph(["a0", "a1*", "b0*"], "a0>r r>b0", how="inferred"))["b0"] == LATEST
    assert "b0" not in freshness(graph(["a0", version("b0*", partial=True)], "a0>r r>b0"))


def test_a_loop_of_reading_and_writing_the_same_bytes_ends() -> None:
    assert freshness(graph(["a0", "b0*"], "a0>r r>b0 b0>r"))["b0"] == Freshness("stale", "a0")
    assert freshness(graph(["b0*"], "b0>r r>b0"))["b0"] == LATEST


names = st.sampled_from(["a0", "a1*", "b0", "b1*", "c0*", "d0*"])


@given(st.lists(st.tuples(names, st.sampled_from("rst"), st.booleans()), max_size=14))
def test_every_stale_version_has_a_replaced_one_upstream(ends: list[tuple[str, str, bool]]) -> None:
    arrows = " ".join(f"{v.rstrip('*')}>{r}" if reads else f"{r}>{v.rstrip('*')}" for v, r, reads in ends)
    made = graph(["a0", "a1*", "b0", "b1*", "c0*", "d0*"], arrows)
    before: dict[str, set[str]] = {}
    for edge in made.edges:
        before.setdefault(edge.head, set()).add(edge.tail)
    for key, found in freshness(made).items():
        upstream, queue = {key}, [key]
        while queue:
            fresh = before.get(queue.pop(), set()) - upstream
            upstream |= fresh
            queue.extend(fresh)
        if found.state == "stale":
            assert found.cause in upstream
            assert found.cause in {"a0", "b0"}
