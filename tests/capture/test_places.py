"""What is told of places without asking the system twice is what the standard library says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prefect_lineage.capture.attempt import Access
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.capture.noise import Noise
from prefect_lineage.capture.observing import _format
from prefect_lineage.capture.places import Places, absolute
from prefect_lineage.capture.redact import Redactor

NAMES = st.sampled_from(["", ".", "..", "a", "b.csv", ".hidden", "..b", "link", "x.tar.gz", "end."])
PATHS = st.lists(NAMES, max_size=6).map("/".join)


@settings(deadline=None)
@given(PATHS)
def test_a_path_is_absolute_as_the_standard_library_has_it(path: str) -> None:
    for spelt in (path, f"/{path}", f"//{path}", f"{path}/"):
        assert absolute(spelt) == os.path.abspath(spelt)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories, files, and links to both, and to nothing."""
    root = tmp_path_factory.mktemp("tree").resolve()
    (root / "a/a").mkdir(parents=True)
    (root / "a/a/b.csv").write_text("1")
    (root / "a/b.csv").write_text("2")
    (root / "b.csv").symlink_to("a/b.csv")
    (root / "a/link").symlink_to(root / "a/a")
    (root / "link").symlink_to("a")
    (root / "..b").symlink_to("nowhere")
    return root


@settings(deadline=None, max_examples=400)
@example(path=".hidden/../b.csv")
@given(path=PATHS)
def test_a_place_is_really_where_the_standard_library_says(tree: Path, path: str) -> None:
    places = Places()
    for target in (f"{tree}/{path}", f"{tree}/link/{path}", f"{tree}/{path}"):
        real = places.real(target)
        assert real == os.path.realpath(target)
        assert places.exists(real) == os.path.lexists(real)
        assert places.known.get(real, fingerprint(real)) == fingerprint(real)


def test_a_uri_is_no_place_on_the_disk_unless_it_is_one_of_a_file(tree: Path) -> None:
    places = Places()
    assert places.real("s3://bucket/../key") == "s3://bucket/../key"
    assert places.real(f"file://{tree}/b.csv") == f"{tree}/a/b.csv"


@settings(deadline=None)
@given(PATHS)
def test_a_suffix_is_what_the_standard_library_takes_for_one(path: str) -> None:
    found = os.path.splitext(path.rstrip("/"))[1].lstrip(".").lower()
    assert _format(path) == (found or None)


@given(st.text(), st.text(alphabet="aAkKiIsS_gGhHpPoOuUrR-xX/.:0", max_size=40))
def test_a_path_that_is_left_alone_has_nothing_to_hide_in_any_part(head: str, tail: str) -> None:
    redactor, path = Redactor(), f"/{head}{tail}"
    if redactor.leaves(path):
        assert redactor.path(path) == path
        assert redactor.path(f"file://{path}") == f"file://{path}"


@settings(deadline=None)
@given(path=PATHS, storage=st.sampled_from(["/a", "/a/b.csv", "/s"]))
def test_what_is_below_a_folder_is_noise_with_it(path: str, storage: str) -> None:
    noise, place = Noise(own=["/own", "/a/own.db"]), f"/{path}"
    is_within = place == storage or place.startswith(f"{storage}/")
    assert noise(place, write=True, storage=(storage,)) == (is_within or noise(place, write=True))
    for own in ("/own/x", "/own", "/a/own.db", "/a/own.db/x", f"/own{place}"):
        assert noise(own, write=False)


@pytest.mark.parametrize("said", [0, 3, 7, 5_000_000])
def test_a_digest_is_that_of_all_bytes_however_many_were_expected(tmp_path: Path, said: int) -> None:
    digester, path = Digester(), tmp_path / "a"
    for data in (b"", b"1234567", bytes(3_000_000)):
        path.write_bytes(data)
        found = digester._hash(str(path), said)
        assert found is not None
        assert f"blake3:{found.hex()}" == digester.of_bytes(data)


def test_an_access_knows_no_more_of_a_directory_than_that_it_is_there(tree: Path) -> None:
    places = Places()
    assert places.real(Access("read", f"{tree}/a", "open").target) == f"{tree}/a"
    assert places.known == {}
    assert places.exists(f"{tree}/a")
