"""Random histories, in both databases: a store answers every question as a few dictionaries do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from postgres_server import PostgresServer

from prefect_lineage.errors import ReferenceUnknown
from prefect_lineage.model.entities import Graph, Run, Version
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

KEYS, DIGESTS, RUNS = ("/x", "/y", "/z"), ("aa", "bb", "cc"), ("r", "s", "t", "u")
STATES = ("Running", "Completed", "Failed")
Content_ = tuple[str, str]
Edge_ = tuple[str, str, Content_, int]
"""Run, direction, content, attempt."""


@dataclass
class Fact:
    """An edge as the model keeps it."""

    times: int
    at: int
    how: str
    partial: bool


@dataclass
class Model:
    """What a store should know. An artifact is a path; its versions are digests in the order of their coming."""

    contents: dict[str, list[str]] = field(default_factory=dict)
    partial: dict[Content_, bool] = field(default_factory=dict)
    aliases: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    edges: dict[Edge_, Fact] = field(default_factory=dict)
    runs: dict[str, tuple[int, bool, str]] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        run, state = record.run, record.run.state or ""
        attempt = run.attempt or 1
        known = self.runs.get(run.id, (0, False, ""))
        told = (attempt, state != "Running", state)
        self.runs[run.id] = told if told[:2] >= known[:2] else known
        for edge in record.edges:
            self._meet(edge)
            self._connect(run.id, record.attempt, edge)

    def _meet(self, edge: EdgeRecord) -> None:
        key, digest = edge.location.key, edge.content.digest
        contents = self.contents.setdefault(key, [])
        is_new, is_output = digest not in contents, edge.direction == "output"
        if is_new:
            contents.append(digest)
            self.partial[key, digest] = edge.partial and is_output
        elif is_output and not edge.partial:
            self.partial[key, digest] = False
        names = [*edge.aliases] if is_output else []
        if not edge.partial and (is_output or is_new):
            names.append("latest")
        for name in names:
            move = (edge.at, contents.index(digest))
            self.aliases[key, name] = max(move, self.aliases.get((key, name), move))

    def _connect(self, run: str, attempt: int, edge: EdgeRecord) -> None:
        key = (run, edge.direction, (edge.location.key, edge.content.digest), attempt)
        fact = self.edges.setdefault(key, Fact(0, edge.at, edge.how, partial=True))
        fact.times += edge.times
        fact.at = min(fact.at, edge.at)
        fact.how = edge.how if fact.how == "inferred" else fact.how
        fact.partial = fact.partial and edge.partial

    def name(self, content: Content_) -> str:
        return f"file://{content[0]}:v{self.contents[content[0]].index(content[1])}"

    def reached(self, start: Any, direction: str, depth: int | None, as_of: int | None) -> set[Any]:
        """Breadth first, by looking at all edges again and again."""
        forward = direction == "downstream"
        found, border = {start}, {start}
        while border and depth != 0:
            depth = None if depth is None else depth - 1
            ways = [
                (content, run) if (way == "input") == forward else (run, content)
                for (run, way, content, _), fact in self.edges.items()
                if as_of is None or fact.at <= as_of
            ]
            border = {there for here, there in ways if here in border} - found
            found |= border
        return found


class Histories(RuleBasedStateMachine):
    """Records are made, and applied in any order, in batches, and again."""

    open_store: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).open_store()
        self.store = Store.open(self.url)
        self.model = Model()
        self.clock = 0
        self.position = 0
        self.pending: list[Record] = []

    @rule(
        run=st.sampled_from(RUNS),
        attempt=st.integers(1, 3),
        state=st.sampled_from(STATES),
        edges=st.lists(
            st.tuples(
                st.sampled_from(KEYS),
                st.sampled_from(DIGESTS),
                st.sampled_from(("input", "output")),
                st.sampled_from(("observed", "inferred")),
                st.sampled_from(((), ("best",))),
                st.booleans(),
                st.integers(1, 3),
            ),
            max_size=3,
        ),
    )
    def happen(self, run: str, attempt: int, state: str, edges: list[Any]) -> None:
        records = []
        for key, digest, direction, how, names, partial, times in edges:
            self.clock += 1
            is_partial = partial and direction == "output"
            place, content = Location("file://h", key, f"file://{key}"), Content(f"blake3:{digest}")
            given = {"times": times, "at": self.clock, "partial": is_partial}
            records.append(
                EdgeRecord(
                    place, content, direction, how, "open", aliases=() if is_partial else names, **given
                )
            )
        told = RunRecord(run, "task", name=run, job=f"job-{run}", state=state, attempt=attempt)
        self.pending.append(Record(told, attempt, tuple(records)))

    @rule(count=st.integers(1, 4), late=st.booleans())
    def arrive(self, count: int, late: bool) -> None:
        batch = self.pending[-count:] if late else self.pending[:count]
        self.pending = self.pending[:-count] if late else self.pending[count:]
        self.position += len(batch)
        for _ in range(2):  # a journal that is applied again changes nothing
            self.store.apply(batch, journal="j", position=self.position)
        for record in batch:
            self.model.apply(record)

    @rule()
    def end_and_begin_again(self) -> None:
        self.store.close()
        self.store = Store.open(self.url)

    @rule(as_of=st.one_of(st.none(), st.integers(0, 30)), depth=st.one_of(st.none(), st.integers(0, 3)))
    def ask(self, as_of: int | None, depth: int | None) -> None:
        versions = {(v.uri.removeprefix("file://"), v.digest): v for v in self.store.versions()}
        runs = {run.id: run for run in self.store.runs()}
        self._compare_listings(versions, runs)
        self._compare_edges(versions, runs)
        nodes: dict[Any, Version | Run] = {**versions, **runs}
        for start, node in nodes.items():
            for direction in ("upstream", "downstream"):
                found = self._nodes(self.store.closure_of(node, direction, depth, as_of), nodes)
                assert found == self.model.reached(start, direction, depth, as_of)
        self._compare_references(versions)

    def _compare_listings(self, versions: dict[Any, Version], runs: dict[str, Run]) -> None:
        model = self.model
        assert {c: (str(v), v.partial) for c, v in versions.items()} == {
            content: (model.name(content), partial) for content, partial in model.partial.items()
        }
        aliases = {(key, name): v.number for (key, _), v in versions.items() for name in v.aliases}
        assert aliases == {place: number for place, (_, number) in model.aliases.items()}
        assert {run.id: (run.attempt, run.state) for run in runs.values()} == {
            run: (attempt, state) for run, (attempt, _, state) in model.runs.items()
        }
        failed = {run for run, (*_, state) in model.runs.items() if state == "Failed"}
        assert {run.id for run in self.store.runs(Filter(state="failed"))} == failed
        touched = {content for (run, _, content, _) in model.edges if run in failed}
        assert {str(v) for v in self.store.versions(Filter(state="Failed"))} == set(map(model.name, touched))
        counts = self.store.stats()
        assert (counts["artifacts"], counts["versions"]) == (len(model.contents), len(model.partial))
        assert (counts["runs"], counts["edges"]) == (len(model.runs), len(model.edges))

    def _compare_edges(self, versions: dict[Any, Version], runs: dict[str, Run]) -> None:
        model = self.model
        contents = {version.id: content for content, version in versions.items()}
        edges = {
            (edge.run, edge.direction, contents[edge.version], edge.attempt): Fact(
                edge.times, edge.at, edge.how, edge.partial
            )
            for edge in self.store.graph().edges
        }
        assert edges == model.edges
        for content, version in versions.items():
            for direction, found in (
                ("output", self.store.producers_of(version)),
                ("input", self.store.consumers_of(version)),
            ):
                firsts = sorted(
                    (fact.at, run)
                    for (run, way, c, _), fact in model.edges.items()
                    if (way, c) == (direction, content)
                )
                assert [run.id for run in found] == list(dict.fromkeys(run for _, run in firsts))
        for run in runs.values():
            written = {c for (r, way, c, _) in model.edges if (r, way) == (run.id, "output")}
            assert {contents[v.id] for v in self.store.outputs_of(run)} == written

    def _compare_references(self, versions: dict[Any, Version]) -> None:
        for key in KEYS:
            contents = self.model.contents.get(key, [])
            _, latest = self.model.aliases.get((key, "latest"), (0, len(contents) - 1))
            meant = {f"{key}:v{number}": number for number in range(len(contents))}
            meant |= {f"{key}@{digest}": number for number, digest in enumerate(contents)}
            meant |= {key: latest} if contents else {}
            for text, number in meant.items():
                assert self.store.version(Reference.parse(text)) == versions[key, contents[number]]
            with pytest.raises(ReferenceUnknown):
                self.store.version(Reference.parse(f"{key}:v{len(contents)}"))

    @staticmethod
    def _nodes(graph: Graph, nodes: dict[Any, Version | Run]) -> set[Any]:
        by_id = {node.id: name for name, node in nodes.items()}
        return {by_id[node.id] for node in graph.nodes}

    def teardown(self) -> None:
        self.arrive(len(self.pending) or 1, late=False)
        self.ask(None, None)
        assert self.store.check()[1] == []
        self.store.close()


def _run(open_store: Callable[[], str], examples: int) -> None:
    machine = type("Histories", (Histories,), {"open_store": staticmethod(open_store)})
    how = settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=how)


def test_random_histories_in_sqlite() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lineage-model-"))
    numbers = iter(range(1_000_000))
    try:
        _run(lambda: f"sqlite:///{folder}/{next(numbers)}.db", 15)
    finally:
        shutil.rmtree(folder)


def test_random_histories_in_postgresql(postgres: PostgresServer, shared_postgres_url: str) -> None:
    def emptied() -> str:
        postgres.empty(shared_postgres_url, [table.name for table in metadata.sorted_tables])
        return shared_postgres_url

    _run(emptied, 6)
