"""How much of what real calls do is recorded, and how much of what is recorded is true.

The calls are in ``calls_*.py``, each with its truth. They are tasks of one flow, run by ``prefect-lineage run``; what
was recorded is asked of ``prefect-lineage ls --json``. Warm: one process for all. Cold: a fresh process for each few
calls, so that every library is imported inside a run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
RECALL, PRECISION = 0.98, 0.99
COLD_GROUPS = 5


def _load() -> Any:
    sys.path.insert(0, str(HERE))
    try:
        import calls_arrays  # type: ignore[import-not-found]  # noqa: F401
        import calls_blind  # type: ignore[import-not-found]  # noqa: F401
        import calls_daily  # type: ignore[import-not-found]  # noqa: F401
        import calls_frames  # type: ignore[import-not-found]  # noqa: F401
        import calls_fresh  # type: ignore[import-not-found]  # noqa: F401
        import calls_models  # type: ignore[import-not-found]  # noqa: F401
        import calls_people  # type: ignore[import-not-found]  # noqa: F401
        import calls_second  # type: ignore[import-not-found]  # noqa: F401
        import calls_stdlib  # type: ignore[import-not-found]  # noqa: F401
        import calls_tables  # type: ignore[import-not-found]  # noqa: F401
        import corpus_folder  # type: ignore[import-not-found]
        import corpus_truth  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(HERE))
    return corpus_truth, corpus_folder


corpus_truth, corpus_folder = _load()
CALLS: dict[str, Any] = corpus_truth.CALLS
MISSING = {name: gone for name, call in CALLS.items() if (gone := corpus_truth.missing(call))}
PRESENT = [name for name in CALLS if name not in MISSING]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("corpus") / "original"
    corpus_folder.make_folder(folder)
    return folder


class Place:
    """One folder with a store and a copy of the original folder for each call."""

    def __init__(self, folder: Path, server: str, original: Path) -> None:
        self.folder, self._server = folder, server
        self.errors: dict[str, str] = {}
        for name in PRESENT:
            shutil.copytree(original, folder / "work" / name, symlinks=True)

    def command(self, *words: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_LINEAGE_")}
        done = subprocess.run(
            [sys.executable, "-m", "prefect_lineage", *words],
            cwd=self.folder,
            env={
                **kept,
                "PREFECT_API_URL": self._server,
                "PREFECT_LINEAGE_URL": f"sqlite:///{self.folder}/lineage.db",
                "PREFECT_LINEAGE_JOURNAL_DIR": str(self.folder / "journal"),
                "PREFECT_LINEAGE_ROOT": str(self.folder / "work"),
                "HF_HUB_OFFLINE": "1",
                "HF_HOME": str(self.folder / "hf"),
                "POLARS_MAX_THREADS": "2",
            },
            capture_output=True,
            text=True,
            timeout=850,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def run(self, names: list[str]) -> None:
        out = self.command("run", str(HERE / "corpus_flow.py"), str(self.folder / "work"), *names)
        self.errors |= json.loads(out.splitlines()[-1])

    def seen(self) -> dict[str, set[str]]:
        """What was recorded of each call, as its truth is written."""
        jobs = {
            run["id"]: run["job"].rpartition(".")[2]
            for run in json.loads(self.command("ls", "runs", "--json"))
        }
        found: dict[str, set[str]] = {name: set() for name in CALLS}
        for version in json.loads(self.command("ls", "versions", "--json")):
            if version["uri"].startswith("inmemory://"):
                continue
            for letter, runs in (("W", version["producers"]), ("R", version["consumers"])):
                for run in runs:
                    found[jobs[run]].add(f"{letter} {self._name(jobs[run], version)}")
            if version["deleted_at"] is not None:
                name = version["uri"].partition("/work/")[2].partition("/")[0]
                found[name].add(f"D {self._name(name, version)}")
        return found

    def _name(self, job: str, version: dict[str, Any]) -> str:
        start = f"file://{self.folder}/work/{job}/"
        uri = str(version["uri"])
        if not uri.startswith(start):
            return uri
        name = uri.removeprefix(start)
        is_folder = (self.folder / "work" / job / name).is_dir() or version["type"] == "directory"
        return name + "/" * (is_folder and not name.endswith("/"))


def _score(seen: dict[str, set[str]]) -> tuple[float, float, list[str]]:
    told = hit = true = 0
    lines = []
    for name in PRESENT:
        truth = set(CALLS[name].truth)
        told, true, hit = told + len(seen[name]), true + len(truth), hit + len(truth & seen[name])
        if truth != seen[name]:
            lines.append(f"{name}: missed {sorted(truth - seen[name])}, wrong {sorted(seen[name] - truth)}")
    return hit / true, hit / told, lines


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Place], None]:
    def check(way: str, place: Place) -> None:
        recall, precision, lines = _score(place.seen())
        with capsys.disabled():
            print(f"\n{way}: {len(PRESENT)} calls, recall {recall:.3f}, precision {precision:.3f}")
            for line in lines:
                print("  " + line)
            for name, error in place.errors.items():
                print(f"  {name} raised {error}")
        assert not place.errors
        assert recall >= RECALL
        assert precision >= PRECISION

    return check


def test_the_corpus_is_large_and_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, gone in sorted(MISSING.items()):
            print(f"\n  {name} is skipped: {', '.join(gone)} not installed", end="")
    assert len(CALLS) >= 150


@pytest.mark.timeout(900)  # on a machine that does other things, too
def test_calls_in_one_process(tmp_path: Path, prefect_server: str, original: Path, report: Any) -> None:
    place = Place(tmp_path, prefect_server, original)
    place.run(PRESENT)
    report("warm", place)
    gaps = json.loads(place.command("coverage", "--json"))["gaps"]
    assert {"another_program_copies", "a_shell_redirects"} <= {
        job.rpartition(".")[2] for gap in gaps if gap["kind"] == "program" for job in gap["jobs"]
    }
    assert {gap["kind"] for gap in gaps} <= {"program", "inferred", "native", "raced"}, gaps


@pytest.mark.timeout(900)
def test_calls_in_fresh_processes(tmp_path: Path, prefect_server: str, original: Path, report: Any) -> None:
    place = Place(tmp_path, prefect_server, original)
    for start in range(COLD_GROUPS):
        place.run(PRESENT[start::COLD_GROUPS])
    report("cold", place)
