from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.errors import ReferenceInvalid
from prefect_lineage.model.reference import Reference, checked_alias, checked_name

words = st.text(st.characters(categories=["L", "Nd"], include_characters=" /._-"), min_size=1, max_size=20)
names = words.filter(lambda name: bool(name.strip()))
aliases = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True).filter(
    lambda alias: not (alias[0] == "v" and alias[1:].isdigit())
)


@given(names)
def test_a_name_without_colons_and_ats_is_its_own_target(name: str) -> None:
    ref = Reference.parse(name)
    assert (ref.target, ref.ending, ref.is_run) == (name, "", False)


@given(names, st.integers(0, 999_999_999))
def test_a_name_and_a_number_come_apart_as_they_were_put_together(name: str, number: int) -> None:
    ref = Reference.parse(f"{name}:v{number}")
    assert (ref.target, ref.number, ref.alias, ref.digest) == (name, number, None, None)


@given(names, aliases)
def test_a_name_and_an_alias_come_apart_as_they_were_put_together(name: str, alias: str) -> None:
    ref = Reference.parse(f"{name}:{alias}")
    assert (ref.target, ref.number, ref.alias) == (name, None, alias)


@given(names, st.from_regex(r"(blake3:|sha256:)?[0-9a-f]{1,64}", fullmatch=True))
def test_a_name_and_a_digest_come_apart_as_they_were_put_together(name: str, digest: str) -> None:
    ref = Reference.parse(f"{name}@{digest}")
    assert (ref.target, ref.digest, ref.alias) == (name, digest, None)


@given(st.text())
def test_any_text_is_taken_apart_without_loss_or_refused(text: str) -> None:
    try:
        ref = Reference.parse(text)
    except ReferenceInvalid:
        return
    assert str(ref) == text
    assert ref.is_run or ref.target + ref.ending == text
    assert sum(part is not None for part in (ref.number, ref.alias, ref.digest)) <= 1


@pytest.mark.parametrize(
    ("text", "target", "number", "alias", "digest"),
    [
        ("s3://bucket/key:v3", "s3://bucket/key", 3, None, None),
        ("s3://bucket/key", "s3://bucket/key", None, None, None),
        ("file:///x/y.csv", "file:///x/y.csv", None, None, None),
        ("file:///x/y.csv@9f3a", "file:///x/y.csv", None, None, "9f3a"),
        ("host:5432", "host:5432", None, None, None),
        ("postgres://host:5432", "postgres://host:5432", None, None, None),
        ("postgres://host:5432/db.s.t:latest", "postgres://host:5432/db.s.t", None, "latest", None),
        ("postgres://me@host/db.s.t", "postgres://me@host/db.s.t", None, None, None),
        (r"C:\data\x.csv", r"C:\data\x.csv", None, None, None),
        (r"C:\data\x.csv:v0", r"C:\data\x.csv", 0, None, None),
        ("C:/data/x.csv", "C:/data/x.csv", None, None, None),
        ("registry/zoo models:best", "registry/zoo models", None, "best", None),
        ("my report: final draft", "my report: final draft", None, None, None),
        ("model@sha256:AB12", "model", None, None, "sha256:ab12"),
        ("v3", "v3", None, None, None),
        ("log 12:30", "log 12:30", None, None, None),
    ],
)
def test_paths_ports_and_drives_are_not_mistaken_for_endings(
    text: str, target: str, number: int | None, alias: str | None, digest: str | None
) -> None:
    ref = Reference.parse(text)
    assert (ref.target, ref.number, ref.alias, ref.digest) == (target, number, alias, digest)


def test_a_run_is_what_follows_its_prefix_whatever_that_looks_like() -> None:
    ref = Reference.parse("run:train: v2")
    assert (ref.is_run, ref.target, ref.alias) == (True, "train: v2", None)


@pytest.mark.parametrize("text", ["", "  ", "run:", "run: ", ":v3", "name:", "@9f", "name@", "a\0b", "a\nb"])
def test_what_is_no_reference_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        Reference.parse(text)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("alias", ["", "v3", "a:b", "a/b", "a b", "a@b", "12"])
def test_an_alias_that_no_reference_could_find_is_refused(alias: str) -> None:
    with pytest.raises(ReferenceInvalid, match="cannot be an alias"):
        checked_alias(alias)


@pytest.mark.parametrize("name", ["", "  ", " data", "run:x", "a\0b"])
def test_a_name_that_no_reference_could_find_is_refused(name: str) -> None:
    with pytest.raises(ReferenceInvalid):
        checked_name(name)


@given(st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True))
def test_an_accepted_alias_is_found_by_a_reference(alias: str) -> None:
    try:
        checked_alias(alias)
    except ReferenceInvalid:
        return
    assert Reference.parse(f"name:{alias}").alias == alias
