"""Digests, UUIDs and circumstances are stored briefly, and come back as they were."""

from __future__ import annotations

import string
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.store.filters import Filter
from prefect_lineage.store.packed import Packed, PackedDigest, PackedUuid
from prefect_lineage.store.schema import circumstances, runs
from prefect_lineage.store.store import Store

_HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
_DIGESTS = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["blake3", "sha256", "stat", "BLAKE3"]), _HEX),
    st.builds("blake3:{}".format, st.text(string.hexdigits, max_size=66)),
    st.builds("run:{}:{}".format, st.uuids(), _HEX),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
_UUIDS = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    st.uuids().map(lambda uuid: uuid.hex),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)


@given(_DIGESTS)
def test_a_digest_comes_back_as_it_was(digest: str) -> None:
    assert PackedDigest.unpack(PackedDigest.pack(digest)) == digest


@given(_UUIDS)
def test_a_uuid_comes_back_as_it_was(uuid: str) -> None:
    assert PackedUuid.unpack(PackedUuid.pack(uuid)) == uuid


def _is_in_ranges(kind: type[Packed], text: str, start: str) -> bool:
    return any(low <= kind.pack(text) <= high for low, high in kind.ranges(start))


@given(_DIGESTS, _DIGESTS, st.integers(0, 72))
def test_the_ranges_of_a_digest_are_what_begins_with_it(digest: str, other: str, length: int) -> None:
    for start in (digest[:length], other[:length]):
        assert _is_in_ranges(PackedDigest, digest, start) == digest.startswith(start)


@given(_UUIDS, _UUIDS, st.integers(0, 37))
def test_the_ranges_of_a_uuid_are_what_begins_with_it(uuid: str, other: str, length: int) -> None:
    for start in (uuid[:length], other[:length]):
        assert _is_in_ranges(PackedUuid, uuid, start) == uuid.startswith(start)


def test_usual_digests_and_uuids_take_half() -> None:
    assert len(PackedDigest.pack("blake3:" + "0f" * 32)) == 33
    assert len(PackedUuid.pack("01a21d9e-b05d-7151-86de-8c3eefd1378f")) == 17


_CODE = {"function": "m.f", "digest": "sha256:1"}
_PLACE = {"host": "here", "packages": {"prefect": "3.8.8"}}


@pytest.fixture
def filled(store: Store, make: Any) -> Store:
    alike = {"code": _CODE, "environment": _PLACE}
    for number in range(20):
        process = {"pid": number // 10}
        details = {"parameters": {"n": number}, **alike, "process": process}
        store.apply([make.run(f"r{number}", make.write(f"/{number}", "aa", at=number + 1), details=details)])
    store.apply([make.run("r0", details={"code": None, "late": 1})])
    return store


def test_circumstances_are_stored_once(filled: Store) -> None:
    with filled._database.reading() as connection:
        stored = (
            connection.execute(sa.select(circumstances.c.value).order_by(circumstances.c.id)).scalars().all()
        )
        rest = connection.execute(sa.select(runs.c.details).where(runs.c.uuid == "r3")).scalar_one()
    assert stored == [_CODE, _PLACE, {"pid": 0}, {"pid": 1}, None]
    assert rest == {"parameters": {"n": 3}}


def test_a_run_has_its_circumstances_among_its_details(filled: Store) -> None:
    found = {run.id: run.details for run in filled.runs()}
    assert found["r3"] == {
        "parameters": {"n": 3},
        "code": _CODE,
        "environment": _PLACE,
        "process": {"pid": 0},
    }
    assert found["r0"]["code"] is None
    assert found["r0"]["late"] == 1


def test_runs_are_found_by_their_circumstances(filled: Store) -> None:
    def found(**metadata: Any) -> int:
        return len(filled.runs(Filter(metadata=metadata)))

    assert found(process={"pid": 1}) == 10
    assert found(code=_CODE) == 19
    assert found(code=_CODE, process={"pid": 0}, parameters={"n": 3}) == 1
    assert found(process={"pid": 2}) == 0
    assert len(filled.graph(Filter(metadata={"process": {"pid": 1}})).edges) == 10
