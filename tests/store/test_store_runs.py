"""What becomes of a run told in pieces: who ended it, whose result it was given, what its attempts replaced."""

from __future__ import annotations

from itertools import permutations

import pytest

from prefect_lineage.model.records import Record, RunRecord
from prefect_lineage.store.store import Store

BEGUN = RunRecord("r", "task", state="Running", started_at=5, attempt=1)
OWN = RunRecord("r", "task", state="Completed", ended_at=9, attempt=1, details={"host": "own", "ui_url": "u"})
FOREIGN = RunRecord(
    "r", state="Crashed", ended_at=20, attempt=1, details={"ended_by": "the process is gone", "host": "other"}
)


def told(store: Store, *runs: RunRecord) -> tuple[str, int | None, dict]:
    for run in runs:
        store.apply([Record(run)])
    (run,) = store.runs()
    return run.state, run.ended_at, dict(run.details)


def test_a_run_that_is_open_can_be_ended_by_somebody_else(store: Store) -> None:
    state, ended_at, details = told(store, BEGUN, FOREIGN)
    assert (state, ended_at, details["ended_by"]) == ("Crashed", 20, "the process is gone")


@pytest.mark.parametrize("order", list(permutations((BEGUN, OWN, FOREIGN))))
def test_a_run_that_ended_by_itself_has_ended_by_itself_whoever_says_so_first(store: Store, order) -> None:
    assert told(store, *order) == ("Completed", 9, {"host": "own", "ui_url": "u"})
    assert store.runs()[0].started_at == 5


def test_an_end_without_a_time_is_not_given_that_of_somebody_else(store: Store) -> None:
    assert told(store, RunRecord("r", "task", state="Cached", attempt=1), FOREIGN)[:2] == ("Cached", None)


def test_a_running_that_comes_late_does_not_undo_an_end_by_somebody_else(store: Store) -> None:
    assert told(store, FOREIGN, BEGUN)[:2] == ("Crashed", 20)


def test_a_further_attempt_undoes_an_end_by_somebody_else(store: Store) -> None:
    again = RunRecord("r", "task", state="Running", attempt=2)
    assert told(store, BEGUN, FOREIGN, again) == ("Running", None, {"host": "other"})
    assert told(store, FOREIGN)[:2] == ("Running", None)


def _computed(run_id: str, ended_at: int, state: str = "Completed", key: str = "k") -> Record:
    run = RunRecord(
        run_id, "task", state=state, started_at=ended_at - 1, ended_at=ended_at, attempt=1, result_key=key
    )
    return Record(run)


def _origins(store: Store) -> dict[str, str | None]:
    return {run.id: run.cached_from for run in store.runs()}


def test_a_cached_run_comes_from_the_last_that_computed_its_result_before(store: Store) -> None:
    store.apply([_computed("hit", 52, "Cached")])
    assert _origins(store) == {"hit": None}
    store.apply(
        [
            _computed("early", 10),
            _computed("last", 30),
            _computed("failed", 40, "Failed"),
            _computed("other", 41, key="another"),
            _computed("cached", 45, "Cached"),
            _computed("after", 60),
        ]
    )
    origins = _origins(store)
    assert (origins["hit"], origins["cached"]) == ("last", "last")
    assert {run_id for run_id, origin in origins.items() if origin is None} == {
        "early", "last", "failed", "other", "after",
    }  # fmt: skip


def test_a_cached_run_without_a_key_or_a_time_has_no_known_origin(store: Store) -> None:
    store.apply([_computed("p", 1)])
    store.apply([Record(RunRecord("a", "task", state="Cached", started_at=9))])
    store.apply([Record(RunRecord("b", "task", state="Cached", result_key="k"))])
    assert _origins(store) == {"p": None, "a": None, "b": None}


def test_the_origin_is_in_the_json_and_on_every_way_to_the_run(store: Store, make) -> None:
    store.apply([_computed("p", 10), _computed("hit", 50, "Cached")])
    store.apply([make.run("hit", make.read("/x", "aa"), kind=None, name=None)])
    assert next(iter(store.versions()[0].consumers())).to_dict()["cached_from"] == "p"
    assert [run.cached_from for run in store.graph().runs] == ["p"]


def test_many_runs_are_read_with_one_query_for_their_origins(store: Store) -> None:
    import sqlalchemy as sa

    store.apply([_computed("p", 10), *(_computed(f"h{n}", 50 + n, "Cached") for n in range(40))])
    asked: list[str] = []
    engine = store._database._current()
    sa.event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert {run.cached_from for run in store.runs()} == {"p", None}
    assert len([statement for statement in asked if "result_key = " in statement]) == 1


def _replaced(store: Store) -> dict[str, str | None]:
    called = {version.id: str(version) for version in store.versions()}
    return {str(version): version.replaced_by and called[version.replaced_by] for version in store.versions()}


def test_a_partial_version_tells_what_a_later_attempt_of_its_run_wrote_instead(store: Store, make) -> None:
    store.apply([make.run("r", make.write("/x", "aa", at=1, partial=True), attempt=1)])
    assert _replaced(store) == {"file:///x:v0": None}
    store.apply(
        [
            make.run("r", make.write("/x", "bb", at=2, partial=True), make.write("/y", "bb"), attempt=2),
            make.run("r", make.write("/x", "cc", at=3), make.read("/x", "dd", at=4), attempt=3),
            make.run("s", make.write("/x", "ee", at=9), attempt=4),
        ]
    )
    replaced = _replaced(store)
    assert (replaced.pop("file:///x:v0"), replaced.pop("file:///x:v1")) == ("file:///x:v2", "file:///x:v2")
    assert set(replaced.values()) == {None}
    (first,) = [version for version in store.versions() if str(version) == "file:///x:v0"]
    assert first.to_dict()["replaced_by"] == first.replaced_by


def test_what_an_attempt_wrote_again_alike_is_no_longer_partial_nor_replaced(store: Store, make) -> None:
    store.apply(
        [
            make.run("r", make.write("/x", "aa", partial=True), attempt=1),
            make.run("r", make.write("/x", "aa"), attempt=2),
        ]
    )
    assert _replaced(store) == {"file:///x:v0": None}
