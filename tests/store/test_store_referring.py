"""Edges that name their version by a token."""

from __future__ import annotations

import json

import pytest

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.store.lines import decode, encode
from prefect_lineage.store.store import Store

RESULT = "result:abc"


def refer(token: str, direction="input", via: str = "argument", at: int = 50, **rest) -> EdgeRecord:
    return EdgeRecord.referring(token, direction=direction, how="observed", via=via, at=at, **rest)


def edges(store: Store) -> dict[tuple[str, str], str]:
    """(run, direction) → digest, for stores where that is one edge."""
    digests = {version.id: version.digest for version in store.versions()}
    found = {(edge.run, edge.direction): digests[edge.version] for edge in store.graph().edges}
    assert len(found) == len(store.graph().edges)
    return found


def waiting(store: Store) -> int:
    return store.stats()["edges_waiting"]


def test_a_consumer_elsewhere_reads_the_version_that_its_producer_returned(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=10, tokens=("run:p:return",)))])
    store.apply([make.run("c", refer("run:p:return"))])
    assert edges(store) == {("p", "output"): "blake3:aa", ("c", "input"): "blake3:aa"}
    assert [run.id for run in store.versions()[0].consumers()] == ["c"]


def test_an_edge_waits_for_the_record_of_its_producer(store: Store, make) -> None:
    store.apply([make.run("c", refer("run:p:return", times=3))])
    assert (waiting(store), store.stats()["edges"], store.versions()) == (1, 0, [])
    store.apply([make.run("p", make.write("/x", "aa", tokens=("run:p:return",)))])
    assert edges(store)["c", "input"] == "blake3:aa"
    assert (waiting(store), store.stats()["edges"]) == (0, 2)
    assert {edge.times for edge in store.graph().edges} == {1, 3}


def test_producer_and_consumer_may_come_in_one_batch_the_consumer_first(store: Store, make) -> None:
    consumer = make.run("c", refer("run:p:return"))
    store.apply([consumer, make.run("p", make.write("/x", "aa", tokens=("run:p:return",)))])
    assert edges(store)["c", "input"] == "blake3:aa"


def test_a_result_key_means_what_was_stored_there_last_before(store: Store, make) -> None:
    store.apply(
        [
            make.run("p1", make.write("/x", "aa", at=10, tokens=(RESULT,))),
            make.run("p2", make.write("/x", "bb", at=30, tokens=(RESULT,))),
        ]
    )
    store.apply([make.run("c1", refer(RESULT, at=20)), make.run("c2", refer(RESULT, at=40))])
    found = edges(store)
    assert (found["c1", "input"], found["c2", "input"]) == ("blake3:aa", "blake3:bb")


def test_a_journal_that_comes_late_corrects_what_a_result_key_meant(store: Store, make) -> None:
    store.apply([make.run("p1", make.write("/x", "aa", at=10, tokens=(RESULT,)))])
    store.apply([make.run("c", refer(RESULT, at=40))])
    assert edges(store)["c", "input"] == "blake3:aa"
    store.apply([make.run("p2", make.write("/x", "bb", at=30, tokens=(RESULT,)))])
    store.apply([make.run("p3", make.write("/x", "cc", at=50, tokens=(RESULT,)))])
    assert edges(store)["c", "input"] == "blake3:bb"


def test_what_was_stored_only_after_an_edge_is_not_what_it_means(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=30, tokens=(RESULT,)))])
    store.apply([make.run("c", refer(RESULT, at=20))])
    assert waiting(store) == 1
    assert edges(store) == {("p", "output"): "blake3:aa"}


def test_the_consumer_of_a_cached_run_reads_what_the_cache_delivered(store: Store, make) -> None:
    consumer = make.run("c", refer("run:hit:return", at=60))
    hit = make.run("hit", refer(RESULT, "output", "cache", tokens=("run:hit:return",)), state="Cached")
    store.apply([consumer])
    store.apply([hit])
    assert waiting(store) == 2
    store.apply([make.run("p", make.write("/x", "aa", at=10, tokens=(RESULT,)))])
    assert waiting(store) == 0
    assert set(edges(store).values()) == {"blake3:aa"}
    assert edges(store).keys() == {("p", "output"), ("hit", "output"), ("c", "input")}
    store.apply([make.run("p2", make.write("/x", "bb", at=20, tokens=(RESULT,)))])
    assert edges(store)["c", "input"] == "blake3:bb"
    upstream = store.closure(store.run(Reference.parse("run:c")), "upstream")
    assert {run.id for run in upstream.runs} == {"c", "hit", "p2"}


