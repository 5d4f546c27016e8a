from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

COMMANDS = [
    ["run"],
    ["map"],
    ["ls"],
    ["show"],
    ["upstream"],
    ["downstream"],
    ["plugins"],
    ["sync"],
    ["db", "upgrade"],
    ["db", "stats"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(cli: Any, command: list[str]) -> None:
    answer = cli(*command, "--help")
    assert answer.code == 0
    assert f"  prefect-lineage {' '.join(command)}" in answer.out.partition("For example:")[2]


@pytest.mark.parametrize("command", COMMANDS[1:], ids=" ".join)
def test_every_command_that_prints_takes_json_and_url(cli: Any, command: list[str]) -> None:
    out = cli(*command, "--help").out
    assert "--json" in out
    assert "--url" in out


def test_without_a_command_there_is_help_that_names_them_all(cli: Any) -> None:
    for answer in (cli(), cli("--help")):
        assert answer.code == 0
        assert all(f" {command[0]} " in answer.out for command in COMMANDS)


def test_the_version_is_told(cli: Any) -> None:
    answer = cli("--version")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.strip()


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], ["prefect", "pandas", "pyvis", "sqlalchemy", "networkx", "prefect_lineage.store"]),
        (["ls"], ["prefect", "pandas", "pyvis", "networkx", "alembic"]),
    ],
)
def test_a_command_imports_no_more_than_it_needs(
    home: Any, zoo: Any, arguments: list[str], heavy: list[str]
) -> None:
    script = (
        "import sys\n"
        "from prefect_lineage.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"print([name for name in {heavy!r} if name in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=home, check=True
    )
    assert done.stderr == "[] 0\n"
