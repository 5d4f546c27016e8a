"""What the documents say is true: their commands run, their code runs, their references are the code's.

The blocks of a document are run from top to bottom in one fresh directory: ```bash as a script, ```python
as a program, unless its first line is a comment with a file name: then it becomes that file.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from prefect_lineage import hookspecs
from prefect_lineage.graph.levels import ArtifactEdge, ArtifactGraph
from prefect_lineage.model.entities import Artifact, Edge, Graph, Run, Version
from prefect_lineage.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "zoo", "dist", "build", ".*_cache", "__pycache__", ".hypothesis"
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w./-]+\.\w+)\n")


def blocks(document: Path, *languages: str) -> list[tuple[str, str]]:
    """(language, text) of the document's blocks in these languages."""
    return [found for found in BLOCK.findall(document.read_text(encoding="utf-8")) if found[0] in languages]


def make_environment(folder: Path) -> None:
    """``.venv`` of a checkout, ready for make: this very environment, by links."""
    environment = folder / ".venv"
    environment.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.suffix != ".stamp":
            (environment / path.name).symlink_to(path)
    for stamp in ("made", "demo", "test"):
        (environment / f"{stamp}.stamp").touch()


def surroundings(folder: Path) -> dict[str, str]:
    """The environment variables of a user who has this package installed, and nothing of a test runner's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "PYTEST_", "MAKE"))
    }
    return kept | {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PREFECT_HOME": str(folder / ".prefect"),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # `make test` must not run itself, and `pip install .` must not touch this environment
        "PYTEST_ADDOPTS": "tests/project/test_lock.py",
        "PIP_TARGET": str(folder / "installed"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }


def run_block(language: str, text: str, folder: Path) -> None:
    """Do what a reader would do with the block."""
    named = FILE_NAME.match(text)
    if language == "python" and named:
        (folder / named[1]).write_text(text, encoding="utf-8")
        return
    program = ["bash", "-euo", "pipefail", "-c"] if language == "bash" else [sys.executable, "-c"]
    done = subprocess.run(
        [*program, text], cwd=folder, env=surroundings(folder), capture_output=True, text=True, timeout=840
    )
    told = f"{text}\nexit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.returncode == 0, told
    assert "Traceback" not in done.stderr, told


@pytest.mark.timeout(900)
def test_every_command_and_program_of_the_readme_runs(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT, tmp_path / "checkout", ignore=LEFT_OUT)
    make_environment(folder)
    for language, text in blocks(ROOT / "README.md", "bash", "python"):
        run_block(language, text, folder)
    assert (folder / "zoo.html").stat().st_size > 0
    assert (folder / "lineage.html").stat().st_size > 0


@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda document: document.name)
def test_every_command_and_program_of_a_page_runs(document: Path, tmp_path: Path) -> None:
    for language, text in blocks(document, "bash", "python"):
        run_block(language, text, tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_toml_block_parses(document: Path) -> None:
    for _, text in blocks(document, "toml"):
        tomllib.loads(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """``docs/generate.py``, which is a script and no module of the package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_pages_are_what_the_code_says(generator: ModuleType) -> None:
    differing = [path.name for path, text in generator.pages().items() if path.read_text() != text]
    assert differing == [], "run `make docs`"


def test_every_hook_is_described() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("lineage_")]
    assert hooks
    assert [name for name in hooks if f"## {name}\n" not in page] == []


def test_every_command_is_in_the_table_of_the_readme(generator: ModuleType) -> None:
    text = (ROOT / "README.md").read_text()
    table = text[text.index("## Command line") : text.index("## Settings")]
    names = [" ".join(words) for words in generator.commands(generator.app()) if words != ("db",)]
    assert [name for name in names if not re.search(rf"`(prefect-lineage )?{name}\b", table)] == []


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    names = {name.upper() for name in Settings.model_fields} - {"WARNINGS"}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == names


def test_the_settings_of_the_example_file_are_understood(tmp_path: Path) -> None:
    [(_, text)] = blocks(ROOT / "docs" / "settings.md", "toml")
    (tmp_path / "prefect-lineage.toml").write_text(text)
    assert load(tmp_path).warnings == ()


def test_every_json_name_is_described_and_no_other() -> None:
    version = Version("1", "1", "a", 0, "file", "file:///a", "file://h", "blake3:00", "all", None, 0)
    run = Run("1", "task", "a", "a.b", None, None, None, "Completed", None, None, 1)
    edge = Edge("1", "1", "input", "observed", "open", 1, 1, 0)
    artifact = Artifact("1", "a", "file", "file:///a", "file://h", 1, "v0", 0, 0)
    page = (ROOT / "docs" / "json.md").read_text()
    between = ArtifactEdge("1", "2", ("1",), ("a.b",), "observed", 0)
    things = {"version": version, "run": run, "edge": edge, "artifact": artifact, "graph": Graph((), ()),
              "artifact graph": ArtifactGraph((), ()), "artifact edge": between}  # fmt: skip
    for name, thing in things.items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        rows = "".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))
        assert set(re.findall(r"`(\w+)`", rows)) == set(thing.to_dict()), name
