"""What duckdb reads and writes, each call with its truth: files in its SQL, relations, its own database files."""

from __future__ import annotations

import shutil
import warnings
from contextlib import chdir, suppress
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import duckdb_io, files, pandas_io
from prefect_lineage_hooks.duckdb_sql import State, statements
from tests.hooks.calls import Call, Calls

duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")

calls = Calls(files, duckdb_io)
case = calls.case
a_frame_of_the_module = pd.DataFrame({"a": [5]})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("duckdb")
    frame = pd.DataFrame({"id": range(50), "g": [f"g{row % 3}" for row in range(50)]})
    frame.to_csv(folder / "in.csv", index=False)
    frame.to_parquet(folder / "in.parquet")
    frame.to_json(folder / "in.json", orient="records")
    (folder / "many").mkdir()
    for name in "ab":
        frame.to_parquet(folder / "many" / f"{name}.parquet")
    with duckdb.connect(str(folder / "in.duckdb")) as connection:
        connection.execute("create table src as select * from frame")
        connection.execute("create table dst as select * from frame limit 0")
    return folder


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(_made, tmp_path / "data")


MANY = ["R many/a.parquet", "R many/b.parquet"]


@case("R in.parquet")
def a_file_in_place_of_a_table(data: Path) -> None:
    duckdb.sql(f"select count(*) from '{data}/in.parquet'").fetchall()


@case("R in.csv")
def a_file_by_a_function(data: Path) -> None:
    assert duckdb.execute(f"select count(*) from read_csv('{data}/in.csv', header=true)").fetchall() == [
        (50,)
    ]
    duckdb.query(f"from read_csv_auto('{data}/in.csv')").df()


@case("R in.csv")
def a_file_by_a_relative_name(data: Path) -> None:
    with chdir(data):
        duckdb.sql("from 'in.csv'").fetchall()


@case("R in.csv", "R in.json", "R in.parquet")
def files_by_readers_of_the_module(data: Path) -> None:
    duckdb.read_csv(str(data / "in.csv")).fetchall()
    duckdb.read_parquet(str(data / "in.parquet")).fetchall()
    duckdb.read_json(str(data / "in.json")).fetchall()


