from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.store.journal import Journal
from prefect_lineage.store.store import Store

PLUGIN_KEYS = {"name", "module", "distribution", "version", "active", "reason", "hooks", "watches"}


@pytest.fixture
def package(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin package on the path as pip would install it: one good plugin, one that cannot be loaded."""
    folder = home / "site"
    info = folder / "lineage_extras-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lineage-extras\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[prefect_lineage]\ncalm = lineage_calm\nbroken = lineage_surely_missing\n"
    )
    (folder / "lineage_calm.py").write_text(
        "from prefect_lineage.hookspecs import hookimpl\n\n\n"
        "@hookimpl\ndef lineage_noise(path, write):\n    return None\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_plugins_lists_every_plugin_and_why_it_is_not_active(cli: Any, package: Path) -> None:
    reports = {report["name"]: report for report in cli("plugins", "--json").json}
    assert all(report.keys() == PLUGIN_KEYS for report in reports.values())
    calm, broken = reports["calm"], reports["broken"]
    assert (calm["active"], calm["distribution"], calm["version"]) == (True, "lineage-extras", "1.2")
    assert calm["hooks"] == ["lineage_noise"]
    assert broken["active"] is False
    assert "lineage_surely_missing" in broken["reason"]


def test_plugins_prints_a_table(cli: Any, package: Path) -> None:
    lines = cli("plugins").out.splitlines()
    assert lines[0].split() == ["plugin", "active", "from", "watches"]
    assert any(line.split()[:4] == ["calm", "yes", "lineage-extras", "1.2"] for line in lines)
    assert any(line.split()[:2] == ["broken", "no"] for line in lines)


def test_a_plugin_that_is_switched_off_is_listed_as_such(
    cli: Any, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_DISABLE", "calm")
    (calm,) = (report for report in cli("plugins", "--json").json if report["name"] == "calm")
    assert calm["active"] is False
    assert "PREFECT_LINEAGE_DISABLE" in calm["reason"]


def test_upgrade_makes_a_store_and_leaves_a_whole_one_alone(cli: Any, home: Path) -> None:
    assert cli("db", "upgrade").code == 0
    store = home / "prefect" / "lineage.db"
    assert store.exists()
    assert cli("db", "upgrade", "--json").json["revision"]
    assert "is up to date" in cli("db", "upgrade").out


def test_stats_count_what_is_there(cli: Any, zoo: Path) -> None:
    stats = cli("db", "stats", "--json").json
    assert (stats["artifacts"], stats["versions"], stats["runs"], stats["edges"]) == (4, 5, 7, 11)
    assert stats["bytes"] > 0
    lines = dict(line.split(maxsplit=1) for line in cli("db", "stats").out.splitlines())
    assert (lines["versions"], lines["url"]) == ("5", f"sqlite:///{zoo}")


def left_behind(directory: Path, make: Any) -> Path:
    """A journal of a process that ended before it could write to the store."""
    journal = Journal(directory)
    journal.append(make.record(1, "f.t", make.edge("/a", "output")))
    journal.close()
    (path,) = directory.glob("*.jsonl")
    return path


def test_sync_loads_what_waits(cli: Any, home: Path, make: Any) -> None:
    path = left_behind(home / "prefect" / "lineage-journal", make)
    document = cli("sync", "--json").json
    assert document["records"] == 1
    assert not path.exists()
    assert [run["job"] for run in cli("ls", "runs", "--json").json] == ["f.t"]


def test_sync_takes_a_directory_and_a_second_time_changes_nothing(cli: Any, home: Path, make: Any) -> None:
    left_behind(home / "carried", make)
    first, second = cli("sync", "carried"), cli("sync", "carried")
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith("1 record")
    assert second.out.startswith("0 records")
    with Store.open(f"sqlite:///{home / 'prefect' / 'lineage.db'}", readonly=True) as store:
        assert len(store.runs()) == 1


def test_sync_without_any_journal_directory_has_nothing_to_do(cli: Any, home: Path) -> None:
    answer = cli("sync")
    assert answer.code == 0
    assert answer.out.startswith("0 records")