def test_a_cached_run_changes_nothing_of_the_version_that_it_delivers(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=10, tokens=(RESULT,)))])
    store.apply([make.run("q", make.write("/x", "bb", at=20, partial=True, tokens=("result:b",)))])
    store.apply([make.run("r", make.write("/x", "cc", at=30))])
    before = [version.to_dict() for version in store.versions()]
    store.apply(
        [
            make.run("h1", refer(RESULT, "output", "cache", at=5, tokens=("run:h1:return",))),
            make.run("h2", refer(RESULT, "output", "cache", partial=True, aliases=("best",))),
            make.run("h3", refer("result:b", "output", "cache", metadata={"a": 1})),
        ]
    )
    after = [version.to_dict() for version in store.versions()]
    for version in (*before, *after):
        del version["producers"]
    assert after == before


def test_an_edge_told_directly_and_by_reference_is_one_edge(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=10, tokens=(RESULT, "run:p:return")))])
    store.apply([make.run("c", make.read("/x", "aa", at=70), refer(RESULT, at=60), refer("run:p:return"))])
    (edge,) = [edge for edge in store.graph().edges if edge.run == "c"]
    assert (edge.times, edge.at, edge.attempt) == (3, 50, 1)
    assert store.stats()["edges"] == len(store.graph().edges) == 2


def test_a_reference_keeps_its_attempt(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=10, tokens=(RESULT,)))])
    store.apply([make.run("c", refer(RESULT), attempt=1), make.run("c", refer(RESULT, at=55), attempt=2)])
    assert sorted(edge.attempt for edge in store.graph().edges if edge.run == "c") == [1, 2]


def test_references_that_lead_to_each_other_wait(store: Store, make) -> None:
    loop = [
        make.run("a", refer("run:b:return", "output", at=1, tokens=("run:a:return", RESULT))),
        make.run("b", refer("run:a:return", "output", at=2, tokens=("run:b:return", RESULT))),
        make.run("c", refer(RESULT, "output", at=3, tokens=(RESULT,))),
    ]
    for record in loop:
        store.apply([record])
    assert (waiting(store), store.graph().edges) == (3, ())


def test_a_loop_that_somebody_made_up_comes_to_an_end(store: Store, make) -> None:
    store.apply([make.run("p", make.write("/x", "aa", at=1, tokens=("run:a:return",)))])
    store.apply([make.run("q", make.write("/x", "bb", at=1, tokens=("run:b:return",)))])
    loop = [
        make.run("a", refer("run:b:return", "output", at=5, tokens=("run:a:return",))),
        make.run("b", refer("run:a:return", "output", at=6, tokens=("run:b:return",))),
    ]
    for record in (*loop, *reversed(loop)):
        store.apply([record])
    assert {run.id for run in store.runs()} == {"p", "q", "a", "b"}


def test_a_long_chain_that_arrives_from_its_end_is_followed_whole(store: Store, make) -> None:
    links = [
        make.run(f"r{n}", refer(f"run:r{n - 1}:return", "output", at=n, tokens=(f"run:r{n}:return",)))
        for n in range(1, 60)
    ]
    store.apply(reversed(links))
    assert waiting(store) == 59
    store.apply([make.run("r0", make.write("/x", "aa", at=1, tokens=("run:r0:return",)))])
    assert (waiting(store), len(store.versions()[0].producer_ids)) == (0, 60)


def test_a_journal_with_references_applied_again_changes_nothing(store: Store, make) -> None:
    records = [
        make.run("c", refer(RESULT), refer("run:hit:return", at=60)),
        make.run("hit", refer(RESULT, "output", "cache", tokens=("run:hit:return",))),
        make.run("p", make.write("/x", "aa", at=10, tokens=(RESULT,))),
    ]
    store.apply(records, journal="j", position=100)
    before = (store.graph().to_dict(), store.stats())
    store.apply(records, journal="j", position=100)
    assert (store.graph().to_dict(), store.stats()) == before


