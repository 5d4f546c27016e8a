"""A plugin for pytest: how each test ended goes to a file; with PANDAS_IO_CAPTURED=1 each is a run of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, str] = {}
_CAPTURED = os.environ["PANDAS_IO_CAPTURED"] == "1"


def pytest_configure() -> None:
    if _CAPTURED:
        import prefect_lineage

        assert prefect_lineage.enable()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    if not _CAPTURED:
        yield
        return
    import prefect_lineage

    with prefect_lineage.run(item.name):
        yield


def pytest_runtest_logreport(report: Any) -> None:
    worse = _outcomes.get(report.nodeid) in {"failed", "skipped", "xfailed"}
    if report.when == "call" or (report.outcome != "passed" and not worse):
        expected = (
            "xfailed" if hasattr(report, "wasxfail") and report.outcome == "skipped" else report.outcome
        )
        _outcomes[report.nodeid] = expected


def pytest_sessionfinish() -> None:
    Path(os.environ["PANDAS_IO_REPORT"]).write_text(json.dumps(_outcomes))
