"""What ``hooks/README.md`` teaches works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, joblib_io, numpy_io, pandas_io

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "hooks" / "README.md").read_text(encoding="utf-8")
LIBRARY = """
from pathlib import Path

def load(path):
    return [line for line in Path(path).read_text().splitlines()]

def dump(data, path):
    Path(path).write_text("\\n".join(data))
    Path(f"{path}.lock").write_text("")
"""


def test_the_adapter_and_its_test_work_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in blocks] == ["toml_like_lineage.py", "test_toml_like_lineage.py"]
    for name, text in [*blocks, ("toml_like.py", LIBRARY)]:
        (tmp_path / name).write_text(text)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_toml_like_lineage.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_adapter_is_as_short_as_promised() -> None:
    [adapter] = re.findall(r"^```python\n# toml_like_lineage.py\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len([line for line in adapter.splitlines() if line.strip()]) <= 30


def test_the_table_names_every_shipped_hook_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["prefect_lineage"]
    table = dict(re.findall(r"^\| `(\w+)` \| `(\w+)\.py` \|", TEXT, re.MULTILINE))
    assert {name: f"prefect_lineage_hooks.{module}" for name, module in table.items()} == points


def test_the_shipped_hooks_import_nothing_private_of_ours() -> None:
    modules = list((ROOT / "hooks" / "prefect_lineage_hooks").glob("*.py"))
    assert len(modules) > 8
    for module in modules:
        source = module.read_text(encoding="utf-8")
        ours = set(re.findall(r"^\s*(?:from|import) (prefect_lineage(?!_hooks)\S*)", source, re.MULTILINE))
        assert ours <= {"prefect_lineage", "prefect_lineage.interceptors"}


def test_no_hook_imports_its_library() -> None:
    program = (
        "import importlib, pathlib, sys; import prefect_lineage.testing; before = set(sys.modules)\n"
        "for path in pathlib.Path(sys.argv[1]).glob('*.py'):\n"
        "    hook = importlib.import_module('prefect_lineage_hooks.' + path.stem)\n"
        "    for name in ('lineage_interceptors', 'lineage_value_digest', 'lineage_value_description'):\n"
        "        given = {'lineage_interceptors': (), 'lineage_value_digest': ([1], 10)}.get(name, ([1],))\n"
        "        found = getattr(hook, name, lambda *_: None)(*given)\n"
        "        assert name != 'lineage_interceptors' or found is None or list(found)\n"
        "        assert name == 'lineage_interceptors' or not found\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert new <= set(sys.stdlib_module_names) | {'prefect_lineage', 'prefect_lineage_hooks', 'blake3'}, new\n"
    )
    folder = str(ROOT / "hooks" / "prefect_lineage_hooks")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", program, folder], check=True, env=environment)


def test_the_watched_calls_are_there_in_the_installed_libraries() -> None:
    import joblib  # noqa: F401 - they are patched when they are loaded
    import pandas  # noqa: F401

    with captured(files, joblib_io, numpy_io, pandas_io) as seen:
        pass
    assert not seen.problems
    assert {"shutil.copy", "joblib.dump", "pandas.read_csv", "pandas.HDFStore", "numpy.loadtxt"} <= set(
        seen.watches
    )
