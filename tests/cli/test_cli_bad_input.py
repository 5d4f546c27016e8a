from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("command", ["show", "upstream", "downstream", "map"])
def test_an_unknown_reference_names_the_nearest(cli: Any, zoo: Path, command: str) -> None:
    answer = cli(command, "splitt")
    assert answer.code == 2
    assert "split" in answer.sentence.replace("splitt", "")


def test_an_unknown_run_is_one_sentence(cli: Any, zoo: Path) -> None:
    answer = cli("show", "run:nobody")
    assert answer.code == 2
    assert "nobody" in answer.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upstream", "model", "--depth", "-1"], "--depth is -1"),
        (["upstream", "model", "--depth", "many"], "--depth is many"),
        (["upstream", "model", "--depth", "1.5"], "--depth is 1.5"),
        (["upstream", "model", "--depth=1e3"], "--depth is 1e3"),
        (["map", "model", "--depth", "-3"], "--depth is -3"),
        (["map", "--level", "job"], "no level 'job'; it is one of run, flow, artifact"),
        (["upstream", "model", "--level", "job"], "no level 'job'; it is one of run, flow, artifact"),
        (["map", "--group", "job"], "cannot be grouped by 'job'"),
        (["map", "--depth", "2"], "--depth needs a version or run"),
        (["map", "--upstream"], "--upstream needs a version or run"),
        (["ls", "--limit", "-1"], "--limit is -1"),
        (["ls", "--limit", "99999999999999999999"], "--limit is 99999999999999999999"),
        (["ls", "--offset", "-1"], "--offset is -1"),
        (["ls", "--since", "yesterday"], "since is 'yesterday'"),
        (["upstream", "model", "--as-of", "2026-13-01"], "as_of is '2026-13-01'"),
        (["ls", "--flow-run", "nobody"], "nobody"),
        (["ls", "cats", "x"], "not 'cats'"),
        (["ls", "--jsno"], "Unknown option: --jsno"),
        (["show"], "REF requires an argument"),
        (["show", "a", "b"], "There is no use for 'b'"),
        (["shwo", "a"], 'did you mean "show"'),
        (["db", "frob"], 'Unknown command "frob"'),
        (["show", ""], "The reference is empty"),
        (["map", "-o", "missing/dir/x.html"], "missing/dir"),
        (["map", "-o", "."], "is a directory"),
        (["sync", "missing"], "missing"),
    ],
)
def test_bad_input_is_one_sentence(cli: Any, zoo: Path, arguments: list[str], words: str) -> None:
    answer = cli(*arguments)
    assert answer.code == 2
    assert words in answer.sentence


READING = [["ls"], ["ls", "runs", "--json"], ["show", "x"], ["upstream", "x"], ["map"], ["db", "stats"]]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_missing_store_is_one_sentence_and_is_not_made(cli: Any, home: Path, command: list[str]) -> None:
    answer = cli(*command)
    assert answer.code == 2
    assert "lineage.db" in answer.sentence
    assert not (home / "prefect").exists()


@pytest.mark.parametrize("command", [*READING, ["db", "upgrade"]], ids=" ".join)
def test_a_file_that_is_no_store_is_one_sentence(cli: Any, home: Path, command: list[str]) -> None:
    (home / "notes.txt").write_text("no database at all, but long enough to look at\n" * 40)
    answer = cli(*command, "--url", "notes.txt")
    assert answer.code == 2
    assert "notes.txt" in answer.sentence
    assert (home / "notes.txt").read_text().startswith("no database")


def test_somebody_elses_database_is_one_sentence(cli: Any, home: Path) -> None:
    connection = sqlite3.connect(home / "other.db")
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.commit()
    connection.close()
    assert cli("ls", "--url", "other.db").code == 2
    assert "other.db" in cli("db", "upgrade", "--url", "other.db").sentence


def test_a_directory_is_no_store(cli: Any, home: Path) -> None:
    answer = cli("ls", "--url", str(home))
    assert answer.code == 2
    assert str(home) in answer.sentence


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None,
    reason="root may read every file, and there is no setpriv to take that right away",
)
def test_an_unreadable_store_is_one_sentence(shell: Any, zoo: Path) -> None:
    zoo.chmod(0)
    mortal = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    answer = shell("ls", before=mortal)
    assert answer.code == 2
    assert f"{zoo} cannot be used: Permission denied" in answer.sentence


def test_a_damaged_store_is_one_sentence(cli: Any, zoo: Path) -> None:
    whole = zoo.read_bytes()
    zoo.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    answer = cli("ls")
    assert answer.code == 2
    assert "lineage.db" in answer.sentence


@pytest.mark.parametrize("url", ["mongodb://localhost/x", "sqlite:///a?mode=ro", "://", ""])
def test_a_url_that_is_none_of_ours_is_one_sentence(cli: Any, home: Path, url: str) -> None:
    answer = cli("ls", "--url", url)
    assert answer.code == 2
    assert answer.sentence


def test_a_password_is_never_repeated(cli: Any, home: Path) -> None:
    for url in ("mysql://me:hunter2@localhost/x", "postgresql://me:hunter2@localhost:1/x"):
        assert "hunter2" not in cli("ls", "--url", url).sentence


def test_a_malformed_setting_is_a_warning(cli: Any, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_HASH_LIMIT", "lots")
    answer = cli("ls", "--json")
    assert answer.code == 0
    assert "PREFECT_LINEAGE_HASH_LIMIT" in answer.err
    assert isinstance(answer.json, list)
