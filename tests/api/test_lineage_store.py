from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.api.lineage_urls import store_url
from prefect_lineage.errors import LineageError, ReferenceAmbiguous, ReferenceUnknown, StoreMissing
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.times import iso
from prefect_lineage.store.store import Store

START = 1_795_000_000_000_000
HOUR = 3_600_000_000


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def record(
    number: int, job: str, reads: str | None, writes: str | None, nested_in: int | None = None
) -> Record:
    """A run that started ``number`` hours after the first, with a file read and a file written."""
    at = START + number * HOUR

    def edge(path: str, direction: str) -> EdgeRecord:
        content = Content(f"blake3:{path.encode().hex()}")
        kind = "model" if path.endswith(".pkl") else "file"
        return EdgeRecord(Location("file://h", path, f"file://{path}"), content, direction, "observed", "open",
                          type=kind, at=at)  # fmt: skip

    edges = [edge(path, direction) for path, direction in ((reads, "input"), (writes, "output")) if path]
    flow = job.partition(".")[0]
    outer = uuid(nested_in) if nested_in is not None else None
    run = RunRecord(uuid(number), kind="task", name=f"run-{number}", job=job, flow=flow, flow_run=outer,
                    parent=outer, state="Completed", started_at=at, ended_at=at + 1, attempt=1)  # fmt: skip
    return Record(run, edges=tuple(edges))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """/a → load → /b → train → /m.pkl → use (of another flow) → /r; the flow run 90 holds the first two."""
    path = tmp_path / "store.db"
    flow_run = RunRecord(uuid(90), kind="flow", name="outer", job="nightly", flow="nightly", flow_run=uuid(90),
                         state="Completed", started_at=START, attempt=1)  # fmt: skip
    with Store.open(f"sqlite:///{path}") as opened:
        opened.apply(
            [
                Record(flow_run),
                record(1, "nightly.load", "/a", "/b", nested_in=90),
                record(2, "nightly.train", "/b", "/m.pkl", nested_in=90),
                record(3, "weekly.use", "/m.pkl", "/r"),
            ]
        )
    return path


@pytest.fixture
def lineage(store: Path) -> Iterator[Lineage]:
    with Lineage(store, readonly=True) as opened:
        yield opened


def uris(graph: object) -> set[str]:
    return {node.uri.removeprefix("file://") for node in graph.versions}  # type: ignore[attr-defined]


def test_a_store_is_given_as_a_url_a_path_or_by_the_settings(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.parent)
    monkeypatch.setenv("PREFECT_LINEAGE_URL", f"sqlite:///{store}")
    for given in (store, str(store), "store.db", f"sqlite:///{store}", "sqlite:///store.db", None):
        with Lineage(given, readonly=True) as lineage:
            assert len(lineage.runs()) == 4


