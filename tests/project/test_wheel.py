"""What is shipped: the wheel's top level, the files that are no Python, and that it works by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "zoo", "dist", "build", ".*_cache", "__pycache__", ".hypothesis"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a wheel and an sdist of the checkout; the wheel is built from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source],
        check=True,
        capture_output=True,
    )
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_top_level_of_the_wheel_is_two_packages_and_their_metadata(wheel: Path) -> None:
    top = {name.partition("/")[0] for name in _names(wheel)}
    assert top == {"prefect_lineage", "prefect_lineage_hooks", "prefect_lineage-0.1.0.dist-info"}


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    names = set(_names(wheel))
    for base, package in ((ROOT, "prefect_lineage"), (ROOT / "hooks", "prefect_lineage_hooks")):
        files = {str(path.relative_to(base)) for path in (base / package).rglob("*") if path.is_file()}
        assert {name for name in files if "__pycache__" not in name} <= names


def test_the_wheel_carries_the_licence_and_says_that_it_is_typed(wheel: Path) -> None:
    names = _names(wheel)
    assert "prefect_lineage-0.1.0.dist-info/licenses/LICENSE" in names
    assert "prefect_lineage/py.typed" in names


def test_the_sdist_holds_what_a_checkout_needs(built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "pyproject.toml"}
    assert wanted | {"examples/zoo.py", "tests/project/test_wheel.py", "docs/cli.md"} <= names


def test_the_wheel_works_by_itself(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--target", site, wheel], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "PREFECT_HOME": str(tmp_path)}

    def shipped(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    where = shipped("-c", "import prefect_lineage; print(prefect_lineage.__file__)")
    assert where.startswith(str(site))
    assert "0.1.0" in shipped("-m", "prefect_lineage", "--version")
    assert "pandas" in shipped("-m", "prefect_lineage", "plugins", "--json")
