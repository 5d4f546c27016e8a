"""Whatever can change is kept with its time: the past is what a store would be that had ended then."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.engine import Database
from prefect_lineage.store.past import Words, aliases_at, words_at
from prefect_lineage.store.schema import aliases, artifacts, metadata, versions
from prefect_lineage.store.store import Store

_FACTS = st.tuples(
    st.sampled_from(("/x", "/y")),
    st.sampled_from(("aa", "bb", "cc")),
    st.booleans(),  # partial
    st.sampled_from(((), ("best",), ("best", "prod"))),
    st.dictionaries(st.sampled_from(("k", "l")), st.sampled_from((1, "two", None)), max_size=2),
    st.sampled_from((None, None, "one", "two")),
)


def _record(number: int, at: int, facts: Any) -> Record:
    key, digest, partial, names, words, description = facts
    edge = EdgeRecord(
        Location("file://h", key, f"file://{key}"), Content(f"blake3:{digest}"), "output", "observed", "open",
        at=at, partial=partial, aliases=() if partial else names, metadata=words, description=description,
    )  # fmt: skip
    return Record(RunRecord(f"r{number}", "task"), 1, (edge,))


def _apply(store: Store, records: list[Record], batch: int) -> None:
    for start in range(0, len(records), batch):
        store.apply(records[start : start + batch])


def _past(database: Database, at: int) -> tuple[dict[Any, Any], dict[Any, Words]]:
    """Aliases and words by the names of artifacts and the digests of versions, for numbers differ with the order."""
    with database.reading() as connection:
        names = {row.id: row.key for row in connection.execute(artifacts.select())}
        rows = list(connection.execute(versions.select()))
        by_id = {row.id: row.digest for row in rows}
        by_number = {(row.artifact_id, row.number): row.digest for row in rows}
        meant = {
            (names[artifact], alias): by_id[version]
            for (artifact, alias), version in aliases_at(connection, at).items()
        }
        said = {
            (names[artifact], by_number[artifact, number]): words
            for (artifact, number), words in words_at(connection, at).items()
        }
        return meant, said


def _now(database: Database) -> tuple[dict[Any, Any], dict[Any, Words]]:
    with database.reading() as connection:
        names = {row.id: row.key for row in connection.execute(artifacts.select())}
        rows = {row.id: row for row in connection.execute(versions.select())}
        meant = {
            (names[row.artifact_id], row.alias): rows[row.version_id].digest
            for row in connection.execute(aliases.select())
        }
        said = {
            (names[row.artifact_id], row.digest): Words(row.metadata or {}, row.description)
            for row in rows.values()
            if row.metadata or row.description is not None
        }
        return meant, said


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    facts=st.lists(_FACTS, min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
    batch=st.integers(1, 4),
    until=st.integers(0, 9),
)
def test_the_past_is_what_a_store_is_that_knows_nothing_later(
    facts: list[Any], order: Any, batch: int, until: int
) -> None:
    records = [_record(number, number + 1, fact) for number, fact in enumerate(facts)]
    order.shuffle(records)  # journals come in any order
    with Store.open("sqlite://") as whole, Store.open("sqlite://") as early:
        _apply(whole, records, batch)
        _apply(early, [record for record in records if record.edges[0].at <= until], batch)
        assert _past(whole._database, until) == _now(early._database)
        assert _past(whole._database, 100) == _now(whole._database)


def test_the_past_is_kept_in_both_databases_with_who_and_when(url: str, make: Any) -> None:
    with Store.open(url) as store:
        store.apply([make.run("p", make.write("/x", "aa", at=1, aliases=("best",), metadata={"k": 1}))])
        store.apply([make.run("q", make.write("/x", "bb", at=5, aliases=("best",), description="d"))])
        store.apply(
            [make.run("q", make.write("/x", "aa", at=9, metadata={"k": 2}, type="model", typed=True))]
        )
        database = store._database
        meant = [_past(database, at)[0] for at in (0, 1, 5, 9)]
        assert meant == [
            {},
            {("/x", "latest"): "blake3:aa", ("/x", "best"): "blake3:aa"},
            {("/x", "latest"): "blake3:bb", ("/x", "best"): "blake3:bb"},
            {("/x", "latest"): "blake3:aa", ("/x", "best"): "blake3:bb"},
        ]
        assert _past(database, 8)[1][("/x", "blake3:aa")] == Words({"k": 1})
        assert _past(database, 9)[1][("/x", "blake3:aa")] == Words({"k": 2})
        with database.reading() as connection:
            lines = connection.execute(metadata.tables["history"].select()).all()
        assert [(line.at, line.who, line.action) for line in lines] == [
            (1, "run:p", "metadata"),
            (1, "run:p", "alias"),
            (5, "run:q", "describe"),
            (5, "run:q", "alias"),
            (9, "run:q", "type"),
            (9, "run:q", "metadata"),
        ]
