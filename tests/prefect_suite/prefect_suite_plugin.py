"""A plugin for pytest: how each test ended goes to a file; with PREFECT_SUITE_CAPTURED=1 capture is on in all of them.

Nothing is imported before the session has begun, for Prefect's own configuration of its tests comes first.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, str] = {}
_CAPTURED = os.environ["PREFECT_SUITE_CAPTURED"] == "1"


@pytest.hookimpl(trylast=True)
def pytest_sessionstart() -> None:
    if _CAPTURED:
        # Prefect's fixtures forget the modules that a test has imported: what is watched is here before
        importlib.import_module("prefect.task_engine")
        importlib.import_module("prefect.flow_engine")
        import prefect_lineage

        assert prefect_lineage.enable()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    yield
    if _CAPTURED:
        _is_on()


def _is_on() -> None:
    """Whatever a test has reset, Prefect's engines are still watched: else it shows nothing."""
    from prefect.context import EngineContext
    from prefect.task_engine import AsyncTaskRunEngine, SyncTaskRunEngine

    watched = (EngineContext.__enter__, SyncTaskRunEngine.start, AsyncTaskRunEngine.call_task_fn)
    for method in watched:
        assert method.__globals__["__name__"].startswith("prefect_lineage."), method


def pytest_runtest_logreport(report: Any) -> None:
    worse = _outcomes.get(report.nodeid) in {"failed", "skipped", "xfailed"}
    if report.when == "call" or (report.outcome != "passed" and not worse):
        expected = (
            "xfailed" if hasattr(report, "wasxfail") and report.outcome == "skipped" else report.outcome
        )
        _outcomes[report.nodeid] = expected


def pytest_sessionfinish() -> None:
    runs = 0
    if _CAPTURED:
        import prefect_lineage

        prefect_lineage.disable()
        try:
            with prefect_lineage.Lineage(readonly=True) as lineage:
                runs = len(lineage.runs(limit=1_000_000))
        except prefect_lineage.LineageError:  # the tests of assets only make tasks, and run none
            runs = 0
    report = Path(os.environ["PREFECT_SUITE_REPORT"])
    report.write_text(json.dumps({"outcomes": _outcomes, "runs": runs}))
