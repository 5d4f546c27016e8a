"""The lock: everything that the project asks for is pinned in it, to a release that the project admits."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def _locked() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def _wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    texts = [*project["project"]["dependencies"], *(text for part in (*extras, *groups) for text in part)]
    return [Requirement(text) for text in texts if not text.startswith("prefect-lineage")]


def test_every_requirement_is_locked_to_a_release_that_it_admits() -> None:
    locked = _locked()
    wrong = [
        str(wanted) for wanted in _wanted() if locked[canonicalize_name(wanted.name)] not in wanted.specifier
    ]
    assert wrong == []


def test_fastapi_is_one_that_prefect_can_start_its_server_with() -> None:
    assert tuple(map(int, _locked()["fastapi"].split("."))) < (0, 151)
    [bound] = [wanted for wanted in _wanted() if wanted.name == "fastapi"]
    assert "0.155.0" not in bound.specifier
