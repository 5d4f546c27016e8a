"""Where the code can be looked at: the repository's remote as a web address."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from prefect_lineage.capture.code import _head
from prefect_lineage.capture.remotes import home_of, web_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("git@github.com:team/flows.git", "https://github.com/team/flows"),
        ("ssh://git@gitlab.example.org:2222/team/flows.git", "https://gitlab.example.org/team/flows"),
        ("https://ada:secret@github.com/team/flows.git", "https://github.com/team/flows"),
        ("http://forge:3000/team/flows", "http://forge:3000/team/flows"),
        ("https://github.com", None),
        ("/srv/git/flows.git", None),
        ("file:///srv/git/flows.git", None),
        ("../flows", None),
        ("C:/repos/flows", None),
        ("https://[bad/flows", None),
    ],
)
def test_a_remote_is_an_address_without_a_password_or_none(url: str, address: str | None) -> None:
    assert web_address(url) == address


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_the_remote_is_read_from_gits_own_file_also_in_a_linked_work_tree(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    _git(main, "init", "--quiet")
    _git(main, "remote", "add", "backup", "git@backup:team/flows.git")
    assert home_of(main / ".git") == "https://backup/team/flows"
    _git(main, "remote", "add", "origin", "https://ada:secret@github.com/team/flows.git")
    _git(main, "commit", "--allow-empty", "--quiet", "-m", "first")
    _git(main, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    for root in (main, tmp_path / "linked"):
        found = _head(root)
        assert found["remote"] == "https://github.com/team/flows"
        assert len(found["commit"]) == 40
