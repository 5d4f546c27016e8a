"""Python programs that a run starts are seen inside, and notice nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_lineage.capture.pythons import is_python, may_start_python
from prefect_lineage.testing import captured

COPY = "open('out.csv', 'w').write(open('in.csv').read())"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_python_does_is_the_runs(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "-c", COPY], check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert {edge.how for edge in seen.edges} == {"observed"}
    assert not seen.misses


def test_a_named_file_that_it_does_not_touch_is_no_input_of_a_python(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "-c", "", "in.csv"], check=True)
    assert (seen.lines, seen.misses) == ([], {})


@pytest.mark.parametrize("line", ["{} -c {}", "true && {} -c {}", "X=1 {} -c {} | cat"])
def test_lines_for_the_shell_lead_to_it(folder: Path, line: str) -> None:
    told = line.format(sys.executable, '"' + COPY + '"')
    with captured(root=folder) as seen:
        subprocess.run(told, shell=True, check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]
    (folder / "out.csv").unlink()
    with captured(root=folder) as seen:
        assert os.system(told) == 0
    assert seen.lines == ["R in.csv", "W out.csv"]


def test_scripts_of_other_programs_lead_to_it(folder: Path) -> None:
    (folder / "step.sh").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{COPY}"\n')
    (folder / "step.sh").chmod(0o755)
    with captured(root=folder) as seen:
        subprocess.run(["./step.sh"], check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]


def test_a_python_of_a_python_is_seen(folder: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {COPY!r}], check=True)"
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]


def test_libraries_say_there_what_they_say_here(folder: Path) -> None:
    code = "import pandas; pandas.read_csv('in.csv').to_parquet('out.parquet')"
    with captured(root=folder, discover=True) as seen:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert seen.vias == {"R in.csv": "pandas.read_csv", "W out.parquet": "pandas.DataFrame.to_parquet"}


def test_it_finds_its_environment_and_its_path_as_they_were(folder: Path) -> None:
    (folder / "place").mkdir()
    (folder / "place" / "sitecustomize.py").write_text("import sys; sys.customized = True\n")
    code = "import json, os, sys; print(json.dumps([dict(os.environ), sys.path, sys.argv, hasattr(sys, 'customized')]))"
    words = [sys.executable, "-c", code, "argument"]

    def ask(**more: str) -> list[object]:
        environment = {**os.environ, **more} if more else None
        found = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
        assert not found.stderr
        return list(json.loads(found.stdout))

    for more in ({}, {"PYTHONPATH": str(folder / "place")}, {"PYTHONPATH": f"{folder}:{folder / 'place'}"}):
        plain = ask(**more)
        with captured(root=folder):
            assert ask(**more) == plain


def test_one_that_cannot_be_reached_is_counted_and_inferred(folder: Path) -> None:
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "-I", "-c", "", "in.csv"], check=True)
    assert seen.lines == ["R in.csv"]
    assert seen.edge("R in.csv").how == "inferred"
    assert not seen.edge("R in.csv").metadata
    assert seen.misses == {"not seen inside: Popen": 1}


def test_a_program_that_is_not_there_fails_as_ever(folder: Path) -> None:
    with captured(root=folder), pytest.raises(FileNotFoundError, match="python-of-nobody"):
        subprocess.run(["/nowhere/python-of-nobody"], check=True)
    with captured(root=folder), pytest.raises(TypeError):
        subprocess.Popen()  # type: ignore[call-overload]


def test_a_python_that_outlives_its_run_is_left_alone(folder: Path) -> None:
    code = "import sys; sys.stdin.read(); open('late.csv', 'w').write('x')"
    with captured(root=folder) as seen:
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        subprocess.run([sys.executable, "-c", ""], check=True)  # the first has begun by then, mostly
    assert child.communicate()[1] == b""
    assert child.returncode == 0
    assert seen.lines == []


def test_which_commands_may_lead_to_a_python(folder: Path) -> None:
    (folder / "tool").write_text("#!/usr/bin/env python3\n")
    (folder / "tool").chmod(0o755)
    for words in (
        ["python3.11", "x.py"],
        ["uv", "run", "x"],
        ["./tool"],
        ["cat", "&&", "/usr/bin/python"],
        ["make"],
    ):
        assert may_start_python(words, folder, os.environ), words
    for words in (["ls", "-l"], ["cat", "python.txt"], ["gzip", "in.csv"], []):
        assert not may_start_python(words, folder, os.environ), words
    assert is_python([str(folder / "tool")], os.environ)
    assert not is_python(["sh", "-c", "python"], os.environ)
    assert may_start_python(["tool"], None, {b"PATH": str(folder).encode()})


def test_a_script_that_begins_to_be_seen_at_once_is_no_input_itself(folder: Path) -> None:
    (folder / "step.py").write_text(COPY)
    (folder / "sitecustomize.py").write_text("import threading\n")
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "step.py"], env={**os.environ, "PYTHONPATH": str(folder)}, check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]


def test_a_letter_has_no_password_in_it(folder: Path) -> None:
    code = (
        "import glob, os; print(*(open(p).read() for p in glob.glob(os.environ['SPOOLS'], recursive=True)))"
    )
    place = folder / "journals"
    settings = {"url": "postgresql://me:hunter2@nowhere/db", "journal_dir": place}
    with captured(root=folder, settings=settings) as seen:
        environment = {**os.environ, "SPOOLS": f"{place}/**/*.letter"}
        told = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
        ).stdout
        subprocess.run([sys.executable, "-c", COPY], env=environment, check=True)
    assert "carrier" in told
    assert "hunter2" not in told
    assert seen.lines == ["R in.csv", "W out.csv"]


@pytest.mark.parametrize("module", ["pathlib", "logging", "concurrent.futures", "email.message", "shutil"])
def test_a_library_that_is_being_loaded_is_not_disturbed(folder: Path, module: str) -> None:
    with captured(root=folder) as seen:
        subprocess.run([sys.executable, "-c", f"import {module}; {COPY}"], check=True)
    assert seen.lines == ["R in.csv", "W out.csv"]
    assert not seen.misses
