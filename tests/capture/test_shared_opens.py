"""A database that several runs have open at once: who only reads it is never said to have written it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect import flow, task

from prefect_lineage.capture.attempt import Access, Attempt
from prefect_lineage.capture.shared_opens import SharedOpens

_STEPS = st.lists(
    st.tuples(st.sampled_from(("open", "change", "end")), st.integers(0, 3)), min_size=1, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS, telling=st.sets(st.integers(0, 3)))
def test_every_change_is_blamed_on_who_made_it_and_for_certain_on_nobody_else(
    steps: list[tuple[str, int]], telling: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "d.db")
        path.touch()
        shared, size = SharedOpens(), 0
        attempts: dict[int, Attempt] = {}
        changed: dict[int, bool] = {}
        ended: list[tuple[Access, bool]] = []

        def end(number: int) -> None:
            attempt = attempts.pop(number)
            shared.end(attempt)
            ended.append((attempt.accesses[0], changed.pop(number)))

        for step, number in steps:
            if step == "open" and number not in attempts:
                attempts[number] = Attempt(f"run{number}")
                # who tells that it changes does so: SQL that asks for nothing but an answer is told as that
                access = Access("open", str(path), "open", changes=None)
                attempts[number].add(access)
                shared.begin(attempts[number], access)
                changed[number] = False
            elif step == "change" and number in attempts:
                size, changed[number] = size + 1, True
                if number in telling:
                    shared.begin(attempts[number], Access("open", str(path), "sql", changes=True))
                path.write_bytes(b"x" * size)
            elif step == "end" and number in attempts:
                end(number)
        for number in list(attempts):
            end(number)
        for access, has_changed in ended:
            says_none = access.changes is False
            says_sure = access.changes is None and not access.contested
            assert not (has_changed and says_none)
            assert has_changed or not says_sure
        assert shared._places == {}


def _make(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table t (a)")


def _ask_sqlite3(path: str, meanwhile: Callable[[], object] = bool) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("select * from t").fetchall()
        meanwhile()


def _ask_sqlalchemy(path: str, meanwhile: Callable[[], object] = bool) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select * from t")).all()
        meanwhile()
    engine.dispose()


def _add_sqlite3(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into t values (1)")


def _add_sqlalchemy(path: str) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("insert into t values (1)"))
    engine.dispose()


def _together(ask: Callable[..., None], add: Callable[[str], None]) -> None:
    """While one has its connection open, another opens one, adds a row and ends."""
    opened, added = threading.Event(), threading.Event()

    @task
    def reader() -> None:
        def wait() -> None:
            opened.set()
            assert added.wait(30)

        ask("a.db", wait)

    @task
    def writer() -> None:
        assert opened.wait(30)
        add("a.db")

    @task
    def late() -> None:
        ask("a.db")

    @flow
    def together() -> None:
        reading, writing = reader.submit(), writer.submit()
        writing.wait()
        added.set()
        reading.wait()
        late()

    together()


def _hows(recorded) -> dict[str, str]:
    graph = recorded.graph()
    names = {version.id: str(version) for version in graph.versions}
    jobs = {run.id: run.job.rpartition(".")[2] for run in graph.runs}
    return {
        f"{(names | jobs)[edge.tail]} -> {(names | jobs)[edge.head]}": edge.how
        for edge in graph.edges
        if "a.db" in names[edge.version]
    }


ONE_WROTE = {
    "a.db:v0 -> reader": "observed",
    "a.db:v0 -> writer": "observed",
    "writer -> a.db:v1": "observed",
    "a.db:v1 -> late": "observed",
}


def test_of_two_connections_of_the_driver_nobody_can_tell_which_one_wrote(recorded) -> None:
    _make(recorded.folder / "a.db")
    _together(_ask_sqlite3, _add_sqlite3)
    assert _hows(recorded) == {
        "a.db:v0 -> reader": "observed",
        "a.db:v0 -> writer": "observed",
        "reader -> a.db:v1": "inferred",
        "writer -> a.db:v1": "inferred",
        "a.db:v1 -> late": "observed",
    }


def test_statements_tell_who_wrote(recorded) -> None:
    _make(recorded.folder / "a.db")
    _together(_ask_sqlalchemy, _add_sqlalchemy)
    assert _hows(recorded) == ONE_WROTE


def test_statements_of_duckdb_tell_who_wrote(recorded) -> None:
    def ask(path: str, meanwhile: Callable[[], object] = bool) -> None:
        with duckdb.connect(path) as connection:
            connection.execute("select * from t").fetchall()
            meanwhile()

    def add(path: str) -> None:
        with duckdb.connect(path) as connection:
            connection.execute("insert into t values (1)")
            connection.execute("force checkpoint")  # others have it open: it would stay in the log

    with duckdb.connect(str(recorded.folder / "a.db")) as connection:
        connection.execute("create table t (a integer)")
    _together(ask, add)
    assert _hows(recorded) == ONE_WROTE


def test_who_is_known_to_read_only_leaves_the_change_to_the_other(recorded) -> None:
    _make(recorded.folder / "a.db")
    _together(_ask_sqlalchemy, _add_sqlite3)
    assert _hows(recorded) == ONE_WROTE


def test_a_flow_that_has_it_open_has_not_written_what_its_tasks_write(recorded) -> None:
    _make(recorded.folder / "a.db")

    @task
    def writer() -> None:
        _add_sqlite3("a.db")

    @flow
    def around() -> None:
        _ask_sqlite3("a.db", writer)
        writer.submit().wait()  # the flow need not have waited: it may have written as well

    around()
    assert _hows(recorded) == {
        "a.db:v0 -> around": "observed",
        "a.db:v0 -> writer": "observed",
        "writer -> a.db:v1": "observed",
        "a.db:v1 -> writer": "observed",
        "writer -> a.db:v2": "inferred",
    }


def test_a_flow_that_writes_itself_has_written(recorded) -> None:
    _make(recorded.folder / "a.db")

    @task
    def reader() -> None:
        _ask_sqlite3("a.db")

    @flow
    def around() -> None:
        _add_sqlite3("a.db")
        reader()

    around()
    assert _hows(recorded) == {
        "a.db:v1 -> around": "observed",  # numbered when the flow ends
        "around -> a.db:v0": "observed",
        "a.db:v0 -> reader": "observed",
    }


def test_a_task_that_makes_the_database_for_its_flow_has_made_it(recorded) -> None:
    @task
    def maker() -> None:
        _make(Path("a.db"))

    @flow
    def around() -> None:
        with closing(sqlite3.connect("a.db")) as connection:
            maker()
            connection.execute("select * from t").fetchall()

    around()
    # connecting has made an empty file
    assert _hows(recorded) == {"a.db:v0 -> maker": "observed", "maker -> a.db:v1": "observed"}


def test_a_connection_below_sqlalchemy_may_do_anything(recorded) -> None:
    _make(recorded.folder / "a.db")

    @task
    def writer() -> None:
        engine = sqlalchemy.create_engine("sqlite:///a.db")
        connection = engine.raw_connection()
        connection.cursor().execute("insert into t values (1)")
        connection.commit()
        connection.close()
        engine.dispose()

    @task
    def other() -> None:
        engine = sqlalchemy.create_engine("sqlite:///a.db")
        with engine.connect() as connection:
            connection.connection.cursor().execute("insert into t values (2)")
            connection.connection.commit()
        engine.dispose()

    @flow
    def around() -> None:
        writer()
        other()

    around()
    assert {"writer -> a.db:v1", "other -> a.db:v2"} <= _hows(recorded).keys()


def test_what_nobody_has_open_any_more_is_forgotten() -> None:
    shared = SharedOpens()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "d.db")
        path.touch()
        link = Path(folder, "link.db")
        link.symlink_to(path)
        attempt = Attempt("run")
        for name in (path, link):
            access = Access("open", str(name), "open", existed=True)
            attempt.add(access)
            shared.begin(attempt, access)
        assert list(shared._places) == [os.path.realpath(path)]
        attempt.closed = True
        shared.end(attempt)
        shared.begin(attempt, access)  # by a thread that it has left behind
    assert shared._places == {}
    assert [access.changes for access in attempt.accesses] == [False, False]