@pytest.mark.parametrize(
    "token", ["</script><img onerror=x>", "'; DROP TABLE runs; --", "a\udc80", "nul\0", "ß🦆"]
)
def test_hostile_tokens_are_text(store: Store, make, token: str) -> None:
    store.apply([make.run("c", refer(token)), make.run("p", make.write("/x", "aa", at=1, tokens=(token,)))])
    assert edges(store)["c", "input"] == "blake3:aa"


def test_tokens_and_references_survive_a_journal_line(make) -> None:
    record = make.run(
        "c", refer(RESULT, "output", tokens=("run:c:return",)), make.read("/x", "aa"), result_key="abc"
    )
    assert decode(encode(record)) == record


def test_a_line_of_the_formats_before_is_still_read(make) -> None:
    record = make.run("r", make.write("/x", "aa"))
    (edge,) = record.edges
    content = {name: getattr(edge.content, name) for name in edge.content.__struct_fields__}
    whole = {name: getattr(edge, name) for name in edge.__struct_fields__} | {
        "location": {
            "namespace": edge.location.namespace,
            "key": edge.location.key,
            "uri": edge.location.uri,
        },
        "content": content,
    }
    run = {name: getattr(record.run, name) for name in record.run.__struct_fields__}
    told = {"format": 2, "run": run, "attempt": 1, "edges": [whole], "deletions": []}
    assert decode(json.dumps(told).encode()) == record
    del run["result_key"], whole["tokens"], whole["refers"]
    assert decode(json.dumps({**told, "format": 1}).encode()) == record


def test_a_batch_without_tokens_touches_neither_of_their_tables(store: Store, make) -> None:
    import sqlalchemy as sa

    told: list[str] = []
    engine = store._database._current()
    sa.event.listen(engine, "before_cursor_execute", lambda *args: told.append(args[2]))
    store.apply([make.run("r", make.write("/x", "aa"), make.read("/y", "bb"))])
    assert told
    assert not [statement for statement in told if "tokens" in statement or "referrals" in statement]


def test_a_run_record_without_anything_else_is_still_a_run(store: Store) -> None:
    store.apply([Record(RunRecord("r", kind="task", result_key="k"))])
    assert store.runs()[0].cached_from is None


def unless(token: str, key: str, at: int = 50):
    """An input that is some unknown content of a location unless its token means a version."""
    place = Location("s3://lake", key, f"s3://lake/{key}")
    return EdgeRecord(
        place, Content("unknown:", "none"), "input", "declared", "asset_deps", at=at, refers=token
    )


def test_what_a_reference_says_itself_holds_while_its_token_means_nothing(store: Store, make) -> None:
    made = make.write("raw", "aa", at=10, namespace="s3://lake", tokens=("asset:raw",))
    store.apply([make.run("c", unless("asset:raw", "raw"))])
    assert (edges(store), waiting(store)) == ({("c", "input"): "unknown:"}, 0)
    store.apply(
        [make.run("later", make.write("raw", "bb", at=60, namespace="s3://lake", tokens=("asset:raw",)))]
    )
    assert edges(store)["c", "input"] == "unknown:"
    store.apply([make.run("p", made)])
    assert edges(store)["c", "input"] == "blake3:aa"
    assert [version.digest for version in store.versions() if "latest" in version.aliases] == ["blake3:bb"]


@pytest.mark.parametrize("batches", ["one", "two"])
def test_where_the_token_is_known_there_is_no_unknown_content(store: Store, make, batches: str) -> None:
    records = [
        make.run("c", unless("asset:raw", "raw")),
        make.run("p", make.write("raw", "aa", at=10, namespace="s3://lake", tokens=("asset:raw",))),
    ]
    for batch in [records] if batches == "one" else [records[1:], records[:1]]:
        store.apply(batch)
    assert [version.digest for version in store.versions()] == ["blake3:aa"]
    assert edges(store)["c", "input"] == "blake3:aa"
