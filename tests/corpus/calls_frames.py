"""Frames: pandas, polars, duckdb."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

from corpus_truth import truth

# -- pandas ----------------------------------------------------------------------------------------


@truth("R in.csv", "W out.csv", needs="pandas")
def pandas_csv(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv").to_csv(d / "out.csv")


@truth("R in.csv", needs="pandas pyarrow")
def pandas_csv_by_arrow(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv", engine="pyarrow")


@truth("R in.csv", needs="pandas")
def pandas_csv_in_chunks(d: Path) -> None:
    import pandas as pd

    for _ in pd.read_csv(d / "in.csv", chunksize=10):
        pass


@truth("R in.csv", "W out.csv", needs="pandas")
def pandas_csv_of_open_files(d: Path) -> None:
    import pandas as pd

    with open(d / "in.csv") as source, open(d / "out.csv", "w") as target:
        pd.read_csv(source).to_csv(target)


@truth("R in.csv", needs="pandas")
def pandas_csv_by_file_uri(d: Path) -> None:
    import pandas as pd

    pd.read_csv((d / "in.csv").as_uri())


@truth("R in.csv.gz", "W out.csv.bz2", needs="pandas")
def pandas_csv_compressed(d: Path) -> None:
    import pandas as pd

    pd.read_csv(d / "in.csv.gz").to_csv(d / "out.csv.bz2")


@truth("R in.csv", "W in.csv", needs="pandas")
def pandas_csv_appended(d: Path) -> None:
    import pandas as pd

    pd.DataFrame({"a": [1]}).to_csv(d / "in.csv", mode="a", header=False)


@truth(needs="pandas")
def pandas_csv_in_memory(d: Path) -> None:
    import pandas as pd

    pd.read_csv(io.StringIO("a\n1")).to_csv()


@truth("R in.csv", needs="pandas")
def pandas_table_and_fixed_width(d: Path) -> None:
    import pandas as pd

    pd.read_table(d / "in.csv", sep=",")
    pd.read_fwf(d / "in.csv")


@truth("R in.parquet", "W out.parquet", needs="pandas pyarrow")
def pandas_parquet(d: Path) -> None:
    import pandas as pd

    pd.read_parquet(d / "in.parquet").to_parquet(d / "out.parquet")


@truth("R parts/", "W out/", needs="pandas pyarrow")
def pandas_parquet_partitions(d: Path) -> None:
    import pandas as pd

    pd.read_parquet(d / "parts").to_parquet(d / "out", partition_cols=["g"])


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", needs="pandas pyarrow")
def pandas_parquet_list(d: Path) -> None:
    import pandas as pd

    pd.read_parquet([d / "many_parquet" / "a.parquet", d / "many_parquet" / "b.parquet"])


@truth("R in.parquet", "W out.parquet", needs="pandas fastparquet")
def pandas_parquet_by_fastparquet(d: Path) -> None:
    import pandas as pd

    pd.read_parquet(d / "in.parquet", engine="fastparquet").to_parquet(
        d / "out.parquet", engine="fastparquet"
    )


@truth("R in.json", "R in.jsonl", "W out.json", needs="pandas")
def pandas_json(d: Path) -> None:
    import pandas as pd

    pd.read_json(d / "in.json").to_json(d / "out.json")
    list(pd.read_json(d / "in.jsonl", lines=True, chunksize=10))


@truth("R in.xlsx", "W out.xlsx", needs="pandas openpyxl")
def pandas_excel(d: Path) -> None:
    import pandas as pd

    pd.read_excel(d / "in.xlsx").to_excel(d / "out.xlsx")


@truth("R in.xlsx", "W out.xlsx", needs="pandas openpyxl")
def pandas_excel_file_and_writer(d: Path) -> None:
    import pandas as pd

    with pd.ExcelFile(d / "in.xlsx") as book:
        frame = book.parse(book.sheet_names[0])
    with pd.ExcelWriter(d / "out.xlsx") as writer:
        frame.to_excel(writer, sheet_name="a")
        frame.to_excel(writer, sheet_name="b")


@truth("R in.feather", "W out.feather", needs="pandas pyarrow")
def pandas_feather(d: Path) -> None:
    import pandas as pd

    pd.read_feather(d / "in.feather").to_feather(d / "out.feather")


@truth("R in.pkl", "W out.pkl", needs="pandas")
def pandas_pickle(d: Path) -> None:
    import pandas as pd

    pd.read_pickle(d / "in.pkl").to_pickle(d / "out.pkl")


@truth("W out.h5", needs="pandas tables")
def pandas_hdf(d: Path) -> None:
    import pandas as pd

    pd.DataFrame({"a": [1]}).to_hdf(d / "out.h5", key="a")
    pd.read_hdf(d / "out.h5", "a")


@truth("R in.html", "R in.xml", needs="pandas lxml")
def pandas_html_and_xml(d: Path) -> None:
    import pandas as pd

    pd.read_html(d / "in.html")
    pd.read_xml(d / "in.xml")


@truth("R in.orc", "W out.orc", needs="pandas pyarrow")
def pandas_orc(d: Path) -> None:
    import pandas as pd

    pd.read_orc(d / "in.orc").to_orc(d / "out.orc")


@truth("R in.db", needs="pandas")
def pandas_sql(d: Path) -> None:
    import pandas as pd

    connection = sqlite3.connect(d / "in.db")
    pd.read_sql("select * from src", connection)
    connection.close()


@truth("R in.db", "W in.db", needs="pandas sqlalchemy")
def pandas_sql_by_sqlalchemy(d: Path) -> None:
    import pandas as pd
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{d}/in.db")
    pd.DataFrame({"a": [1]}).to_sql("made", engine)
    engine.dispose()


@truth("R in.csv", needs="pandas")
def pandas_query_of_a_name(d: Path) -> None:
    import pandas as pd

    least = 3  # noqa: F841 - it is looked up by its name
    assert len(pd.read_csv(d / "in.csv").query("id > @least"))


# -- polars ----------------------------------------------------------------------------------------


@truth("R in.csv", "W out.csv", needs="polars")
def polars_csv(d: Path) -> None:
    import polars as pl

    pl.read_csv(d / "in.csv").write_csv(d / "out.csv")


@truth("R in.csv", needs="polars")
def polars_scan_is_collected(d: Path) -> None:
    import polars as pl

    pl.scan_csv(d / "in.csv").filter(pl.col("id") > 3).group_by("g").agg(pl.len()).collect()


@truth(needs="polars")
def polars_scan_is_never_collected(d: Path) -> None:
    import polars as pl

    pl.scan_parquet(d / "in.parquet").filter(pl.col("id") > 3)


@truth("R in.parquet", "R in.csv", needs="polars")
def polars_scans_are_joined(d: Path) -> None:
    import polars as pl

    pl.scan_parquet(d / "in.parquet").join(pl.scan_csv(d / "in.csv"), on="id").collect()


@truth("R in.parquet", "R in.csv", needs="polars")
def polars_collects_all(d: Path) -> None:
    import polars as pl

    pl.collect_all([pl.scan_parquet(d / "in.parquet"), pl.scan_csv(d / "in.csv")])


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", needs="polars")
def polars_glob(d: Path) -> None:
    import polars as pl

    pl.scan_parquet(str(d / "many_parquet" / "*.parquet")).collect()


@truth("R in.csv", "W out.parquet", needs="polars")
def polars_scan_to_sink(d: Path) -> None:
    import polars as pl

    pl.scan_csv(d / "in.csv").sink_parquet(d / "out.parquet")


@truth("R in.parquet", "W out.ipc", "W out.ndjson", "W out.json", needs="polars")
def polars_other_formats(d: Path) -> None:
    import polars as pl

    frame = pl.read_parquet(d / "in.parquet")
    frame.write_ipc(d / "out.ipc")
    frame.write_ndjson(d / "out.ndjson")
    frame.write_json(d / "out.json")


@truth("R in.jsonl", "R in.ipc", needs="polars")
def polars_reads_other_formats(d: Path) -> None:
    import polars as pl

    pl.read_ndjson(d / "in.jsonl")
    pl.read_ipc(d / "in.ipc")


@truth("R in.csv", needs="polars")
def polars_frame_and_lazy(d: Path) -> None:
    import polars as pl

    pl.read_csv(d / "in.csv").lazy().with_columns(x=1).collect()


@truth("R in.csv", "W out.csv", needs="polars")
def polars_open_files(d: Path) -> None:
    import polars as pl

    with open(d / "in.csv", "rb") as source:
        frame = pl.read_csv(source)
    with open(d / "out.csv", "wb") as target:
        frame.write_csv(target)


@truth("R in.parquet", needs="polars")
def polars_schema_only(d: Path) -> None:
    import polars as pl

    pl.read_parquet_schema(d / "in.parquet")


@truth("R in.db", needs="polars")
def polars_database(d: Path) -> None:
    import polars as pl

    connection = sqlite3.connect(d / "in.db")
    pl.read_database("select * from src", connection)
    connection.close()


@truth("R in.csv", "W out.csv", needs="polars")
def polars_lazy_fetched_twice(d: Path) -> None:
    import polars as pl

    lazy = pl.scan_csv(d / "in.csv")
    lazy.head(3).collect()
    lazy.sink_csv(d / "out.csv")


@truth("W out/", needs="polars deltalake")
def polars_delta(d: Path) -> None:
    import polars as pl

    pl.DataFrame({"a": [1]}).write_delta(str(d / "out"))


@truth("R in.delta/", needs="polars deltalake")
def polars_reads_delta(d: Path) -> None:
    import polars as pl

    pl.read_delta(str(d / "in.delta"))


# -- duckdb ----------------------------------------------------------------------------------------


@truth("R in.parquet", needs="duckdb")
def duckdb_from_a_file(d: Path) -> None:
    import duckdb

    duckdb.sql(f"select count(*) from '{d}/in.parquet'").fetchall()


@truth("R in.csv", "R in.parquet", needs="duckdb")
def duckdb_joins_files(d: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        f"select * from read_csv('{d}/in.csv') a join read_parquet('{d}/in.parquet') b using (id)"
    ).fetchall()
    connection.close()


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", needs="duckdb")
def duckdb_glob(d: Path) -> None:
    import duckdb

    duckdb.sql(f"select count(*) from read_parquet('{d}/many_parquet/*.parquet')").fetchall()


@truth("R in.csv", "W out.parquet", needs="duckdb")
def duckdb_copies(d: Path) -> None:
    import duckdb

    duckdb.execute(f"copy (select * from '{d}/in.csv') to '{d}/out.parquet' (format parquet)")


@truth("R in.csv", "W out.csv", needs="duckdb")
def duckdb_relation(d: Path) -> None:
    import duckdb

    duckdb.read_csv(str(d / "in.csv")).filter("id > 3").write_csv(str(d / "out.csv"))


@truth(needs="duckdb pandas")
def duckdb_frame_by_its_name(d: Path) -> None:
    import duckdb
    import pandas as pd

    my_frame = pd.DataFrame({"a": [1, 2]})
    assert duckdb.sql("select sum(a) from my_frame").fetchall() == [(3,)]
    assert duckdb.query("select sum(a) from my_frame").fetchall() == [(3,)]
    assert duckdb.execute("select sum(a) from my_frame").fetchall() == [(3,)]
    assert len(my_frame) == 2


@truth("W out.duckdb", needs="duckdb")
def duckdb_database_is_made(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "out.duckdb")) as connection:
        connection.execute("create table t as select 1 a")


@truth("R in.duckdb", needs="duckdb")
def duckdb_database_is_asked(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "in.duckdb"), read_only=True) as connection:
        connection.sql("select * from src").fetchall()


@truth("R in.csv", needs="duckdb")
def duckdb_params(d: Path) -> None:
    import duckdb

    duckdb.execute("select * from read_csv(?)", [str(d / "in.csv")]).fetchall()


@truth("R in.csv", "W out.json", needs="duckdb")
def duckdb_several_statements(d: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"create table t as from '{d}/in.csv'; copy t to '{d}/out.json';")
    connection.close()
