"""``ls``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from rich.table import Table
from rich.text import Text

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.api.lineage_filters import Filters
from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import complain, print_json
from prefect_lineage.cli.text import duration, short_digest, shortened, size, visible
from prefect_lineage.cli.tree import STATE_STYLES
from prefect_lineage.errors import LineageError
from prefect_lineage.model.entities import Artifact, Run, Version
from prefect_lineage.model.series import Series
from prefect_lineage.settings import load

__all__ = ["Wanted", "list_entities"]

_KINDS = ("artifacts", "versions", "runs")
_SHOWN = 100
"""How many lines a table has unless more are asked for: what a person can still look through."""
_FILTERS = ("type", "state", "job", "flow", "flow_run", "tag", "since", "until")

Entity = Artifact | Version | Run


@dataclass(frozen=True)
class Wanted:
    """What ``ls`` was asked for, as it was written."""

    what: str = "artifacts"
    pattern: str | None = None
    type: str | None = None
    state: str | None = None
    job: str | None = None
    flow: str | None = None
    flow_run: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int | None = None
    offset: int = 0
    each: bool = False

    def kind_and_pattern(self) -> tuple[str, str | None]:
        """``ls [artifacts|versions|runs] [PATTERN]``: the first word may also be the pattern."""
        if self.what in _KINDS:
            return self.what, self.pattern
        if self.pattern is None:
            return "artifacts", self.what
        raise LineageError(f"ls lists artifacts, versions or runs, not {self.what!r}.")

    def filters(self) -> Filters:
        """Those filters that were given."""
        given = {name: getattr(self, name) for name in _FILTERS}
        return cast(Filters, {name: value for name, value in given.items() if value is not None})


def list_entities(wanted: Wanted, out: OutputOptions) -> int:
    """Print the newest artifacts, versions or runs."""
    kind, pattern = wanted.kind_and_pattern()
    filters = wanted.filters()
    limit = _SHOWN if wanted.limit is None and not out.json else wanted.limit
    filters["offset"] = wanted.offset
    filters["limit"] = limit + 1 if limit else None  # one more than asked for tells whether there are more
    with opened(out) as lineage:
        found = _read(lineage, kind, pattern, filters)
    shown = found[:limit] if limit else found
    series = Series(load().series)
    if out.json:
        print_json([_document(entity, series) for entity in shown])
    else:
        _print_table(kind, shown if wanted.each else _in_series(shown, series), Screen())
    if len(shown) < len(found) and wanted.limit is None:
        complain(f"Only the newest {len(shown)} {kind} are listed; --limit 0 lists all.")
    return 0


def _document(entity: Entity, series: Series) -> dict[str, Any]:
    if isinstance(entity, Artifact):
        return {**entity.to_dict(), "series": series.of(entity.name)}
    return entity.to_dict()


def _in_series(entities: Sequence[Entity], series: Series) -> list[Entity]:
    """One line for artifacts of which the names differ in dates only, in the place of the newest of them."""
    found: dict[object, list[Artifact]] = {}
    lines: list[tuple[object, Entity]] = []
    for entity in entities:
        name = series.of(entity.name) if isinstance(entity, Artifact) else None
        key: object = (name, entity.type) if isinstance(entity, Artifact) and name is not None else id(entity)
        if key not in found:
            lines.append((key, entity))
        if isinstance(entity, Artifact):
            found.setdefault(key, []).append(entity)
    return [_whole(entity, found.get(key, []), series) for key, entity in lines]


def _whole(newest: Entity, members: list[Artifact], series: Series) -> Entity:
    if not isinstance(newest, Artifact) or len(members) < 2:
        return newest
    name = f"{series.of(newest.name)} ({len(members)} artifacts)"
    return replace(newest, name=name, versions=sum(one.versions for one in members), latest=None, aliases={})


def _read(lineage: Lineage, kind: str, pattern: str | None, filters: Filters) -> Sequence[Entity]:
    if kind == "artifacts":
        return lineage.artifacts(pattern, **filters)
    return lineage.versions(pattern, **filters) if kind == "versions" else lineage.runs(pattern, **filters)


@dataclass(frozen=True)
class _Column:
    """A column of a table; ``needs`` is the width of a terminal from which on there is room for it."""

    title: str
    cell: Callable[[Any, Screen], str | Text]
    needs: int = 0
    justify: Literal["left", "right"] = "left"


def _state(run: Run, _: Screen) -> Text:
    return Text(visible(run.state), style=STATE_STYLES.get(run.state, ""))


_COLUMNS: dict[str, tuple[_Column, ...]] = {
    "artifacts": (
        _Column("artifact", lambda artifact, _: shortened(artifact.name)),
        _Column("type", lambda artifact, _: visible(artifact.type), 50),
        _Column("versions", lambda artifact, _: str(artifact.versions), 70, "right"),
        _Column("latest", lambda artifact, _: artifact.latest or ""),
        _Column("updated", lambda artifact, screen: screen.when(artifact.updated_at), 60),
        _Column("aliases", lambda artifact, _: _aliases(artifact.aliases), 100),
    ),
    "versions": (
        _Column("version", lambda version, _: f"{shortened(version.name)}:{version.version}"),
        _Column("type", lambda version, _: visible(version.type), 50),
        _Column("size", lambda version, _: size(version.size), 70, "right"),
        _Column("created", lambda version, screen: screen.when(version.created_at), 60),
        _Column("aliases", lambda version, _: ", ".join(map(visible, version.aliases)), 90),
        _Column("digest", lambda version, _: short_digest(version.digest), 110),
    ),
    "runs": (
        _Column("job", lambda run, _: shortened(run.job)),
        _Column("run", lambda run, _: shortened(run.name, 60), 60),
        _Column("state", _state),
        _Column("started", lambda run, screen: screen.when(run.started_at), 50),
        _Column("took", lambda run, _: duration(run.duration), 80, "right"),
        _Column("id", lambda run, _: visible(run.id), 120),
    ),
}


def _aliases(aliases: Any) -> str:
    return ", ".join(f"{visible(alias)}→{visible(version)}" for alias, version in aliases.items())


def _print_table(kind: str, entities: Sequence[Entity], screen: Screen) -> None:
    if not entities:
        complain(f"No {kind} were found.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = [column for column in _COLUMNS[kind] if column.needs <= screen.width]
    for position, column in enumerate(columns):
        wraps = position == 0
        table.add_column(column.title, justify=column.justify, overflow="fold", no_wrap=not wraps)
    for entity in entities:
        table.add_row(*(_cell(column, entity, screen) for column in columns))
    screen.print(table)


def _cell(column: _Column, entity: Entity, screen: Screen) -> Text:
    content = column.cell(entity, screen)
    return content if isinstance(content, Text) else Text(content)