def test_a_relative_path_keeps_its_meaning_when_the_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store_url("x.db") == store_url("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"
    assert store_url("sqlite://") == "sqlite://"
    assert store_url("postgresql://u@h/d") == "postgresql://u@h/d"


def test_reading_a_missing_store_makes_none_and_writing_does(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        Lineage(tmp_path / "none.db", readonly=True)
    assert not (tmp_path / "none.db").exists()
    with Lineage(tmp_path / "none.db") as lineage:
        assert lineage.artifacts() == []


def test_listings_are_the_newest_first(lineage: Lineage) -> None:
    assert [run.name for run in lineage.runs("*.*")] == ["run-3", "run-2", "run-1"]
    assert [run.name for run in lineage.runs(limit=1, offset=1)] == ["run-2"]
    assert [version.uri for version in lineage.versions("*.pkl")] == ["file:///m.pkl"]
    assert [artifact.type for artifact in lineage.artifacts(type="model")] == ["model"]


@pytest.mark.parametrize(
    "since", [START + 2 * HOUR, datetime.fromtimestamp(START / 1e6 + 7200, UTC), iso(START + 2 * HOUR)]
)
def test_a_time_may_be_written_in_three_ways(lineage: Lineage, since: datetime | str | int) -> None:
    assert [run.name for run in lineage.runs(since=since)] == ["run-3", "run-2"]


def test_filters_on_runs_hold_for_what_they_touched(lineage: Lineage) -> None:
    assert {version.uri for version in lineage.versions(job="*.train")} == {"file:///b", "file:///m.pkl"}
    assert {run.name for run in lineage.runs(flow_run="outer")} == {"outer", "run-1", "run-2"}


def test_a_filter_that_is_none_is_refused_by_name(lineage: Lineage) -> None:
    with pytest.raises(TypeError, match="There is no filter colour"):
        lineage.runs(colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("bad", [{"limit": -1}, {"offset": -1}, {"since": "soon"}, {"until": 1.5}])
def test_a_malformed_filter_is_one_sentence(lineage: Lineage, bad: dict[str, object]) -> None:
    with pytest.raises(LineageError, match=next(iter(bad))):
        lineage.runs(**bad)  # type: ignore[arg-type]


def test_references_become_versions_and_runs(lineage: Lineage) -> None:
    version = lineage.version("file:///m.pkl")
    assert lineage.version(version) is version
    assert lineage.node("file:///m.pkl:v0") == version
    assert (
        lineage.run("run-2")
        == lineage.run("run:run-2")
        == lineage.run(uuid(2))
        == lineage.node("run:00000002")
    )
    assert [run.name for run in version.producers()] == ["run-2"]


def test_a_version_of_another_type_is_not_what_was_asked_for(lineage: Lineage) -> None:
    assert lineage.version("file:///m.pkl", type="model").type == "model"
    with pytest.raises(ReferenceUnknown, match="is a model, but a table was asked for"):
        lineage.version("file:///m.pkl", type="table")


def test_unknown_and_ambiguous_references_name_candidates(lineage: Lineage) -> None:
    with pytest.raises(ReferenceUnknown) as unknown:
        lineage.version("file:///m.pki")
    assert unknown.value.candidates[0] == "file:///m.pkl"
    with pytest.raises(ReferenceAmbiguous) as ambiguous:
        lineage.run("run:0000000")
    assert len(ambiguous.value.candidates) > 1


def test_a_graph_goes_both_ways_or_one(lineage: Lineage) -> None:
    assert uris(lineage.graph("file:///m.pkl")) == {"/a", "/b", "/m.pkl", "/r"}
    assert uris(lineage.upstream("file:///m.pkl")) == {"/a", "/b", "/m.pkl"}
    assert uris(lineage.downstream("file:///m.pkl")) == {"/m.pkl", "/r"}
    assert uris(lineage.graph("file:///m.pkl", upstream=False, downstream=False)) == {"/m.pkl"}
    assert uris(lineage.upstream("file:///m.pkl", depth=2)) == {"/b", "/m.pkl"}


def test_a_graph_without_a_reference_is_all_of_the_store(lineage: Lineage) -> None:
    whole = lineage.graph()
    assert (len(whole.versions), len(whole.edges), whole.root) == (4, 6, None)


NARROWED = [
    ({"flow": "week*"}, {"/m.pkl", "/r"}),
    ({"flow_run": "outer"}, {"/a", "/b", "/m.pkl"}),
    ({"type": "model"}, {"/m.pkl"}),
    ({"since": START + 3 * HOUR}, {"/m.pkl", "/r"}),
    ({"until": START + HOUR}, {"/a", "/b"}),
    ({"as_of": START + 2 * HOUR}, {"/a", "/b", "/m.pkl"}),
    ({"flow": "nightly", "type": "file"}, {"/a", "/b"}),
]


@pytest.mark.parametrize(("which", "expected"), NARROWED)
def test_a_graph_is_narrowed_alike_with_and_without_a_reference(
    lineage: Lineage, which: dict[str, object], expected: set[str]
) -> None:
    assert uris(lineage.graph(**which)) == expected  # type: ignore[arg-type]
    around = lineage.graph("file:///m.pkl", **which)  # type: ignore[arg-type]
    assert uris(around) == expected | {"/m.pkl"}
    assert around.root in around


def test_a_negative_depth_is_one_sentence(lineage: Lineage) -> None:
    with pytest.raises(LineageError, match="depth is -1"):
        lineage.upstream("file:///m.pkl", depth=-1)


def test_a_map_shows_its_graph(lineage: Lineage, tmp_path: Path) -> None:
    drawn = lineage.map("file:///m.pkl", upstream=False, title="On from the model")
    assert (drawn.nodes, drawn.edges) == (3, 2)
    page = drawn.save(tmp_path / "m.html").read_text(encoding="utf-8")
    assert "On from the model" in page
    assert drawn._repr_html_().startswith("<iframe")


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with Lineage(tmp_path / "x.db") as lineage:
        assert lineage.source == f"sqlite:///{tmp_path}/x.db"
        assert lineage.stats()["runs"] == 0
