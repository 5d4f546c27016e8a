"""A store of any records answers as a few dictionaries do."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

KEYS, DIGESTS, NAMES, RUNS = (
    ("/x", "/y", "/z"),
    ("aa", "bb", "cc"),
    (None, None, "one", "two"),
    ("r", "s", "t", "u"),
)

edge_facts = st.tuples(
    st.sampled_from(KEYS),
    st.sampled_from(DIGESTS),
    st.sampled_from(("input", "output")),
    st.sampled_from(NAMES),
    st.booleans(),  # partial
    st.integers(1, 3),  # times
)
record_facts = st.tuples(st.sampled_from(RUNS), st.integers(1, 2), st.lists(edge_facts, max_size=4))
batches = st.lists(st.lists(record_facts, min_size=1, max_size=4), min_size=1, max_size=5)
thorough = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _records(drawn) -> list[list[Record]]:
    clock = count(1)  # later is later: what a late journal does is told elsewhere
    return [
        [
            Record(
                RunRecord(run, "task"),
                attempt,
                tuple(
                    EdgeRecord(
                        Location("file://h", key, f"file://{key}"),
                        Content(digest),
                        direction,
                        "observed",
                        "open",
                        name=name,
                        partial=partial and direction == "output",
                        times=times,
                        at=next(clock),
                    )
                    for key, digest, direction, name, partial, times in edges
                ),
            )
            for run, attempt, edges in batch
        ]
        for batch in drawn
    ]


class Model:
    """What the store should know: artifacts are lists of digests, by a number that survives renaming."""

    def __init__(self) -> None:
        self.owner: dict[str, int] = {}
        self.name: dict[int, str] = {}
        self.named: dict[str, int] = {}
        self.digests: dict[int, list[str]] = {}
        self.partial: dict[tuple[int, str], bool] = {}
        self.latest: dict[int, str] = {}
        self.edges: dict[tuple[str, tuple[int, str], str, int], int] = defaultdict(int)

    def apply(self, record: Record) -> None:
        for edge in record.edges:
            artifact = self._artifact(edge)
            content = (artifact, edge.content.digest)
            is_new = edge.content.digest not in self.digests[artifact]
            if is_new:
                self.digests[artifact].append(edge.content.digest)
            unread = edge.direction == "input" and content in self.partial
            self.partial[content] = self.partial.get(content, True) and (edge.partial or unread)
            if (edge.direction == "output" and not edge.partial) or (is_new and edge.direction == "input"):
                self.latest[artifact] = edge.content.digest
            self.edges[record.run.id, content, edge.direction, record.attempt] += edge.times

    def _artifact(self, edge: EdgeRecord) -> int:
        key, name = edge.location.key, edge.name
        owner = self.owner.get(key)
        if name is None:
            found = self._new(edge.location.uri) if owner is None else owner
        elif name in self.named:
            found = self.named[name]
        elif owner is not None and self.name[owner] not in self.named:
            found = owner
        else:
            found = self._new(name)
        if name is not None:
            self.named[name] = found
            self.name[found] = name
        self.owner[key] = found
        return found

    def _new(self, name: str) -> int:
        number = len(self.name)
        self.name[number], self.digests[number] = name, []
        return number

    def label(self, content: tuple[int, str]) -> str:
        artifact, digest = content
        return f"{self.name[artifact]}:v{self.digests[artifact].index(digest)}"

    def reach(self, start: str, upstream: bool) -> set[str]:
        onward = defaultdict(set)
        for run, content, direction, _ in self.edges:
            tail, head = (self.label(content), run) if direction == "input" else (run, self.label(content))
            onward[head if upstream else tail].add(tail if upstream else head)
        seen, waiting = {start}, [start]
        while waiting:
            for there in onward[waiting.pop()] - seen:
                seen.add(there)
                waiting.append(there)
        return seen


def _label(node) -> str:
    return node.id if hasattr(node, "job") else str(node)


# One store for all examples: SQLAlchemy compiles its statements once for each engine.
_STORE = Store.open("sqlite://")


def _emptied() -> Store:
    with _STORE._database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return _STORE


def _filled(drawn) -> tuple[Store, Model]:
    store, model = _emptied(), Model()
    for batch in _records(drawn):
        store.apply(batch)
        for record in batch:
            model.apply(record)
    return store, model


@thorough
@given(batches)
def test_versions_edges_and_latest_are_those_of_the_model(drawn) -> None:
    store, model = _filled(drawn)
    contents = {(artifact, digest) for artifact, found in model.digests.items() for digest in found}
    found = {str(version): version for version in store.versions()}
    assert found.keys() == {model.label(content) for content in contents}
    for content in contents:
        version = found[model.label(content)]
        assert (version.digest, version.partial) == (content[1], model.partial[content])
        assert ("latest" in version.aliases) == (model.latest.get(content[0]) == content[1])
        producers = {run for run, other, way, _ in model.edges if other == content and way == "output"}
        assert set(version.producer_ids) == producers == {run.id for run in version.producers()}
    labels = {version.id: label for label, version in found.items()}
    edges = {(e.run, labels[e.version], e.direction, e.attempt): e.times for e in store.graph().edges}
    assert edges == {(run, model.label(c), way, n): times for (run, c, way, n), times in model.edges.items()}


@thorough
@given(batches)
def test_numbers_have_no_gaps_and_names_and_ids_answer(drawn) -> None:
    store, _ = _filled(drawn)
    numbers = defaultdict(list)
    for version in store.versions():
        numbers[version.artifact].append(version.number)
        assert store.version(Reference.parse(version.id)) == version
        if version.name in NAMES:  # a location may have gone to another artifact since
            assert store.version(Reference.parse(str(version))) == version
    assert all(sorted(found) == list(range(len(found))) for found in numbers.values())
    assert {item.id: item.versions for item in store.artifacts()} == {k: len(v) for k, v in numbers.items()}


@thorough
@given(batches)
def test_closures_are_those_of_the_model_and_inverse_to_each_other(drawn) -> None:
    store, model = _filled(drawn)
    nodes = {_label(node): node for node in store.graph()}
    up = {label: {_label(n) for n in store.closure(node, "upstream")} for label, node in nodes.items()}
    down = {label: {_label(n) for n in store.closure(node, "downstream")} for label, node in nodes.items()}
    for label in nodes:
        assert up[label] == model.reach(label, upstream=True)
        assert down[label] == {other for other in nodes if label in up[other]}


@thorough
@given(batches, st.integers(0, 6))
def test_a_depth_is_kept_however_it_is_counted(drawn, depth: int) -> None:
    import prefect_lineage.store.closure as closure

    store, _ = _filled(drawn)
    count_of_versions = len(store.versions())
    with store._database.reading() as connection:
        loader = store._loader(connection)
        for node in range(1, count_of_versions + 1):
            args = {"as_of": None, "limit": 100}
            counted = closure.walk(connection, loader, node, "upstream", depth=depth, **args)
            whole = closure.walk(connection, loader, node, "upstream", depth=None, **args)
            cut = closure._cut(whole, node, "upstream", depth)
            assert set(cut.nodes) == set(counted.nodes)
            assert sorted(e[:2] for e in cut.edges) == sorted(e[:2] for e in counted.edges)


@thorough
@given(batches, st.data())
def test_replaying_journals_in_any_cut_changes_nothing(drawn, data) -> None:
    once = _answers(_filled(drawn)[0])
    records = [record for batch in _records(drawn) for record in batch]
    store, position = _emptied(), 0
    while position < len(records):
        end = data.draw(st.integers(position + 1, len(records)))
        for _ in range(2):
            store.apply(records[position:end], journal="j", position=end)
        position = end
    assert _answers(store) == once


def _answers(store: Store) -> tuple[object, ...]:
    return (
        store.graph().to_dict(),
        [v.to_dict() for v in store.versions()],
        [r.to_dict() for r in store.runs()],
    )
