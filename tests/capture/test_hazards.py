"""Ways in which watching calls can break code that makes them: each was seen somewhere, none may happen here.

Real libraries, with all shipped plugins; what only one library does is in that library's tests.
"""

from __future__ import annotations

import concurrent.futures
import copy
import io
import multiprocessing
import os
import pickle
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.testing import Captured, captured

duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
AGES = pd.DataFrame({"age": [40, 50]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pd.DataFrame({"id": range(5)}).to_csv(tmp_path / "in.csv", index=False)
    return tmp_path


def test_a_frame_is_found_by_its_name_in_the_callers_frame(folder: Path) -> None:
    with captured(root=folder, discover=True):
        my_frame = pd.DataFrame({"a": [1, 2]})
        assert duckdb.sql("select sum(a) from my_frame").fetchall() == [(3,)]
        assert duckdb.execute("select sum(age) from AGES").fetchall() == [(90,)]
        assert duckdb.query("select sum(a) from my_frame").fetchall() == [(3,)]
        with duckdb.connect() as connection:
            assert connection.sql("select sum(a) from my_frame").fetchall() == [(3,)]
            assert connection.execute("select sum(age) from AGES").fetchall() == [(90,)]
        del my_frame


def test_a_result_that_is_pending_is_not_disturbed(folder: Path) -> None:
    with captured(root=folder, discover=True), duckdb.connect() as connection:
        connection.execute(f"select id from '{folder}/in.csv' order by id")
        assert connection.fetchone() == (0,)
        assert connection.fetchmany(2) == [(1,), (2,)]
        assert connection.fetchall() == [(3,), (4,)]


def test_names_in_a_query_are_the_callers(folder: Path) -> None:
    with captured(root=folder, discover=True) as seen:
        least = 3  # noqa: F841 - looked up by its name
        assert list(pd.read_csv(folder / "in.csv").query("id >= @least")["id"]) == [3, 4]
        assert list(pd.eval("AGES.age + 1")) == [41, 51]
    assert seen.lines == ["R in.csv"]


@pytest.mark.parametrize("captures", [False, True])
def test_warnings_blame_the_users_line(captures: bool, folder: Path) -> None:
    def warn() -> list[str]:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            pd.read_csv(folder / "in.csv", sep="id|x")  # a parser warning with a counted stack level
            pd.DataFrame({"not a name": [1]}).to_stata(folder / "out.dta")
        return [warning.filename for warning in told]

    if not captures:
        said = warn()
    else:
        with captured(root=folder, discover=True):
            said = warn()
    assert said
    assert set(said) == {__file__}


READERS = {"csv": pd.read_csv}
"""Bound early, where no scan looks."""


def test_what_was_kept_before_it_was_watched_goes_to_other_processes_too(folder: Path) -> None:
    kept = READERS["csv"]
    before = (kept.__module__, kept.__qualname__)
    with captured(root=folder, discover=True) as seen:
        assert kept is not pd.read_csv
        for function in (kept, pd.read_csv, pd.read_parquet, pd.read_json):
            assert pickle.loads(pickle.dumps(function)) is function
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            assert len(pool.submit(kept, str(folder / "in.csv")).result(60)) == 5
    assert (kept.__module__, kept.__qualname__) == before
    assert kept is pd.read_csv
    assert seen.lines == ["R in.csv"]


def _read(path: str) -> int:
    return len(pd.read_csv(path))


def test_watched_functions_go_to_other_processes(folder: Path) -> None:
    path = str(folder / "in.csv")
    with captured(root=folder, discover=True) as seen:
        for function in (pd.read_csv, pd.DataFrame.to_csv, open, os.replace, sqlite3.connect):
            assert pickle.loads(pickle.dumps(function)) is function
            assert copy.deepcopy(function) is function
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            assert len(pool.submit(pd.read_csv, path).result(60)) == 5
            assert pool.submit(_read, path).result(60) == 5
    assert seen.lines == ["R in.csv"]


def test_classes_stay_classes(folder: Path) -> None:
    with captured(root=folder, discover=True):

        class Own(pd.DataFrame):
            pass

        assert isinstance(Own({"a": [1]}), pd.DataFrame)
        with sqlite3.connect(folder / "a.db") as connection:
            assert type(connection) is sqlite3.Connection
        connection.close()
        with open(folder / "in.csv", "rb", buffering=0) as raw:
            assert isinstance(raw, io.FileIO)


def test_an_adapter_that_fails_in_every_way_fails_in_silence(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from prefect_lineage import hookimpl
    from prefect_lineage.interceptors import Interceptor

    class Broken:
        @hookimpl
        def lineage_interceptors(self) -> list[Interceptor]:
            def claims(call: object) -> list[object]:
                raise SystemError("broken")

            names = ("read_csv", "DataFrame.to_csv", "no_such_call")
            return [Interceptor("pandas", name, claims, after=claims) for name in names]  # type: ignore[arg-type]

        @hookimpl
        def lineage_noise(self, path: str) -> bool:
            raise SystemError("broken")

        @hookimpl
        def lineage_location(self, target: object) -> None:
            raise SystemError("broken")

    with captured(Broken(), root=folder) as seen:
        for _ in range(7):
            pd.read_csv(folder / "in.csv").to_csv(folder / "out.csv")
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert "switched off after 5 errors" in seen.problems["pandas.read_csv"]
    assert capfd.readouterr().out == ""


def test_errors_and_results_are_the_librarys_own(folder: Path) -> None:
    def results() -> list[str]:
        said = []
        for function, *arguments in (
            *((pd.read_csv,), (pd.read_csv, folder / "absent.csv"), (pd.read_csv, None)),
            *((open, folder), (open,), (open, "\0"), (os.open, "\0", 0)),
            *((sqlite3.connect,), (sqlite3.connect, folder)),
        ):
            with pytest.raises(Exception) as raised:  # noqa: PT011 - which, is what is compared
                function(*arguments)
            said.append(f"{type(raised.value).__name__}: {raised.value}")
        return said

    before = results()
    with captured(root=folder, discover=True) as seen:
        during = results()
    assert during == before
    assert seen.lines == []


def test_nothing_stays_in_a_process_that_has_captured(folder: Path) -> None:
    """As a whole process: patched, put back, and every object of the libraries is the one that it was."""
    code = (
        "import builtins, io, os, sqlite3, pandas, duckdb, subprocess, threading\n"
        "names = [(builtins, 'open'), (io, 'open'), (io, 'FileIO'), (os, 'open'), (os, 'replace'), (os, 'unlink'),\n"
        "         (sqlite3, 'connect'), (pandas, 'read_csv'), (pandas.DataFrame, 'to_parquet'), (duckdb, 'sql'),\n"
        "         (subprocess.Popen, '__init__'), (threading.Thread, 'start')]\n"
        "before = [getattr(*name) for name in names]\n"
        "from prefect_lineage.testing import captured\n"
        "with captured(discover=True):\n"
        "    changed = [getattr(*name) is not was for name, was in zip(names, before)]\n"
        "print(all(changed), all(getattr(*name) is was for name, was in zip(names, before)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"], done.stdout


def test_running_attempts_are_counted_down(folder: Path) -> None:
    seen: list[Captured] = []
    for _ in range(2):
        with captured(root=folder) as one:
            seen.append(one)
            assert Attempt.running == 1
    assert Attempt.running == 0
