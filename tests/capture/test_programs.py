"""Other programs are opaque; what they were told the names of is inferred, and marked so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.programs import MAX_PROGRAMS, note_program, words_of
from prefect_lineage.testing import captured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.csv").write_text("b\na\n")
    (tmp_path / "other.csv").write_text("x\n")
    (tmp_path / "step.py").write_text("")
    return tmp_path


def test_what_a_program_is_given_is_an_input_and_what_is_new_an_output(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run(["cp", folder / "in.csv", folder / "out.csv"], check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert {edge.how for edge in seen.edges} == {"inferred"}
    assert seen.vias["R in.csv"] == "subprocess.run"
    assert seen.misses == {"not seen inside: Popen": 1}


def test_what_a_program_changes_it_need_not_have_read(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run(["cp", "in.csv", "other.csv"], check=True, cwd=folder)
    assert seen.lines == ["R in.csv", "W other.csv"]


def test_a_line_for_the_shell_is_taken_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with captured(root=folder) as seen:
        os.system("sort <in.csv|uniq>out.csv; true 'no such file' $HOME")
    assert seen.lines == ["R in.csv", "W out.csv"]


def test_each_program_of_a_line_is_code(folder: Path) -> None:
    (folder / "tool").write_text('#!/bin/sh\ncat "$1"\n')
    (folder / "tool").chmod(0o755)
    with captured(root=folder) as seen:
        line = "true && N=1 ./tool in.csv | sh ./step.sh | cat > out.csv"
        (folder / "step.sh").write_text("cat")
        subprocess.run(line, shell=True, check=True, cwd=folder)
    assert seen.lines == ["R in.csv", "W out.csv", "W step.sh"]


def test_a_chain_of_programs_reads_no_output_of_its_own(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run("sort in.csv > mid.csv", shell=True, check=True, cwd=folder)
        subprocess.run(["cp", "mid.csv", "out.csv"], check=True, cwd=folder)
    assert seen.lines == ["R in.csv", "W mid.csv", "W out.csv"]


def test_what_the_run_itself_writes_proves_nothing_of_a_program(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run(["true", str(folder / "in.csv")], check=True)
        (folder / "in.csv").write_text("new")
    assert seen.edge("W in.csv").how == "observed"
    assert seen.edge("R in.csv").how == "inferred"


def test_what_is_observed_too_is_observed(folder: Path) -> None:
    with captured(root=folder) as seen:
        (folder / "in.csv").read_text()
        subprocess.run(["true", str(folder / "in.csv")], check=True)
    assert seen.edge("R in.csv").how == "observed"
    assert seen.edge("R in.csv").times == 2


def test_code_options_and_folders_are_no_data(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "step.py", "-v", ".", "absent.csv", "https://example.org/in.csv"],
                       check=True, cwd=folder)  # fmt: skip
        subprocess.run(["dd", "if=in.csv", "of=out.csv", "status=none"], check=True, cwd=folder)
        subprocess.run(["sort", "--output=sorted.csv", "in.csv"], check=True, cwd=folder)
    assert seen.lines == ["R in.csv", "W out.csv", "W sorted.csv"]


@pytest.mark.parametrize(
    ("command", "by_shell", "words"),
    [
        (["cp", b"a", Path("b")], False, ["cp", "a", "b"]),
        ("cp a b", False, ["cp a b"]),
        ("a 'b c' >d 2>&1", True, ["a", "b c", ">", "d", "2", ">&", "1"]),
        ("not 'closed", True, []),
        (None, False, []),
        ([1, 2], False, []),
    ],
)
def test_the_words_of_a_command(command: object, by_shell: bool, words: list[str]) -> None:
    assert words_of(command, by_shell=by_shell) == words


def test_a_program_that_does_not_exist_fails_as_ever(folder: Path) -> None:
    with captured(root=folder) as seen, pytest.raises(FileNotFoundError):
        subprocess.run([str(folder / "no-such-program"), "in.csv"], check=True, cwd=folder)
    assert seen.lines == []


def test_what_is_kept_of_programs_is_bounded(folder: Path) -> None:
    attempt = Attempt("run")
    for _ in range(MAX_PROGRAMS + 5):
        note_program(attempt, "os.system", ["echo", "x" * 10_000])
    assert len(attempt.programs) == MAX_PROGRAMS
    assert max(len(word) for program in attempt.programs for word in program["arguments"]) <= 2_000
