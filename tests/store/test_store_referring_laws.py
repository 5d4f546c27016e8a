"""What tokens mean does not depend on the order in which records arrive."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

RUNS, KEYS, DIGESTS, RESULTS = ("r", "s", "t"), ("/x", "/y"), ("aa", "bb"), ("result:1", "result:2")

# An edge's own token is run:<its number>; its time is its number, so causes come before what they cause.
edge_facts = st.tuples(
    # no direct reading: what is first seen as an input is whole and latest, which is a matter of order
    st.sampled_from(("write", "write", "refer", "refer", "refer")),
    st.sampled_from(KEYS),
    st.sampled_from(DIGESTS),
    st.sets(st.sampled_from(RESULTS)),  # further tokens that it gives
    st.one_of(st.sampled_from(RESULTS), st.integers(0, 30)),  # whom it refers to
    st.sampled_from(("input", "output")),
    st.booleans(),  # partial
)
record_facts = st.tuples(st.sampled_from(RUNS), st.integers(1, 2), st.lists(edge_facts, max_size=4))
drawn_records = st.lists(record_facts, min_size=1, max_size=7)
thorough = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _edge(number: int, facts) -> EdgeRecord:
    kind, key, digest, gives, target, direction, partial = facts
    given_tokens = (f"run:{number}", *sorted(gives))
    if kind == "refer":
        token = target if isinstance(target, str) else f"run:{target % max(number, 1)}"
        tokens = given_tokens if direction == "output" else ()
        return EdgeRecord.referring(
            token, direction=direction, how="observed", via="open", at=number, tokens=tokens
        )
    place = Location("file://h", key, f"file://{key}")
    return EdgeRecord(
        place, Content(digest), "output", "observed", "open", at=number, partial=partial, tokens=given_tokens
    )


def _records(drawn) -> list[Record]:
    number, records = 0, []
    for run, attempt, facts in drawn:
        edges = []
        for fact in facts:
            number += 1
            edges.append(_edge(number, fact))
        records.append(Record(RunRecord(run, "task"), attempt, tuple(edges)))
    return records


def _meant(token: str, at: int, told: list[EdgeRecord]) -> EdgeRecord | None:
    """The direct edge whose version the token means at a time, straight from the rules."""
    any_time = token.startswith("run:")
    found = [
        edge
        for edge in told
        if token in edge.tokens and (any_time or edge.at < at or (edge.at == at and edge.refers is None))
    ]
    if not found:
        return None
    last = max(found, key=lambda edge: edge.at)
    return last if last.refers is None else _meant(last.refers, last.at, told)


def _expected(records: list[Record]) -> tuple[dict[tuple, list], int]:
    told = [edge for record in records for edge in record.edges]
    edges: dict[tuple, list] = defaultdict(list)
    waiting = 0
    for record in records:
        for edge in record.edges:
            direct = edge if edge.refers is None else _meant(edge.refers, edge.at, told)
            if direct is None:
                waiting += 1
            else:
                content = (direct.location.uri, direct.content.digest)
                edges[record.run.id, content, edge.direction, record.attempt].append(edge)
    return edges, waiting


# One store for all examples: SQLAlchemy compiles its statements once for each engine.
_STORE = Store.open("sqlite://")


def _emptied() -> Store:
    with _STORE._database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return _STORE


def _answers(store: Store) -> tuple[object, ...]:
    """All but the numbers of versions, which are given as they arrive."""
    versions = {version.id: version for version in store.versions()}
    called = {key: (version.uri, version.digest) for key, version in versions.items()}
    graph = store.graph()
    edges = {
        (edge.run, called[edge.version], edge.direction, edge.attempt): (
            edge.times,
            edge.at,
            edge.partial,
            edge.unchanged,
        )
        for edge in graph.edges
    }
    assert len(edges) == len(graph.edges) == store.stats()["edges"]
    facts = {
        called[key]: (
            version.partial,
            version.created_at,
            version.aliases,
            sorted(version.producer_ids),
            sorted(version.consumer_ids),
        )
        for key, version in versions.items()
    }
    return edges, facts, store.stats()["edges_waiting"]


def _applied(batches) -> Store:
    store = _emptied()
    for batch in batches:
        store.apply(batch)
    return store


@thorough
@given(drawn_records)
def test_references_mean_what_the_rules_say(drawn) -> None:
    records = _records(drawn)
    edges, facts, waiting = _answers(_applied([records]))
    expected, left = _expected(records)
    assert waiting == left
    assert edges.keys() == expected.keys()
    for key, parts in expected.items():
        partial = all(part.partial for part in parts)
        assert edges[key] == (len(parts), min(part.at for part in parts), partial, False)
    assert {(run, content) for run, content, *_ in edges} == {
        (run, content) for content, fact in facts.items() for run in {*fact[3], *fact[4]}
    }


@thorough
@given(drawn_records, st.data())
def test_the_order_of_arrival_and_the_batches_change_nothing(drawn, data) -> None:
    records = _records(drawn)
    once = _answers(_applied([records]))
    arriving = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(records)))) | {len(records)})
    batches = [arriving[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
    assert _answers(_applied(batches)) == once


@thorough
@given(drawn_records, st.data())
def test_journals_replayed_in_any_order_change_nothing(drawn, data) -> None:
    records = _records(drawn)
    once = _answers(_applied([records]))
    steps = [
        (journal, position)
        for journal in data.draw(st.permutations(range(3)))
        for position in range(1, len(records[journal::3]) + 1)
    ]
    again = data.draw(st.lists(st.sampled_from(steps), max_size=6)) if steps else []
    store = _emptied()
    for journal, position in [*steps, *again]:
        store.apply([records[journal::3][position - 1]], journal=f"j{journal}", position=position)
    assert _answers(store) == once


@thorough
@given(drawn_records)
def test_references_leave_versions_as_they_are(drawn) -> None:
    records = _records(drawn)
    direct = [
        Record(record.run, record.attempt, tuple(edge for edge in record.edges if edge.refers is None))
        for record in records
    ]
    kept = {key: fact[:3] for key, fact in _answers(_applied([records]))[1].items()}
    assert kept == {key: fact[:3] for key, fact in _answers(_applied([direct]))[1].items()}
