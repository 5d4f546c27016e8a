"""What is set and installed here, and whether it is as capture needs it; nothing is changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from prefect_lineage.capture.reconcile import open_runs
from prefect_lineage.cli.script import plugin_switch
from prefect_lineage.cli.text import count
from prefect_lineage.errors import LineageError, StoreMissing
from prefect_lineage.plugins import report
from prefect_lineage.settings import Settings, load
from prefect_lineage.store.store import Store
from prefect_lineage.store.waiting import waiting_records

__all__ = ["TESTED", "Check", "checks"]

TESTED = ((3, 6, 29), (3, 9))
"""The oldest release of Prefect and the newest series that are tested."""

_ASK_SECONDS = 60.0
_STORE_ADVICE = "Look at the setting PREFECT_LINEAGE_URL."
_SETTING = re.compile(r"^(PREFECT_[A-Z_]+)='(.*)' \(from (.*)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        state: a ``problem`` keeps lineage from being recorded; a ``note`` is worth knowing.
        advice: what to do about it.
    """

    name: str
    state: Literal["fine", "note", "problem"]
    text: str
    advice: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def checks(url: str | None) -> list[Check]:
    """All of them; ``url`` is the store, if it is not that of the settings."""
    settings = load()
    found = [_release(), *_switch(), *_settings(settings)]
    return [*found, *_store(url or settings.url, settings), _journal(settings.journal_dir), *_plugins()]


def _release() -> Check:
    try:
        text = version("prefect")
    except PackageNotFoundError:
        return Check("Prefect", "problem", "it is not installed", "Install it: pip install prefect.")
    found = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    oldest, newest = (".".join(map(str, bound)) for bound in TESTED)
    known = f"tested from {oldest} to {newest}"
    if found < TESTED[0] or found[0] > TESTED[1][0]:
        return Check(
            "Prefect", "problem", f"{text}, which is not supported: {known}", "Install another release."
        )
    if found[:2] > TESTED[1]:
        return Check("Prefect", "note", f"{text}, newer than what was tried: {known}")
    return Check("Prefect", "fine", f"{text}, {known}")


def _switch() -> Iterator[Check]:
    """Prefect's switch for plugins, and its server: what is set, and where."""
    try:
        told = _configured()
    except (OSError, subprocess.SubprocessError) as error:
        yield Check("Prefect's settings", "problem", f"Prefect cannot show them: {error}")
        return
    value, source = told.get(plugin_switch(), ("", ""))
    if value.lower() in {"1", "true", "yes", "on"}:
        yield Check("plugin switch", "fine", f"on, from {source}: every flow that is run here is captured")
    else:
        advice = f"Set {plugin_switch()}=1, or use `prefect-lineage run` or enable()."
        where = f"off, from {source}" if source else "off"
        yield Check(
            "plugin switch", "note", f"{where}: flows are captured only where they ask for it", advice
        )
    api, source = told.get("PREFECT_API_URL", ("", ""))
    if api:
        yield Check("Prefect's server", "fine", f"{api}, from {source}")
    else:
        yield Check("Prefect's server", "fine", "none is set: each program that runs a flow starts its own")


def _configured() -> dict[str, tuple[str, str]]:
    """Value and source of each of Prefect's settings that is not at its default."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "config", "view", "--show-sources"],
        env={**os.environ, "COLUMNS": "1000", "PREFECT_PLUGINS_SAFE_MODE": "1"},
        capture_output=True,
        text=True,
        timeout=_ASK_SECONDS,
        check=True,
    )
    return {name: (value, source) for name, value, source in _SETTING.findall(done.stdout)}


def _settings(settings: Settings) -> Iterator[Check]:
    for warning in settings.warnings:
        yield Check("settings", "note", warning)
    if settings.enabled is False:
        yield Check(
            "settings",
            "problem",
            "PREFECT_LINEAGE_ENABLED=0 switches everything off",
            "Remove it from the environment, prefect-lineage.toml or pyproject.toml.",
        )


def _store(url: str, settings: Settings) -> Iterator[Check]:
    try:
        with Store.open(url, readonly=True) as store:
            stats = store.stats()
            yield Check(
                "store",
                "fine",
                f"{store.url}: revision {stats['revision']}, {count(stats['runs'], 'run')}, "
                f"{count(stats['versions'], 'version')}",
            )
            yield from _waiting(settings.journal_dir, store)
    except StoreMissing:
        reason = _unwritable(Path(url.removeprefix("sqlite:///")).parent)
        if reason is None:
            yield Check("store", "fine", f"{url}: not there yet; the first run makes it")
        else:
            yield Check("store", "problem", f"{url}: not there, and cannot be made: {reason}", _STORE_ADVICE)
        yield from _waiting(settings.journal_dir, None)
    except LineageError as error:
        yield Check("store", "problem", str(error), _STORE_ADVICE)


def _waiting(directory: Path, store: Store | None) -> Iterator[Check]:
    waiting = waiting_records(directory, store)
    if waiting:
        yield Check(
            "journals",
            "note",
            f"{count(waiting, 'record')} of ended processes wait in {directory}",
            "`prefect-lineage sync` loads them.",
        )
    found = len(open_runs(store)) if store is not None else 0
    if found:
        yield Check(
            "runs",
            "note",
            f"{count(found, 'run has', 'runs have')} begun and not ended",
            "`prefect-lineage sync` ends those whose process is gone or of which Prefect's server knows the end.",
        )


def _journal(directory: Path) -> Check:
    reason = _unwritable(directory)
    if reason is None:
        return Check("journal directory", "fine", f"{directory}: can be written to")
    text = f"{directory}: nothing can be written to it, so lineage would be lost: {reason}"
    advice = "Set PREFECT_LINEAGE_JOURNAL_DIR to a directory that can be written to."
    return Check("journal directory", "problem", text, advice)


def _unwritable(directory: Path) -> str | None:
    """Why no file can be made in a directory, or in the nearest one above it that is there; None: it can."""
    try:
        there = next((folder for folder in (directory, *directory.parents) if folder.exists()), directory)
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _plugins() -> Iterator[Check]:
    reports = report()
    active = [plugin.name for plugin in reports if plugin.active]
    if active:
        yield Check("hooks", "fine", ", ".join(active))
    else:
        yield Check("hooks", "problem", "none is active", "`prefect-lineage plugins` says why.")
    for plugin in reports:
        if plugin.reason:
            yield Check("hooks", "note", f"{plugin.name}: {plugin.reason}")
