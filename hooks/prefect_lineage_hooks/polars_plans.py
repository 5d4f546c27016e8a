"""The files behind a lazy frame of polars': what its plan shows, and what was given to ``scan_*``.

A plan (``explain``, polars' public way to look at one) names two sources in full; of more it names the first and counts
the others. Which those are is known from the ``scan_*`` call of this process, or else from the plan written out.
"""

from __future__ import annotations

import fnmatch
import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect_lineage.interceptors import NotUnderstood
from prefect_lineage_hooks.places import expanded, is_remote, local

__all__ = ["remember", "sources_of"]

_SCAN = re.compile(r"^\s*(\w+) SCAN \[(.*)\]$", re.MULTILINE)
_CUT = re.compile(r"(.*), \.\.\. (\d+) other sources?")
_FORMATS = {"Csv": "csv", "Ipc": "ipc", "Lines": None, "NDJson": "ndjson", "Parquet": "parquet"}
_MEMORY = re.compile(r"open-file|\d+ in-mem bytes")
_REMEMBERED = 1_000

_scans: dict[tuple[str, ...], None] = {}
"""What was given to ``scan_*``, the latest last: a plan that has many files names the first only."""


def remember(sources: Iterable[str]) -> None:
    """Note what was given to a ``scan_*`` call."""
    found = tuple(sources)
    if found:
        _scans.pop(found, None)
        _scans[found] = None
        if len(_scans) > _REMEMBERED:
            _scans.pop(next(iter(_scans)), None)


def sources_of(frame: Any) -> list[tuple[str, str | None, bool]]:
    """What collecting a lazy frame reads: path or URI, format, and whether the result is all of it."""
    plan = frame.explain(optimized=False)
    whole = _is_whole(plan)
    found: dict[str, str | None] = {}
    for kind, shown in _SCAN.findall(plan):
        if kind in _FORMATS and not _MEMORY.fullmatch(shown):
            found.update(dict.fromkeys(_sources(shown, frame, plan), _FORMATS[kind]))
    return [(path, format_, whole and len(found) == 1) for path, format_ in found.items()]


def _is_whole(plan: str) -> bool:
    """Whether a plan is a file and nothing else, with all of its columns."""
    first, _, rest = plan.strip().partition("\n")
    lines = [line.strip() for line in rest.splitlines()]
    return (
        " SCAN " in first
        and "other source" not in first
        and all(line.startswith(("PROJECT */", "ESTIMATED ROWS")) for line in lines)
        and ", " not in first
    )


def _sources(shown: str, frame: Any, plan: str) -> list[str]:
    """What a scan reads, from what its plan shows of it.

    Raises:
        NotUnderstood: the plan names the first of many files, and nothing tells the others.
    """
    cut = _CUT.fullmatch(shown)
    paths = [cut.group(1)] if cut else _listed(shown)
    count = len(paths) + (int(cut.group(2)) if cut else 0)
    for given in reversed(list(_scans)):
        if any(_covers(source, paths[0]) for source in given) and _count(given) == count:
            return expanded(given)
    if not cut:
        return paths
    found = (
        expanded(_spelt(frame, paths[0])) if "DF [" not in plan else []
    )  # data in memory would be written out
    if not found:
        raise NotUnderstood("a plan that does not name all of its files")
    return found


def _listed(shown: str) -> list[str]:
    """One path, or two; a comma can be part of a name."""
    if ", " not in shown or Path(shown).exists():
        return [shown]
    cuts = [at.start() for at in re.finditer(", ", shown)]
    pairs = [[shown[:at], shown[at + 2 :]] for at in cuts]
    real = [pair for pair in pairs if all(is_remote(path) or Path(path).exists() for path in pair)]
    return real[0] if real else [shown]


def _covers(source: str, path: str) -> bool:
    """Whether a path that a plan shows comes from a source that was given."""
    given, found = local(source) or source, local(path) or path
    return found == given or found.startswith(given.rstrip("/") + "/") or fnmatch.fnmatchcase(found, given)


def _count(given: Iterable[str]) -> int:
    """How many files were given; a directory has all that are below it."""
    count = 0
    for path in expanded(given):
        folder = None if is_remote(path) else Path(path)
        inside = folder is not None and folder.is_dir() and not (folder / "_delta_log").exists()
        count += sum(one.is_file() for one in folder.rglob("*")) if folder is not None and inside else 1
    return count


def _spelt(frame: Any, first: str) -> list[str]:
    """The sources of a scan as a plan spells them that comes from another process, or from before capture."""
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")  # the format is deprecated, and the only one that can be read
        import json

        for found in _lists_of_paths(json.loads(frame.serialize(format="json"))):
            paths = [text for one in found if (text := _text(one)) is not None]
            if any(_covers(path, first) for path in paths):
                return paths
    return []


def _text(path: Any) -> str | None:
    """A path as a plan writes it: ``{"inner": …}``, or ``{"Local": …}`` in older releases."""
    if isinstance(path, dict):
        return next((text for one in path.values() if (text := _text(one)) is not None and "/" in text), None)
    return path if isinstance(path, str) else None


def _lists_of_paths(plan: Any) -> Iterable[list[Any]]:
    if isinstance(plan, dict):
        for name, value in plan.items():
            if name == "Paths" and isinstance(value, list):
                yield value
            else:
                yield from _lists_of_paths(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _lists_of_paths(value)
