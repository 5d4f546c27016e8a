"""Arrow, and the formats of tables."""

from __future__ import annotations

import json
from pathlib import Path

from corpus_truth import truth


@truth("R in.parquet", "W out.parquet", needs="pyarrow")
def arrow_parquet(d: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pq.read_table(d / "in.parquet"), d / "out.parquet")


@truth("R in.parquet", needs="pyarrow")
def arrow_parquet_file(d: Path) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(d / "in.parquet") as file:
        file.read_row_group(0)


@truth("R in.parquet", "W out.parquet", needs="pyarrow")
def arrow_parquet_writer(d: Path) -> None:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(d / "in.parquet")
    with pq.ParquetWriter(d / "out.parquet", file.schema_arrow) as writer:
        for batch in file.iter_batches(10):
            writer.write_batch(batch)


@truth("R in.parquet", needs="pyarrow")
def arrow_parquet_schema(d: Path) -> None:
    import pyarrow.parquet as pq

    pq.read_schema(d / "in.parquet")
    pq.read_metadata(d / "in.parquet")


@truth("R parts/", needs="pyarrow")
def arrow_dataset(d: Path) -> None:
    import pyarrow.dataset as ds

    ds.dataset(d / "parts", partitioning="hive").to_table()


@truth("R in.csv", "W out/", needs="pyarrow")
def arrow_dataset_is_written(d: Path) -> None:
    import pyarrow.csv as pc
    import pyarrow.dataset as ds

    ds.write_dataset(pc.read_csv(d / "in.csv"), d / "out", format="parquet", partitioning=["g"])


@truth("W out/", needs="pyarrow")
def arrow_write_to_dataset(d: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_to_dataset(pa.table({"a": [1, 2], "g": ["x", "y"]}), str(d / "out"), partition_cols=["g"])


@truth("R in.csv", "W out.csv", needs="pyarrow")
def arrow_csv(d: Path) -> None:
    import pyarrow.csv as pc

    pc.write_csv(pc.read_csv(str(d / "in.csv")), str(d / "out.csv"))


@truth("R in.jsonl", needs="pyarrow")
def arrow_json(d: Path) -> None:
    import pyarrow.json

    pyarrow.json.read_json(str(d / "in.jsonl"))


@truth("R in.feather", "W out.feather", needs="pyarrow")
def arrow_feather(d: Path) -> None:
    import pyarrow.feather as pf

    pf.write_feather(pf.read_table(str(d / "in.feather")), str(d / "out.feather"))


@truth("R in.feather", needs="pyarrow")
def arrow_memory_map(d: Path) -> None:
    import pyarrow as pa

    with pa.memory_map(str(d / "in.feather")) as mapped:
        pa.ipc.open_file(mapped).read_all()


@truth("W out.arrow", needs="pyarrow")
def arrow_ipc_file(d: Path) -> None:
    import pyarrow as pa

    table = pa.table({"a": [1]})
    with pa.OSFile(str(d / "out.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@truth("R in.orc", "W out.orc", needs="pyarrow")
def arrow_orc(d: Path) -> None:
    import pyarrow.orc as po

    po.write_table(po.read_table(d / "in.orc"), d / "out.orc")


@truth("R in.csv", needs="pyarrow")
def arrow_csv_batches(d: Path) -> None:
    import pyarrow.csv as pc

    for _ in pc.open_csv(d / "in.csv"):
        pass


@truth("R in.parquet", "W out.parquet", needs="fastparquet")
def fastparquet_itself(d: Path) -> None:
    import fastparquet

    fastparquet.write(str(d / "out.parquet"), fastparquet.ParquetFile(str(d / "in.parquet")).to_pandas())


@truth("W out.delta/", needs="deltalake pyarrow")
def delta_is_written(d: Path) -> None:
    import deltalake
    import pyarrow as pa

    deltalake.write_deltalake(d / "out.delta", pa.table({"a": [1]}))


@truth("R in.delta/", "W in.delta/", needs="deltalake pyarrow")
def delta_grows(d: Path) -> None:
    import deltalake
    import pyarrow as pa

    deltalake.write_deltalake(str(d / "in.delta"), pa.table({"a": [2]}), mode="append")


@truth("R in.delta/", needs="deltalake pyarrow")
def delta_is_read(d: Path) -> None:
    import deltalake

    deltalake.DeltaTable(d / "in.delta").to_pyarrow_table()


@truth("W out.avro", needs="fastavro")
def avro(d: Path) -> None:
    import fastavro

    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}
    with open(d / "out.avro", "wb") as file:
        fastavro.writer(file, schema, [{"a": 1}])
    with open(d / "out.avro", "rb") as file:
        list(fastavro.reader(file))


@truth("R in.xlsx", "W out.xlsx", needs="openpyxl")
def openpyxl_book(d: Path) -> None:
    import openpyxl

    openpyxl.load_workbook(d / "in.xlsx").save(d / "out.xlsx")


@truth("R in.xlsx", needs="openpyxl")
def openpyxl_read_only(d: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(d / "in.xlsx", read_only=True)
    list(book.active.rows)
    book.close()


@truth("R in.yaml", "W out.yaml", needs="yaml")
def yaml_files(d: Path) -> None:
    import yaml

    with open(d / "in.yaml") as source, open(d / "out.yaml", "w") as target:
        yaml.safe_dump(yaml.safe_load(source), target)


@truth("W out.json", needs="orjson")
def orjson_bytes(d: Path) -> None:
    import orjson

    (d / "out.json").write_bytes(orjson.dumps({"a": 1}))


@truth("R in.xml", needs="lxml")
def lxml_tree(d: Path) -> None:
    from lxml import etree

    etree.parse(str(d / "in.xml"))


@truth("R in.csv", needs="fsspec")
def fsspec_local(d: Path) -> None:
    import fsspec

    with fsspec.open(f"file://{d}/in.csv") as file:
        file.read()


@truth("R many/a.txt", "W out.txt", needs="fsspec")
def fsspec_file_system(d: Path) -> None:
    import fsspec

    local = fsspec.filesystem("file")
    local.copy(str(d / "many" / "a.txt"), str(d / "out.txt"))


@truth("R in.db", needs="sqlalchemy")
def sqlalchemy_select(d: Path) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{d}/in.db")
    with engine.connect() as connection:
        connection.execute(sa.text("select * from src")).all()
    engine.dispose()


@truth("W out.lance/t.lance/", needs="lancedb")
def lance_is_written(d: Path) -> None:
    import lancedb

    lancedb.connect(str(d / "out.lance")).create_table("t", [{"a": 1}])


@truth("R in.parquet", "W out.csv", needs="ibis duckdb")
def ibis_by_duckdb(d: Path) -> None:
    import ibis

    connection = ibis.duckdb.connect()
    connection.read_parquet(str(d / "in.parquet")).to_csv(str(d / "out.csv"))


@truth("W out.xlsx", needs="xlsxwriter")
def xlsxwriter_book(d: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(d / "out.xlsx")) as book:
        book.add_worksheet().write(0, 0, 1)


@truth("W out.sav", needs="pyreadstat pandas")
def readstat(d: Path) -> None:
    import pandas as pd
    import pyreadstat

    pyreadstat.write_sav(pd.DataFrame({"a": [1.0]}), str(d / "out.sav"))
    pyreadstat.read_sav(str(d / "out.sav"))


@truth("W out.jsonl", "R in.jsonl")
def json_lines(d: Path) -> None:
    with open(d / "in.jsonl") as source, open(d / "out.jsonl", "w") as target:
        for line in source:
            target.write(json.dumps(json.loads(line)) + "\n")
