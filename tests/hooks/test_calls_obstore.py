"""What obstore reads and writes in compiled code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage_hooks import files, obstore_io
from prefect_lineage_hooks.obstore_io import _place
from tests.hooks.calls import Call, Calls

obstore = pytest.importorskip("obstore", reason="obstore is not installed")

calls = Calls(files, obstore_io)
case = calls.case


def store(data: Path) -> Any:
    from obstore.store import LocalStore

    return LocalStore(data)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "in.csv").write_text("a\n1\n")
    return tmp_path


@case("R in.csv", "W out.csv")
def get_and_put(data: Path) -> None:
    obstore.put(store(data), "out.csv", bytes(obstore.get(store(data), "in.csv").bytes()))


@case("R in.csv", "W sub/out.csv")
def methods(data: Path) -> None:
    there = store(data)
    there.put("sub/out.csv", bytes(there.get_range("in.csv", start=0, length=2)))


@case("R in.csv", "W out.csv")
def readers_and_writers(data: Path) -> None:
    with obstore.open_writer(store(data), "out.csv") as writer:
        writer.write(bytes(obstore.open_reader(store(data), "in.csv").read()))


@case("R in.csv", "W out.csv")
def awaited(data: Path) -> None:
    async def both() -> None:
        there = store(data)
        found = await there.get_async("in.csv")
        await obstore.put_async(there, "out.csv", bytes(await found.bytes_async()))

    asyncio.run(both())


@case("R in.csv", "W copy.csv", "W moved.csv")
def copies_and_renames(data: Path) -> None:
    there = store(data)
    obstore.copy(there, "in.csv", "copy.csv")
    obstore.copy(there, "in.csv", "moving.csv")
    there.rename("moving.csv", "moved.csv")


@case()
def in_memory(data: Path) -> None:
    from obstore.store import MemoryStore

    there = MemoryStore()
    obstore.put(there, "a", b"x")
    there.get("a")


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(call: Call, truth: list[str], needs: str, data: Path) -> None:
    calls.check(call, truth, needs, data)


def test_an_object_in_a_bucket_has_a_uri() -> None:
    from obstore.store import S3Store

    there = S3Store("bucket", prefix="folder", region="us-east-1", skip_signature=True)
    assert _place(there, "a.csv") == "s3://bucket/folder/a.csv"
