"""Table formats: Delta, Iceberg, Lance, each call with its truth, and each content by the table's own version."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from prefect_lineage.testing import Captured, captured
from prefect_lineage_hooks import (
    deltalake_io,
    files,
    lance_io,
    polars_io,
    pyarrow_io,
    pyiceberg_io,
    sqlite_io,
)
from tests.hooks.calls import Call, Calls

HOOKS = (deltalake_io, files, lance_io, polars_io, pyarrow_io, pyiceberg_io, sqlite_io)
calls = Calls(*HOOKS)
case = calls.case


def one() -> pa.Table:
    return pa.table({"a": [1, 2], "g": ["x", "y"]})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
    deltalake.write_deltalake(str(tmp_path / "in.delta"), one())
    return tmp_path


# -- Delta -----------------------------------------------------------------------------------------------


@case("W out.delta")
def write_deltalake(data: Path) -> None:
    import deltalake

    deltalake.write_deltalake(data / "out.delta", one(), partition_by=["g"])


@case("R in.delta")
def read_a_table(data: Path) -> None:
    import deltalake

    deltalake.DeltaTable(str(data / "in.delta")).to_pandas()
    deltalake.DeltaTable(data / "in.delta").to_pyarrow_dataset().to_table()


@case("R in.delta", "W in.delta")
def append(data: Path) -> None:
    import deltalake

    deltalake.write_deltalake(str(data / "in.delta"), one(), mode="append")


@case("W in.delta")
def overwrite(data: Path) -> None:
    import deltalake

    deltalake.write_deltalake(str(data / "in.delta"), one(), mode="overwrite")


@case("R in.delta")
def ignore_what_is_there(data: Path) -> None:
    import deltalake

    deltalake.write_deltalake(str(data / "in.delta"), one(), mode="ignore")


@case("R in.delta", "W in.delta")
def merge(data: Path) -> None:
    import deltalake

    table = deltalake.DeltaTable(data / "in.delta")
    merge = table.merge(one(), "s.a = t.a", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


@case("R in.delta", "W in.delta")
def delete(data: Path) -> None:
    import deltalake

    deltalake.DeltaTable(data / "in.delta").delete("a = 1")


@case("R in.delta", "W in.delta")
def optimise(data: Path) -> None:
    import deltalake

    table = deltalake.DeltaTable(data / "in.delta")
    deltalake.write_deltalake(table, one(), mode="append")
    table.optimize.compact()
    table.optimize.compact()


@case("W out.delta")
def create_and_write(data: Path) -> None:
    import deltalake

    table = deltalake.DeltaTable.create(data / "out.delta", one().schema)
    deltalake.write_deltalake(table, one(), mode="append")


@case("R in.delta", "W out.delta")
def polars_over_delta(data: Path) -> None:
    pl.read_delta(str(data / "in.delta")).write_delta(str(data / "out.delta"))


@case("R in.delta")
def polars_scan_of_delta(data: Path) -> None:
    pl.scan_delta(str(data / "in.delta")).filter(pl.col("a") > 1).collect()


# -- Iceberg ---------------------------------------------------------------------------------------------


def catalog(data: Path) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog("c", uri=f"sqlite:///{data}/cat.db", warehouse=f"file://{data}/wh")


@case("W wh/db/t", needs="pyiceberg")
def iceberg_append_and_scan(data: Path) -> None:
    there = catalog(data)
    there.create_namespace("db")
    table = there.create_table("db.t", schema=one().schema)
    table.append(one())
    table.scan().to_arrow()


@case("R wh/db/in", needs="pyiceberg")
def iceberg_scan(data: Path) -> None:
    catalog(data).load_table("db.in").scan(row_filter="a > 1").to_pandas()


@case("R wh/db/in", "W wh/db/in", needs="pyiceberg")
def iceberg_changes(data: Path) -> None:
    table = catalog(data).load_table("db.in")
    table.append(one())
    table.overwrite(one())


@case("R wh/db/in", "W wh/db/in", needs="pyiceberg")
def iceberg_transaction(data: Path) -> None:
    with catalog(data).load_table("db.in").transaction() as transaction:
        transaction.append(one())


# -- Lance -------------------------------------------------------------------------------------------------


@case("W out.lance", needs="lance")
def lance_write(data: Path) -> None:
    import lance

    lance.write_dataset(one(), str(data / "out.lance"))


@case("R in.lance", needs="lance")
def lance_read(data: Path) -> None:
    import lance

    lance.dataset(str(data / "in.lance")).to_table(columns=["a"])
    lance.dataset(data / "in.lance").scanner(filter="a > 1").to_table()


@case("R in.lance", "W in.lance", needs="lance")
def lance_append(data: Path) -> None:
    import lance

    lance.write_dataset(one(), str(data / "in.lance"), mode="append")
    lance.dataset(str(data / "in.lance")).delete("a = 1")


@case("W db/t.lance", needs="lancedb")
def lancedb_create(data: Path) -> None:
    import lancedb

    lancedb.connect(str(data / "db")).create_table("t", [{"a": 1}]).to_pandas()


@case("R indb/src.lance", needs="lancedb")
def lancedb_open_and_search(data: Path) -> None:
    import lancedb

    table = lancedb.connect(data / "indb").open_table("src")
    table.to_pandas()
    table.search().limit(1).to_list()


@case("R indb/src.lance", "W indb/src.lance", needs="lancedb")
def lancedb_add(data: Path) -> None:
    import lancedb

    lancedb.connect(data / "indb").open_table("src").add([{"a": 2}])


def _make(data: Path, needs: str) -> None:
    library = pytest.importorskip(needs, reason=f"{needs} is not installed")
    if needs == "pyiceberg":
        there = catalog(data)
        there.create_namespace("db")
        there.create_table("db.in", schema=one().schema).append(one())
    elif needs == "lance":
        library.write_dataset(one(), str(data / "in.lance"))
    else:
        library.connect(data / "indb").create_table("src", [{"a": 1}])


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other
        if needs and "R" in str(truth):
            _make(data, needs)
        calls.check(call, truth, needs, data)


def seen_of(data: Path, call: Call) -> Captured:
    with warnings.catch_warnings(), captured(*HOOKS, root=data) as seen:
        warnings.simplefilter("ignore")
        call(data)
    assert not seen.problems
    return seen


def test_writer_and_reader_of_a_version_of_a_delta_table_meet(data: Path) -> None:
    import deltalake

    def write(data: Path) -> None:
        deltalake.write_deltalake(str(data / "t"), one())

    first = seen_of(data, write).edge("W t").content
    later = seen_of(data, lambda data: deltalake.write_deltalake(data / "t", one(), mode="append"))
    by_number = seen_of(data, lambda data: deltalake.DeltaTable(data / "t", version=0).to_pandas())
    by_polars = seen_of(data, lambda data: pl.read_delta(str(data / "t")))
    lazily = seen_of(data, lambda data: pl.scan_delta(str(data / "t")).collect())
    assert first.digest == by_number.edge("R t").content.digest == later.edge("R t").content.digest
    assert later.edge("W t").content.digest == by_polars.edge("R t").content.digest != first.digest
    assert lazily.edge("R t").content.digest == by_polars.edge("R t").content.digest
    assert first.covers == "version"
    assert later.edge("W t").metadata["table_version"] == 1
    assert (first.rows, [name for name, _ in first.schema]) == (2, ["a", "g"])


def test_a_snapshot_is_the_version_of_an_iceberg_table(data: Path) -> None:
    pytest.importorskip("pyiceberg", reason="pyiceberg is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _make(data, "pyiceberg")
    table = catalog(data).load_table("db.in")
    wrote = seen_of(data, lambda data: table.append(one())).edge("W wh/db/in")
    read = seen_of(data, lambda data: catalog(data).load_table("db.in").scan().to_arrow()).edge("R wh/db/in")
    assert wrote.content.digest == read.content.digest
    assert (read.type, read.content.rows, read.metadata["table"]) == ("table", 4, "db.in")


def test_writer_and_reader_of_a_table_in_a_bucket_meet(data: Path) -> None:
    import boto3
    import deltalake

    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        secret = {"aws_access_key_id": "t", "aws_secret_access_key": "t"}
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **secret).create_bucket(
            Bucket="bkt"
        )
        options = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
        options |= {name.upper(): value for name, value in secret.items()} | {"conditional_put": "etag"}

        def write(mode: str) -> Captured:
            return seen_of(
                data,
                lambda _: deltalake.write_deltalake("s3://bkt/t", one(), mode=mode, storage_options=options),
            )

        first, second = write("error"), write("append")
        read = seen_of(
            data, lambda _: deltalake.DeltaTable("s3://bkt/t", storage_options=options).to_pandas()
        )
    finally:
        server.stop()
    digests = [
        seen.edge(line).content.digest for seen, line in ((first, "W s3://bkt/t"), (second, "R s3://bkt/t"))
    ]
    assert digests[0] == digests[1]
    assert (
        second.edge("W s3://bkt/t").content.digest == read.edge("R s3://bkt/t").content.digest != digests[0]
    )
