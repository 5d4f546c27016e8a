"""The setting MAP_ON_FLOW_END: each flow run leaves its map, and its process stays as light as it was."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_lineage.capture import flow_maps
from prefect_lineage.capture.flow_maps import FlowMaps
from prefect_lineage.settings import Settings, load

FLOW = """
import sys
from pathlib import Path
from prefect import flow, task
from prefect_lineage import enable

enable()

@task
def copy() -> None:
    Path("out.txt").write_text(Path("in.txt").read_text())

@flow(flow_run_name="the/daily run")
def daily(fails: bool) -> str:
    copy()
    if fails:
        raise ValueError("as it was asked to")
    return "done"

for fails in (False, True):
    try:
        print(daily(fails))
    except ValueError:
        print("failed")
print(sorted({name.partition(".")[0] for name in sys.modules} & {"pyvis", "networkx", "IPython"}))
print(sorted(name for name in sys.modules if name.startswith(("prefect_lineage.export", "prefect_lineage.graph"))))
"""


def test_flows_leave_their_maps_however_they_end_and_load_nothing_for_it(
    tmp_path: Path, prefect_server: str
) -> None:
    (tmp_path / "in.txt").write_text("data")
    (tmp_path / "flow.py").write_text(FLOW)
    folder = tmp_path / "maps" / "of-flows"
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LINEAGE_URL": f"sqlite:///{tmp_path / 'lineage.db'}",
        "PREFECT_LINEAGE_JOURNAL_DIR": str(tmp_path / "journal"),
        "PREFECT_LINEAGE_ROOT": str(tmp_path),
        "PREFECT_LINEAGE_MAP_ON_FLOW_END": str(folder),
    }
    command = [sys.executable, "flow.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["done", "failed", "[]", "[]"]
    made = sorted(folder.iterdir())
    assert [path.name.rsplit("-", 1)[0] for path in made] == ["daily-the-daily-run"] * 2
    for path in made:
        page = path.read_text(encoding="utf-8")
        assert "out.txt" in page
        assert "in.txt" in page


def test_a_directory_that_cannot_be_made_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where the directory should be")
    maps = FlowMaps(Settings(map_on_flow_end=tmp_path / "taken", url="sqlite:///x.db", root=tmp_path))
    maps.flow_ended("0a1b2c3d", "daily", "run")
    assert len(caplog.records) == 1


def test_a_map_that_cannot_be_drawn_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_JOURNAL_DIR", str(tmp_path / "journal"))
    settings = Settings(
        map_on_flow_end=tmp_path / "maps", url=f"sqlite:///{tmp_path / 'none.db'}", root=tmp_path
    )
    maps = FlowMaps(settings)
    with caplog.at_level(logging.WARNING, "prefect_lineage"):
        maps.flow_ended("0a1b2c3d-0000-4000-8000-000000000000", "daily", "x" * 300)
        maps.wait()
    (record,) = caplog.records
    assert "was not written: prefect-lineage: " in record.getMessage()
    assert not list((tmp_path / "maps").iterdir())


def test_no_more_maps_are_drawn_at_once_than_the_bound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_maps, "_MOST", 0)
    maps = FlowMaps(Settings(map_on_flow_end=tmp_path, url="sqlite:///x.db", root=tmp_path))
    maps.flow_ended("0a1b2c3d", "daily", "run")
    assert "0 others are still being drawn" in caplog.text
    assert not list(tmp_path.iterdir())


def test_without_the_setting_nothing_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_MAP_ON_FLOW_END", "")
    assert load(tmp_path).map_on_flow_end is None
    monkeypatch.setenv("PREFECT_LINEAGE_MAP_ON_FLOW_END", "~/maps")
    assert load(tmp_path).map_on_flow_end == Path("~/maps").expanduser()
    FlowMaps(Settings()).flow_ended("0a1b2c3d", "daily", "run")
