"""What is told of a run, without its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from prefect_lineage.capture.redact import HIDDEN, Lasting, Redactor
from prefect_lineage.model.records import RunRecord

__all__ = ["scrubbed", "scrubbed_run"]


def scrubbed(
    redactor: Redactor, name: str | None, details: Mapping[str, Any], lasting: Lasting | None = None
) -> tuple[str | None, Mapping[str, Any]]:
    """Name and details of a run without secrets; users put parameters into the names of runs.

    Args:
        lasting: further details, which are alike for many runs.
    """
    clean = redactor.mapping(details) if details else {}
    if name:
        name = redactor.text(name)
        parameters = details.get("parameters")
        for key, value in parameters.items() if parameters and type(parameters) is dict else ():
            if type(value) is str and value and value in name:
                name = _without_value(redactor, name, key, value)
    return name, {**clean, **redactor.lasting(lasting)} if lasting else clean


def scrubbed_run(redactor: Redactor, run: RunRecord) -> RunRecord:
    """A run without secrets."""
    if not (run.name or run.details):
        return run
    name, details = scrubbed(redactor, run.name, run.details)
    return replace(run, name=name, details=details)


def _without_value(redactor: Redactor, name: str, key: str, value: str) -> str:
    """A run's name without the value of a parameter that is secret: ``flow_run_name="for-{token}"``."""
    return name.replace(value, HIDDEN) if redactor.data(value, key) == HIDDEN else name
