from __future__ import annotations

import pytest

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.store import Store


def version(store: Store, text: str):
    return store.version(Reference.parse(text))


def edges(store: Store):
    return store.graph().edges


def test_the_same_content_from_two_runs_is_one_version_with_two_producers(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa"), started_at=1), make.run("b", make.write("/x", "aa"))])
    (only,) = store.versions()
    assert only.producer_ids == ("a", "b")
    assert [run.id for run in only.producers()] == ["a", "b"]
    assert only.logged_by().id == "a"


def test_new_content_is_the_next_number_and_latest(store: Store, make) -> None:
    for number, digest in enumerate(["aa", "bb", "cc"]):
        store.apply([make.run(f"r{number}", make.write("/x", digest, at=number + 1))])
    assert [item.version for item in store.versions()] == ["v2", "v1", "v0"]
    assert version(store, "/x").digest == "blake3:cc"
    assert version(store, "/x").aliases == ("latest",)


def test_going_back_to_old_content_moves_latest_back(store: Store, make) -> None:
    for number, digest in enumerate(["aa", "bb", "aa"]):
        store.apply([make.run(f"r{number}", make.write("/x", digest, at=number + 1))])
    assert version(store, "/x:latest").version == "v0"
    assert len(store.versions()) == 2


def test_reading_twice_makes_one_edge_with_times_two(store: Store, make) -> None:
    store.apply([make.run("r", make.read("/x", "aa", at=9)), make.run("r", make.read("/x", "aa", at=5))])
    (edge,) = edges(store)
    assert (edge.times, edge.at, edge.direction) == (2, 5, "input")


def test_edges_that_meet_within_a_batch_and_across_batches_add_up_alike(store: Store, make) -> None:
    for store_key in ("one", "two"):
        records = [make.run(store_key, make.read(f"/{store_key}", "aa", times=n, at=n)) for n in (3, 4, 5)]
        for batch in [records] if store_key == "one" else [[record] for record in records]:
            store.apply(batch)
    assert {(edge.times, edge.at) for edge in edges(store)} == {(12, 3)}


def test_an_inferred_edge_gives_way_to_an_observed_one(store: Store, make) -> None:
    store.apply([make.run("r", make.read("/x", "aa", how="inferred", via="task_inputs"))])
    store.apply([make.run("r", make.read("/x", "aa", how="observed", via="open"))])
    store.apply([make.run("r", make.read("/x", "aa", how="inferred", via="task_inputs"))])
    (edge,) = edges(store)
    assert (edge.how, edge.via, edge.times) == ("observed", "open", 3)


def test_attempts_are_told_apart(store: Store, make) -> None:
    store.apply(
        [make.run("r", make.read("/x", "aa"), attempt=1), make.run("r", make.read("/x", "aa"), attempt=2)]
    )
    assert [edge.attempt for edge in edges(store)] == [1, 2]
    assert store.runs()[0].attempt == 2
    assert store.versions()[0].consumer_ids == ("r",)


def test_a_partial_output_is_no_latest_but_has_a_number(store: Store, make) -> None:
    store.apply([make.run("r", make.write("/x", "aa", partial=True), state="Failed")])
    (only,) = store.versions()
    assert (only.partial, only.aliases, only.number) == (True, (), 0)
    assert version(store, "/x") == only


def test_a_complete_output_of_the_same_content_makes_it_whole_and_latest(store: Store, make) -> None:
    store.apply([make.run("r", make.write("/x", "aa", partial=True))])
    store.apply([make.run("r", make.write("/x", "aa"), attempt=2)])
    (only,) = store.versions()
    assert (only.partial, only.aliases) == (False, ("latest",))
    assert [edge.partial for edge in edges(store)] == [True, False]


def test_a_partial_output_does_not_spoil_a_complete_one(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa")), make.run("b", make.write("/x", "aa", partial=True))])
    assert store.versions()[0].partial is False


def test_what_is_first_seen_as_input_is_whole_and_latest(store: Store, make) -> None:
    store.apply([make.run("r", make.read("/x", "aa"))])
    (only,) = store.versions()
    assert (only.partial, only.aliases, only.producer_ids) == (False, ("latest",), ())


def test_reading_an_old_version_does_not_move_latest(store: Store, make) -> None:
    store.apply([make.run("w", make.write("/x", "aa", at=1)), make.run("w2", make.write("/x", "bb", at=2))])
    store.apply([make.run("r", make.read("/x", "aa", at=3))])
    assert version(store, "/x").version == "v1"


def test_a_journal_that_comes_late_does_not_move_latest_back(store: Store, make) -> None:
    store.apply([make.run("new", make.write("/x", "bb", at=200))])
    store.apply([make.run("old", make.write("/x", "aa", at=100))])
    assert version(store, "/x").digest == "blake3:bb"


def test_aliases_move_with_the_outputs_that_carry_them(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/m", "aa", at=1, aliases=("best", "candidate")))])
    store.apply([make.run("b", make.write("/m", "bb", at=2, aliases=("candidate",)))])
    assert version(store, "/m:best").version == "v0"
    assert version(store, "/m:candidate").version == "v1"
    assert store.artifacts()[0].aliases == {"best": "v0", "candidate": "v1", "latest": "v1"}


def test_metadata_and_description_merge_and_facts_fill_in(store: Store, make) -> None:
    first = make.write("/x", "aa", metadata={"a": 1, "b": 1}, description="old", size=7)
    second = make.read(
        "/x", "aa", metadata={"b": 2}, description="new", size=9, rows=3, schema=(("c", "int"),)
    )
    store.apply([make.run("a", first)])
    store.apply([make.run("b", second)])
    (only,) = store.versions()
    assert only.metadata == {"a": 1, "b": 2}
    assert (only.description, only.size, only.rows, only.schema) == ("new", 7, 3, (("c", "int"),))


def test_a_guessed_type_stays_until_a_user_gives_one(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa", type="file"))])
    store.apply([make.run("b", make.write("/x", "bb", type="table"))])
    assert store.artifacts()[0].type == "file"
    store.apply([make.run("c", make.write("/x", "cc", type="dataset", typed=True))])
    store.apply([make.run("d", make.write("/x", "dd", type="file"))])
    assert store.artifacts()[0].type == "dataset"


def test_a_run_is_told_in_pieces(store: Store, make) -> None:
    store.apply(
        [make.run("r", state="Running", started_at=5, details={"tags": ["a"], "code": {"commit": "c"}})]
    )
    store.apply([make.run("r", state="Completed", ended_at=9, details={"tags": ["b"]}, name=None)])
    (run,) = store.runs()
    assert (run.state, run.started_at, run.ended_at, run.name) == ("Completed", 5, 9, "r-name")
    assert run.details == {"tags": ["b"], "code": {"commit": "c"}}


def test_a_running_that_comes_late_does_not_undo_an_end(store: Store, make) -> None:
    store.apply([make.run("r", state="Failed", started_at=5, ended_at=9, attempt=1)])
    store.apply([make.run("r", state="Running", started_at=5)])
    assert (store.runs()[0].state, store.runs()[0].ended_at) == ("Failed", 9)


def test_a_further_attempt_of_an_ended_run_is_running_again(store: Store, make) -> None:
    from prefect_lineage.model.records import Record, RunRecord

    store.apply([Record(RunRecord("r", kind="flow", state="Failed", ended_at=9, attempt=1))])
    store.apply([Record(RunRecord("r", state="Running", attempt=2), attempt=2)])
    assert (store.runs()[0].state, store.runs()[0].ended_at, store.runs()[0].attempt) == ("Running", None, 2)
    store.apply([Record(RunRecord("r", state="Failed", ended_at=9, attempt=1))])
    assert store.runs()[0].state == "Running"


def test_parents_are_known_by_id_before_they_are_recorded(store: Store, make) -> None:
    store.apply([make.run("child", parent="parent", flow_run="parent")])
    assert [run.id for run in store.runs()] == ["child"]
    store.apply([make.run("parent", kind="flow", flow_run="parent")])
    child = next(run for run in store.runs() if run.id == "child")
    assert (child.parent, child.flow_run) == ("parent", "parent")
    assert len(store.runs()) == 2


def test_a_journal_applied_again_changes_nothing(store: Store, make) -> None:
    records = [make.run("r", make.read("/x", "aa"), make.write("/y", "bb"))]
    store.apply(records, journal="j", position=100)
    before = (store.graph().to_dict(), store.stats())
    store.apply(records, journal="j", position=100)
    store.apply(records, journal="j", position=40)
    assert (store.graph().to_dict(), store.stats()) == before
    assert store.position("j") == 100


def test_a_batch_is_applied_whole_or_not_at_all(store: Store, make) -> None:
    from prefect_lineage.errors import StoreError

    good, bad = make.run("a", make.write("/x", "aa")), make.run("b", make.write("/y", "bb", times=2**70))
    with pytest.raises(StoreError, match="refuses"):
        store.apply([good, bad], journal="j", position=10)
    assert store.versions() == []
    assert store.position("j") == 0


@pytest.mark.parametrize(
    "name", ["</script><img onerror=x>", "'; DROP TABLE runs; --", "a\udc80b", "nul\0", "ß🦆"]
)
def test_hostile_names_are_kept_as_text(store: Store, make, name: str) -> None:
    store.apply([make.run("r", make.write(f"/{name}", "aa", name=name, metadata={name: name}), job=name)])
    (only,) = store.versions()
    shown = name.replace("\0", "\\x00").replace("\udc80", "\\udc80")
    assert only.name == shown
    assert store.runs()[0].job == shown


def test_neighbours_are_named_as_in_the_contract(store: Store, make) -> None:
    store.apply([make.run("a", make.read("/x", "aa"), make.write("/y", "bb"))])
    (run,) = store.runs()
    assert [str(item) for item in run.used_artifacts()] == ["file:///x:v0"]
    assert [str(item) for item in run.logged_artifacts()] == ["file:///y:v0"]
    assert [user.id for user in run.used_artifacts()[0].used_by()] == ["a"]
    assert run.used_artifacts()[0].logged_by() is None


def test_an_output_is_as_new_as_its_last_access(store: Store, make) -> None:
    store.apply(
        [
            make.run("slow", make.write("/x", "aa", at=10, ended=40)),
            make.run("quick", make.write("/x", "bb", at=20, ended=30)),
        ]
    )
    assert version(store, "/x:latest").version == "v0"


def test_at_the_same_time_the_higher_number_is_latest(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa", at=10), make.write("/x", "bb", at=10))])
    store.apply([make.run("b", make.write("/x", "aa", at=10))])
    assert version(store, "/x:latest").version == "v1"


def test_an_input_from_before_the_newest_output_is_not_latest(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa", at=10, ended=30))])
    store.apply([make.run("b", make.read("/x", "bb", at=20, ended=50))])
    assert version(store, "/x:latest").version == "v0"
    store.apply([make.run("c", make.read("/x", "cc", at=40))])
    assert version(store, "/x:latest").version == "v2"


@pytest.mark.parametrize("vague", [{"raced": True}, {"covers": "none"}])
def test_an_input_that_is_not_known_exactly_is_latest_only_while_there_is_no_other(
    store: Store, make, vague: dict[str, object]
) -> None:
    store.apply([make.run("a", make.read("/x", "aa", at=30, **vague))])
    assert version(store, "/x:latest").version == "v0"
    assert store.artifacts()[0].created_at == 30
    store.apply([make.run("b", make.write("/x", "bb", at=10))])
    assert version(store, "/x:latest").version == "v1"
    store.apply([make.run("c", make.read("/x", "cc", at=40, **vague))])
    assert version(store, "/x:latest").version == "v1"


def test_a_version_knows_the_identity_of_its_own_location(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/one", "aa", name="both"), make.write("/two", "bb", name="both"))])
    places = {found.version: (found.namespace, found.key, found.path) for found in store.versions()}
    assert places == {"v0": ("file://here", "/one", "/one"), "v1": ("file://here", "/two", "/two")}


@pytest.mark.parametrize(
    ("namespace", "key", "uri", "path"),
    [
        ("file://here", "/a #1%41", "file:///a%20%231%2541", "/a #1%41"),
        ("project", "a #1", "file:///work/a%20%231", "/work/a #1"),
        ("s3://bucket", "a", "s3://bucket/a", None),
    ],
)
def test_a_versions_path_is_that_of_the_file(
    store: Store, namespace: str, key: str, uri: str, path: str | None
) -> None:
    edge = EdgeRecord(Location(namespace, key, uri), Content("blake3:aa"), "output", "observed", "open")
    store.apply([Record(RunRecord("r"), 1, (edge,))])
    assert store.versions()[0].path == path
