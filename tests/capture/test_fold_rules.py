"""The fold, rule by rule, on real files: what an attempt did, and what is said of it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest
from blake3 import blake3
from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access, Operation
from prefect_lineage.capture.fold import fold
from prefect_lineage.capture.members import Whole, with_members_gathered, with_parts_gathered
from prefect_lineage.model.records import Content
from prefect_lineage.testing import Captured, captured


def digest(text: str) -> str:
    return f"blake3:{blake3(text.encode()).hexdigest()}"


def content(seen: Captured, line: str) -> Content:
    return seen.edge(line).content


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with one file, ``in.csv``, that holds ``old``."""
    (tmp_path / "in.csv").write_text("old")
    return tmp_path


def test_reading_twice_makes_one_edge_with_times_two(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        (place / "in.csv").read_text()
    assert seen.lines == ["R in.csv"]
    assert seen.edge("R in.csv").times == 2


def test_writing_twice_is_one_version_the_last(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "out.csv").write_text("first")
        (place / "out.csv").write_text("second")
    assert seen.lines == ["W out.csv"]
    assert seen.edge("W out.csv").times == 2
    assert content(seen, "W out.csv").digest == digest("second")


def test_reading_back_ones_own_output_is_no_input(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "out.csv").write_text("x")
        (place / "out.csv").read_text()
    assert seen.lines == ["W out.csv"]


def test_a_temporary_name_then_rename_is_one_write_of_the_final_name(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "out.tmp").write_text("new")
        os.replace(place / "out.tmp", place / "out.csv")
    assert seen.lines == ["W out.csv"]
    assert content(seen, "W out.csv").digest == digest("new")


def test_an_atomic_replacement_of_ones_input_keeps_both_contents_apart(place: Path) -> None:
    with captured(root=place) as seen:
        text = (place / "in.csv").read_text()
        (place / "in.tmp").write_text(text + "er")
        (place / "in.tmp").replace(place / "in.csv")
    assert seen.lines == ["R in.csv", "W in.csv"]
    assert content(seen, "R in.csv").digest == digest("old")
    assert content(seen, "W in.csv").digest == digest("older")
    assert not content(seen, "R in.csv").raced


def test_renaming_twice_is_one_write_of_the_last_name(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "a").write_text("x")
        (place / "a").rename(place / "b")
        (place / "b").rename(place / "c")
    assert seen.lines == ["W c"]


def test_scratch_files_vanish(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "scratch").write_text("x")
        (place / "scratch").read_text()
        (place / "scratch").unlink()
    assert seen.lines == []


def test_a_file_that_was_there_and_was_read_then_removed_is_an_input(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        (place / "in.csv").unlink()
    assert seen.lines == ["R in.csv"]
    assert content(seen, "R in.csv").digest == digest("old")


def test_a_failed_open_is_nothing(place: Path) -> None:
    with captured(root=place) as seen:
        with pytest.raises(FileNotFoundError):
            (place / "missing").open()
        with pytest.raises(FileExistsError):
            (place / "in.csv").open("x")
        with pytest.raises(IsADirectoryError):
            place.open()
        with pytest.raises(ValueError, match="mode"):
            (place / "in.csv").open("q")
    assert seen.lines == []


@pytest.mark.parametrize(("mode", "after"), [("a", "old+"), ("r+", "+ld"), ("a+b", "old+")])
def test_append_and_change_in_place_are_an_input_and_an_output(place: Path, mode: str, after: str) -> None:
    with captured(root=place) as seen, open(place / "in.csv", mode) as file:
        file.write(b"+" if "b" in mode else "+")
    assert seen.lines == ["R in.csv", "W in.csv"]
    assert content(seen, "R in.csv").digest == digest("old")
    assert content(seen, "W in.csv").digest == digest(after)


def test_appending_to_what_is_not_there_is_an_output_only(place: Path) -> None:
    with captured(root=place) as seen:
        with open(place / "new.csv", "a") as file:
            file.write("x")
        with open(place / "new.csv", "a") as file:
            file.write("y")
    assert seen.lines == ["W new.csv"]
    assert content(seen, "W new.csv").digest == digest("xy")


def test_appending_twice_has_the_first_content_as_input_and_the_last_as_output(place: Path) -> None:
    with captured(root=place) as seen:
        for text in ("1", "2"):
            with open(place / "in.csv", "a") as file:
                file.write(text)
    assert content(seen, "R in.csv").digest == digest("old")
    assert content(seen, "W in.csv").digest == digest("old12")


def test_reading_then_overwriting_keeps_both_contents_apart(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        (place / "in.csv").write_text("new")
    assert content(seen, "R in.csv").digest == digest("old")
    assert content(seen, "W in.csv").digest == digest("new")


def test_overwriting_without_reading_is_no_input(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").write_text("new")
    assert seen.lines == ["W in.csv"]


def test_writing_the_same_bytes_again_is_unchanged(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").write_text((place / "in.csv").read_text())
    assert content(seen, "R in.csv").digest == content(seen, "W in.csv").digest
    assert seen.edge("W in.csv").unchanged
    assert not seen.edge("R in.csv").unchanged


def test_renaming_what_was_there_is_an_input_and_an_output(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").rename(place / "out.csv")
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert content(seen, "R in.csv").digest == content(seen, "W out.csv").digest == digest("old")


def test_reading_then_renaming_is_one_input_with_the_right_content(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        (place / "in.csv").rename(place / "out.csv")
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert content(seen, "R in.csv").digest == content(seen, "W out.csv").digest == digest("old")


def test_an_input_that_another_process_changes_is_raced_and_has_no_wrong_digest(place: Path) -> None:
    change = "import sys; open(sys.argv[1], 'w').write('changed')"
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        subprocess.run([sys.executable, "-I", "-c", change, str(place / "in.csv")], check=True)
    found = content(seen, "R in.csv")
    assert found.raced
    assert found.covers == "none"


def test_an_output_that_is_still_open_is_raced(place: Path) -> None:
    with captured(root=place) as seen:
        file = (place / "out.csv").open("w")
        file.write("half")
        file.flush()
    file.close()
    assert content(seen, "W out.csv").raced


def test_all_spellings_are_one_artifact(place: Path) -> None:
    (place / "link").symlink_to("in.csv")
    (place / "folder").mkdir()
    with captured(root=place) as seen, chdir(place):
        for spelling in ("in.csv", "./in.csv", "folder/../in.csv", "link", str(place / "in.csv")):
            Path(spelling).read_text()
    assert seen.lines == ["R in.csv"]
    assert seen.edge("R in.csv").times == 5


def test_a_relative_path_belongs_to_the_directory_that_held_when_it_was_opened(place: Path) -> None:
    (place / "one").mkdir()
    (place / "two").mkdir()
    with captured(root=place) as seen:
        for name in ("one", "two"):
            with chdir(place / name):
                Path("out").write_text(name)
    assert seen.lines == ["W one/out", "W two/out"]


def test_what_a_failed_attempt_wrote_is_partial(place: Path) -> None:
    def fail() -> None:
        (place / "out.csv").write_text((place / "in.csv").read_text()[:1])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), captured(root=place) as seen:
        fail()
    assert seen.edge("W out.csv").partial
    assert not seen.edge("R in.csv").partial


def test_a_larger_file_than_the_limit_is_not_hashed_and_says_so(place: Path) -> None:
    with captured(root=place, settings={"hash_limit": 2}) as seen:
        (place / "in.csv").read_text()
    assert content(seen, "R in.csv").covers == "none"
    assert content(seen, "R in.csv").size == 3


def test_more_edges_than_the_limit_are_dropped_and_told(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with captured(root=place, settings={"max_edges_per_run": 2}) as seen:
        for name in "abc":
            (place / name).write_text(name)
    assert len(seen.edges) == 2
    assert "PREFECT_LINEAGE_MAX_EDGES_PER_RUN" in caplog.text


def test_what_the_user_ignores_is_not_recorded(place: Path) -> None:
    with captured(root=place, settings={"ignore": ("*.tmp", "*/private/*")}) as seen:
        (place / "private").mkdir()
        for name in ("a.tmp", "private/b", "c"):
            (place / name).write_text("x")
    assert seen.lines == ["W c"]


def test_imports_are_no_data(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "fold_rules_import_me.py").write_text("value = 1")
    monkeypatch.syspath_prepend(str(place))
    with captured(root=place) as seen:
        import fold_rules_import_me  # type: ignore[import-not-found]

        assert fold_rules_import_me.value == 1
    assert seen.lines == []


def test_the_interpreter_and_the_packages_are_no_data(place: Path) -> None:
    with captured(root=place) as seen:
        Path("/proc/self/stat").read_text()
        Path(os.__file__).read_text()
        Path(pytest.__file__).read_text()
        Path(os.devnull).write_text("x")
    assert seen.lines == []


def test_pipes_and_devices_are_no_data(place: Path) -> None:
    os.mkfifo(place / "pipe")
    with captured(root=place) as seen:
        descriptor = os.open(place / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        os.close(descriptor)
    assert seen.lines == []


def test_open_and_a_file_survive_pickling_by_name(place: Path) -> None:
    with captured(root=place) as seen:
        reopened = pickle.loads(pickle.dumps(open))
        with reopened(place / "in.csv") as file:
            file.read()
    assert seen.lines == ["R in.csv"]
    assert reopened is not open


def test_a_hostile_name_is_only_a_name(place: Path) -> None:
    name = "<img src=x onerror=alert(1)>'; DROP TABLE runs; --\n\udce4"
    with captured(root=place) as seen:
        (place / os.fsdecode(os.fsencode(name))).write_text("x")
    assert [edge.direction for edge in seen.edges] == ["output"]
    assert content(seen, seen.lines[0]).digest == digest("x")


def test_reading_overwriting_and_renaming_keeps_the_input_at_the_old_place(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        (place / "in.csv").write_text("new")
        (place / "in.csv").replace(place / "out.csv")
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert content(seen, "R in.csv").digest == digest("old")


def test_appending_and_renaming_keeps_the_input_at_the_old_place(place: Path) -> None:
    with captured(root=place) as seen:
        with open(place / "in.csv", "a") as file:
            file.write("er")
        (place / "in.csv").replace(place / "out.csv")
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert content(seen, "R in.csv").digest == digest("old")
    assert content(seen, "W out.csv").digest == digest("older")


def test_a_deletion_is_no_write_that_a_rename_could_carry_on(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").unlink()
        subprocess.run(["sh", "-c", 'printf new > "$0"', str(place / "in.csv")], check=True)
        (place / "in.csv").replace(place / "out.csv")
    assert seen.lines == ["W out.csv"]
    assert content(seen, "W out.csv").digest == digest("new")


def test_overwriting_reading_back_and_deleting_leaves_nothing(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").write_text("mine")
        (place / "in.csv").read_text()
        (place / "in.csv").unlink()
    assert seen.lines == []


def test_an_input_that_another_process_changed_before_we_overwrite_it_is_raced(place: Path) -> None:
    with captured(root=place) as seen:
        (place / "in.csv").read_text()
        subprocess.run(["sh", "-c", 'printf other > "$0"', str(place / "in.csv")], check=True)
        (place / "in.csv").write_text("new")
    assert content(seen, "R in.csv").raced
    assert content(seen, "R in.csv").covers == "none"


def test_a_link_that_is_switched_leaves_what_was_read_through_it_where_it_was(place: Path) -> None:
    for name in ("v1", "v2"):
        (place / name).mkdir()
        (place / name / "x").write_text(name)
    (place / "current").symlink_to("v1")
    with captured(root=place) as seen:
        (place / "current" / "x").read_text()
        (place / "next").symlink_to("v2")
        (place / "next").replace(place / "current")
        (place / "current" / "x").read_text()
        (place / "current").unlink()
    assert seen.lines == ["R v1/x", "R v2/x"]
    assert content(seen, "R v1/x").digest == digest("v1")


def test_weights_and_libraries_that_a_user_writes_are_data(place: Path) -> None:
    with captured(root=place) as seen:
        for name in ("model.pth", "library.so"):
            (place / name).write_text("x")
    assert seen.lines == ["W library.so", "W model.pth"]


def test_many_renames_are_folded_in_linear_time() -> None:
    accesses = []
    for number in range(5_000):
        accesses.append(Access("write", f"/d/t{number}", "open"))
        accesses.append(Access("rename", f"/d/f{number}", "os.replace", origin=f"/d/t{number}"))
    started = time.process_time()
    touches = fold(accesses, lambda path, write: False, lambda path: True)
    assert time.process_time() - started < 3
    assert [touch.target for touch in touches] == [f"/d/f{number}" for number in range(5_000)]


def _access(operation: Operation, target: str, own: int = 0) -> Access:
    return Access(operation, target, "open", own=own)


def test_what_happens_below_a_directory_that_is_one_thing_is_done_to_it() -> None:
    whole = replace(_access("read", "/d/a.zarr", own=1), members=True)
    later = [_access("read", "/d/a.zarr/c/0"), _access("write", "/d/a.zarr/c/1"), _access("read", "/d/b")]
    found = with_members_gathered([whole, *later])
    assert [(one.operation, one.target) for one in found] == [
        ("read", "/d/a.zarr"),
        ("read", "/d/a.zarr"),
        ("write", "/d/a.zarr"),
        ("read", "/d/b"),
    ]


def test_a_directory_that_was_claimed_without_its_members_leaves_them_alone() -> None:
    found = [_access("read", "/d/a", own=1), _access("write", "/d/a/b")]
    assert with_members_gathered(found) == found


def test_a_part_of_what_an_earlier_attempt_made_as_one_directory_is_that_directory() -> None:
    wholes = {"/d/parts": Whole("dataset", "parquet"), "/d/gone": Whole()}
    found = with_parts_gathered(
        [
            _access("read", "/d/parts/g=1/a.parquet", own=3),
            _access("read", "/d/parts"),
            _access("read", "/d/gone/a"),
        ],
        wholes,
        lambda path: path != "/d/gone",
    )
    assert [(one.operation, one.target) for one in found] == [
        ("read", "/d/parts"), ("read", "/d/parts"), ("read", "/d/gone/a"),
    ]  # fmt: skip
    assert (found[0].type, found[0].format) == ("dataset", "parquet")


def test_a_part_that_is_written_changes_the_directory_and_leaves_reads_what_they_were() -> None:
    accesses = [
        _access("read", "/d/parts/a"),
        _access("append", "/d/parts/b"),
        _access("delete", "/d/parts/c"),
    ]
    found = with_parts_gathered(accesses, {"/d/parts": Whole()}, lambda path: True)
    assert [(one.operation, one.target) for one in found] == [
        ("read", "/d/parts/a"), ("write", "/d/parts"), ("delete", "/d/parts/c"),
    ]  # fmt: skip
    assert with_parts_gathered(accesses, {}, lambda path: True) == accesses
