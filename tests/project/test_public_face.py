"""The public face: its names are there, and importing it costs next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["pandas", "pyvis", "sqlalchemy", "prefect", "IPython", "networkx", "sqlite3"]


def _python(code: str, home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PREFECT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["prefect_lineage", "prefect_lineage.cli.main"])
def test_importing_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    code = f"import {module}, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert _python(code, tmp_path) == "[]"


def test_importing_opens_no_database_and_writes_no_file(tmp_path: Path) -> None:
    code = (
        "import os, sys; seen = []\n"
        "def hook(event, args):\n"
        "    if event == 'sqlite3.connect' or (event == 'open' and isinstance(args[1], str)\n"
        "            and set(args[1]) & set('wax+') and args[0] != os.devnull):\n"
        "        seen.append((event, str(args[0])))\n"
        "sys.dont_write_bytecode = True; sys.addaudithook(hook)\n"
        "import prefect_lineage; print(seen)"
    )
    assert _python(code, tmp_path) == "[]"
    assert list(tmp_path.iterdir()) == []


def test_every_public_name_resolves(tmp_path: Path) -> None:
    code = (
        "import prefect_lineage as face; names = face.__all__\n"
        "print([name for name in names if not hasattr(face, name)], set(names) <= set(dir(face)))"
    )
    assert _python(code, tmp_path) == "[] True"


def test_the_names_of_the_contract_are_public() -> None:
    import prefect_lineage

    wanted = (
        "enable disable track use_artifact log_artifact run Lineage Artifact Version Run Edge "
        "hookimpl hookspec LineageError"
    )
    assert set(wanted.split()) <= set(prefect_lineage.__all__)