@case("R in.csv", "R in.json", "R in.parquet")
def files_by_readers_of_a_connection(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.read_csv(data / "in.csv").fetchall()
        connection.from_parquet(str(data / "in.parquet")).fetchall()
        connection.read_json(str(data / "in.json")).fetchall()


@case(*MANY)
def a_pattern(data: Path) -> None:
    duckdb.sql(f"select count(*) from read_parquet('{data}/many/*.parquet')").fetchall()
    duckdb.read_parquet(f"{data}/many/*.parquet").fetchall()


@case(*MANY)
def a_list_of_files(data: Path) -> None:
    one, two = data / "many" / "a.parquet", data / "many" / "b.parquet"
    duckdb.sql(f"from read_parquet(['{one}', '{two}'])").fetchall()
    duckdb.read_parquet([str(one), str(two)]).fetchall()


@case("R in.csv", "R in.parquet")
def files_as_parameters(data: Path) -> None:
    duckdb.execute("select count(*) from read_csv(?)", [str(data / "in.csv")]).fetchall()
    duckdb.sql("from read_parquet($path)", params={"path": str(data / "in.parquet")}).fetchall()


@case("R in.csv", "R in.parquet")
def files_in_joins_and_subqueries(data: Path) -> None:
    duckdb.sql(
        f"with q as (select * from '{data}/in.csv') select * from q where id in (select id from '{data}/in.parquet')"
    ).fetchall()


@case("R in.csv", "W out.parquet")
def copy_to(data: Path) -> None:
    duckdb.execute(f"copy (select * from '{data}/in.csv') to '{data}/out.parquet' (format parquet)")


@case("R in.csv", "W out.csv")
def copy_from_and_to_with_a_table_between(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t (id int, g text)")
        connection.execute(f"copy t from '{data}/in.csv' (header)")
        connection.execute(f"copy t to '{data}/out.csv'")


@case("R in.csv", "W out")
def copy_to_partitions(data: Path) -> None:
    duckdb.execute(f"copy (from '{data}/in.csv') to '{data}/out' (format parquet, partition_by (g))")


@case("R in.csv", "W out.csv")
def several_statements_at_once(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create table t as from '{data}/in.csv'; copy t to '{data}/out.csv'")


@case("R in.csv", "R in.parquet", "W both.parquet", "W one.csv")
def relations_that_are_written(data: Path) -> None:
    duckdb.read_csv(str(data / "in.csv")).filter("id > 3").write_csv(str(data / "one.csv"))
    duckdb.sql(f"from '{data}/in.parquet'").to_parquet(str(data / "both.parquet"))


@case("R in.csv", "W out.parquet")
def a_view_that_is_written(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create view v as select * from read_csv('{data}/in.csv')")
        connection.execute(f"copy (select * from v) to '{data}/out.parquet'")


@case()
def a_view_that_nobody_reads(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create view v as select * from read_csv('{data}/in.csv')")


@case("R in.csv")
def what_only_looks(data: Path) -> None:
    duckdb.sql(f"summarize '{data}/in.csv'").fetchall()
    duckdb.sql(f"describe select * from '{data}/in.csv'").fetchall()
    duckdb.execute(f"explain analyze select * from '{data}/in.csv'").fetchall()


@case("W out")
def export_database(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as select 1 as a")
        connection.execute(f"export database '{data}/out' (format parquet)")
    with duckdb.connect() as connection:
        connection.execute(f"import database '{data}/out'")


@case("R in.duckdb", "W in.duckdb")
def insert_select_in_its_own_file(data: Path) -> None:
    connection = duckdb.connect(str(data / "in.duckdb"))
    connection.execute("insert into dst select * from src")
    connection.close()


@case("R in.duckdb")
def select_in_its_own_file(data: Path) -> None:
    with duckdb.connect(data / "in.duckdb") as connection:
        connection.sql("select count(*) from src").fetchall()


@case("R in.duckdb")
def select_read_only(data: Path) -> None:
    with duckdb.connect(database=str(data / "in.duckdb"), read_only=True) as connection:
        connection.cursor().execute("select count(*) from src").fetchall()


@case("R in.csv", "W new.duckdb")
def a_database_that_is_made(data: Path) -> None:
    with duckdb.connect(str(data / "new.duckdb")) as connection:
        connection.execute(f"create table t as from '{data}/in.csv'")


@case("R in.csv", "W new.duckdb")
def a_relation_that_becomes_a_table(data: Path) -> None:
    with duckdb.connect(str(data / "new.duckdb")) as connection:
        connection.read_csv(str(data / "in.csv")).create("t")


@case("R in.duckdb", "W out.csv")
def an_attached_database(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{data}/in.duckdb' as other (read_only)")
        connection.execute(f"copy (select * from other.src) to '{data}/out.csv'")


@case("R in.duckdb", "W in.duckdb")
def an_attached_database_that_is_written(data: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{data}/in.duckdb' as other")
        connection.execute("insert into other.dst values (1, 'x')")


@case()
def what_lies_in_memory(data: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    duckdb.sql("select * from frame").fetchall()
    duckdb.from_df(frame).aggregate("sum(a)").fetchall()
    with duckdb.connect(":memory:") as connection:
        connection.register("v", frame)
        connection.execute("select * from v").fetchall()
    assert frame is not None


@case()
def a_file_that_is_not_there(data: Path) -> None:
    for _ in range(7):
        with suppress(duckdb.Error):
            duckdb.sql(f"from '{data}/missing.csv'").fetchall()


@case("R in.parquet", "W out.csv", needs="ibis")
def ibis_over_duckdb(data: Path) -> None:
    import ibis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ibis calls what duckdb has deprecated
        connection = ibis.duckdb.connect()
        connection.read_parquet(str(data / "in.parquet")).to_csv(str(data / "out.csv"))


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_of_duckdb_is_seen_as_what_it_does(
    call: Call, truth: list[str], needs: str, data: Path
) -> None:
    calls.check(call, truth, needs, data)


# -- the frame of the caller ----------------------------------------------------------------------------


def seen_of(data: Path, call: Call) -> Captured:
    with captured(duckdb_io, pandas_io, root=data) as seen:
        call(data)
    assert not seen.problems
    return seen


@pytest.mark.parametrize("entry", ["sql", "query", "execute", "from_query"])
@pytest.mark.parametrize("of_connection", [False, True])
def test_frames_are_found_by_name_in_the_frame_of_the_caller(
    entry: str, of_connection: bool, data: Path
) -> None:
    def call(data: Path) -> None:
        my_df = pd.DataFrame({"a": [1, 2]})
        my_lazy = pl.DataFrame({"a": [3]}).lazy()
        my_table = pa.table({"a": [4]})
        owner = duckdb.connect() if of_connection else duckdb
        found = []
        for name in ("my_df", "my_lazy", "my_table", "a_frame_of_the_module"):
            found.append(getattr(owner, entry)(f"select * from {name}").fetchall())  # noqa: PERF401 - a frame of its own
        assert found == [[(1,), (2,)], [(3,)], [(4,)], [(5,)]]
        assert my_df is not None
        assert my_lazy is not None
        assert my_table is not None

    assert seen_of(data, call).lines == []


def test_frames_of_frames_further_out_are_as_much_found_as_without_us(data: Path) -> None:
    def outer(look: Call) -> object:
        hidden_df = pd.DataFrame({"a": [1]})
        assert hidden_df is not None
        return look(data)

    def look(data: Path) -> object:
        try:
            return duckdb.sql("select * from hidden_df").fetchall()
        except duckdb.Error as error:
            return type(error)

    bare = outer(look)
    with captured(duckdb_io, root=data):
        assert outer(look) == bare


def test_a_result_that_waits_is_not_disturbed(data: Path) -> None:
    def call(data: Path) -> None:
        with duckdb.connect() as connection:
            connection.execute(f"select id from '{data}/in.csv' order by id")
            assert connection.fetchone() == (0,)
            assert connection.fetchone() == (1,)
            other = connection.cursor()
            other.execute("select 7")
            assert connection.fetchone() == (2,)
            assert other.fetchall() == [(7,)]

    assert seen_of(data, call).lines == ["R in.csv"]


def test_a_connection_from_outside_the_run_is_known(data: Path) -> None:
    with captured(duckdb_io, root=data):
        pass
    with captured(duckdb_io, root=data):
        connection = duckdb.connect(str(data / "in.duckdb"))
    with captured(duckdb_io, root=data) as seen, connection:
        connection.execute("insert into dst values (1, 'x')")
        connection.execute("insert into dst values (2, 'x')")
    assert seen.lines == ["R in.duckdb", "W in.duckdb"]


def test_a_statement_that_cannot_be_parsed_is_counted_and_runs(data: Path) -> None:
    with captured(duckdb_io, root=data) as seen:
        for _ in range(7):
            with pytest.raises(duckdb.Error):
                duckdb.sql("select from where )(")
        duckdb.sql(f"from '{data}/in.csv'").fetchall()
    assert seen.lines == ["R in.csv"]
    assert not seen.problems


def test_errors_and_results_are_those_of_duckdb(data: Path) -> None:
    with captured(duckdb_io, root=data):
        with pytest.raises(duckdb.CatalogException):
            duckdb.sql("select * from no_such_table")
        assert type(duckdb.sql("select 1")) is duckdb.DuckDBPyRelation
        assert isinstance(duckdb.connect(), duckdb.DuckDBPyConnection)


def test_edges_tell_call_and_format(data: Path) -> None:
    seen = seen_of(
        data, lambda data: duckdb.sql(f"from '{data}/in.csv'").write_parquet(str(data / "out.parquet"))
    )
    assert seen.vias == {
        "R in.csv": "duckdb.sql",
        "W out.parquet": "duckdb.DuckDBPyRelation.write_parquet",
    }
    assert [seen.edge(line).content.format for line in seen.lines] == ["csv", "parquet"]


# -- statements ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "given", "touched"),
    [
        ("select 1", None, []),
        ("select * from t join u using (a)", None, []),
        ("select 'a.csv' as name", None, []),
        ("select * from x where name = 'a.csv'", None, []),
        ("from 's3://b/k.parquet'", None, ["read s3://b/k.parquet"]),
        ("select * from 'a.csv.gz', \"b.parquet\"", None, ["read a.csv.gz", "read b.parquet"]),
        ("table 'a.csv'", None, ["read a.csv"]),
        ("select * from read_json_auto('a.x')", None, ["read a.x"]),
        ("select * from parquet_metadata('a.parquet')", None, ["read a.parquet"]),
        ("select * from read_text($1)", ["a.txt"], ["read a.txt"]),
        ("select * from read_csv(?) where a = ?", ["a.csv", 3], ["read a.csv"]),
        ("select * from read_parquet(?)", [["a", "b"]], ["read a", "read b"]),
        ("insert into t by name from 'a.csv'", None, ["read a.csv"]),
        ("create or replace temp table t as select * from 'a.csv'", None, ["read a.csv"]),
        ("copy t to 'o.csv' (header, delimiter ';')", None, ["write o.csv"]),
        ("copy t from 'a.csv'", None, ["read a.csv"]),
        ("COPY (SELECT 1) TO 'o''x.csv'", None, ["write o'x.csv"]),
        ("import database 'folder'", None, ["read folder"]),
        ("EXPORT DATABASE 'folder' (FORMAT csv)", None, ["write folder"]),
        ("attach 'x.db' as y (type sqlite)", None, ["open x.db"]),
        ("attach ':memory:' as y", None, []),
        ("attach 'postgres:dbname=x' as y", None, []),
        ("pivot 'a.csv' on b using sum(c)", None, ["read a.csv"]),
        ("create macro m(p) as table select * from read_csv(p)", None, []),
        ("set memory_limit = '1GB'", None, []),
        ("pragma database_list", None, []),
        ("-- from 'a.csv'\nselect 1", None, []),
    ],
)
def test_a_statement_tells_its_files(sql: str, given: object, touched: list[str]) -> None:
    found = statements(sql, given, State())
    assert sorted(f"{one.operation} {one.path}" for one in found) == touched
