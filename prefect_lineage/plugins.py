"""The plugins: found by entry point, each loaded and called by itself, so that none can harm another.

pluggy stops at the first implementation that raises, and its own loading stops at the first broken
entry point; both would let one plugin silence the rest. Hence the loops here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from pluggy import HookImpl

from prefect_lineage import hookspecs
from prefect_lineage.hookspecs import PROJECT
from prefect_lineage.interceptors import Interceptor
from prefect_lineage.releases import untested

__all__ = ["PluginReport", "Plugins", "report"]

log = logging.getLogger("prefect_lineage")

MAX_ERRORS = 5
"""A hook of a plugin that failed this often in one process is not called again."""


@dataclass(frozen=True, slots=True)
class PluginReport:
    """What ``prefect-lineage plugins`` says of one plugin.

    Attributes:
        reason: why it is not active, what it did wrong, or which library it does not know the release of; None when
            all is well.
        hooks: the names of the hooks that it implements.
        watches: the calls that it intercepts, ``pandas.read_csv``.
    """

    name: str
    module: str
    distribution: str | None
    version: str | None
    active: bool
    reason: str | None = None
    hooks: list[str] = field(default_factory=list)
    watches: list[str] = field(default_factory=list)


class Plugins:
    """The plugins of one process.

    Args:
        disabled: entry point names to leave out.
        extra: plugin objects by name, beside those found by entry point (for tests and notebooks).
        discover: look for entry points.
    """

    def __init__(
        self,
        disabled: Collection[str] = (),
        extra: dict[str, object] | None = None,
        *,
        discover: bool = True,
    ) -> None:
        self.problems: dict[str, str] = {}
        self._errors: dict[tuple[str, str], int] = {}
        self._found: dict[str, Sequence[HookImpl]] = {}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        found = list(entry_points(group=PROJECT)) if discover else []
        self._entry_points = sorted(found, key=lambda point: point.name)
        for point in self._entry_points:
            if point.name in disabled:
                self.problems[point.name] = "switched off by the setting PREFECT_LINEAGE_DISABLE"
            else:
                self._load(point)
        for name, plugin in (extra or {}).items():
            self._register(name, plugin)

    def _load(self, point: EntryPoint) -> None:
        try:
            plugin = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin can fail in any way; others live
            self._problem(point.name, f"could not be loaded: {error!r}")
        else:
            self._register(point.name, plugin)

    def _register(self, name: str, plugin: object) -> None:
        self._found.clear()
        try:
            self._manager.register(plugin, name=name)
            # pluggy keeps a misspelt implementation without a word until it is asked
            self._manager.check_pending()
        except Exception as error:  # noqa: BLE001 - see _load
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            self._problem(name, f"does not fit the hook specifications: {error}")

    def _problem(self, name: str, what: str) -> None:
        self.problems[name] = what
        log.warning("The lineage plugin %r %s; it is not used.", name, what)

    def names(self) -> list[str]:
        """The active plugins, by name."""
        return sorted(name for name, plugin in self._manager.list_name_plugin() if plugin is not None)

    def each(
        self, hook: str, /, failed: list[str] | None = None, **arguments: Any
    ) -> Iterator[tuple[str, Any]]:
        """Call every implementation of ``hook``; yield (plugin name, answer) for each that has one.

        An implementation that raises yields nothing and is reported once; the names of those that did not
        answer for that reason are put into ``failed``.
        """
        for implementation in self._implementations(hook):
            name = implementation.plugin_name
            if self._errors and self._errors.get((name, hook), 0) >= MAX_ERRORS:
                if failed is not None:
                    failed.append(name)
                continue
            try:
                answer = implementation.function(*map(arguments.__getitem__, implementation.argnames))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin can be wrong; flows go on
                self._failed(name, hook, error)
                if failed is not None:
                    failed.append(name)
            else:
                if answer is not None:
                    yield name, answer

    def _implementations(self, hook: str) -> Sequence[HookImpl]:
        """In the order in which they are asked; looked up once, for some are asked about every path."""
        found = self._found.get(hook)
        if found is None:
            found = self._found[hook] = getattr(self._manager.hook, hook).get_hookimpls()[::-1]
        return found

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer to ``hook`` that is not None, or None."""
        return next((answer for _, answer in self.each(hook, **arguments)), None)

    def implements(self, hook: str) -> bool:
        """Whether any plugin implements ``hook``: spares building arguments for nobody."""
        return bool(self._implementations(hook))

    def _failed(self, name: str, hook: str, error: BaseException) -> None:
        count = self._errors[name, hook] = self._errors.get((name, hook), 0) + 1
        if count == 1:
            self.problems[name] = f"raised in {hook}: {error!r}"
            log.warning("The lineage plugin %r raised in %s: %r", name, hook, error)

    def reports(self) -> list[PluginReport]:
        """One report for each plugin that is installed or was given."""
        points = {point.name: point for point in self._entry_points}
        return [self._report(name, points.get(name)) for name in sorted({*points, *self.names()})]

    def _report(self, name: str, point: EntryPoint | None) -> PluginReport:
        plugin = self._manager.get_plugin(name)
        callers = (self._manager.get_hookcallers(plugin) or []) if plugin is not None else []
        distribution = point.dist if point is not None else None
        watched = self._watched(name) if plugin is not None else []
        unknown = {told for interceptor in watched if (told := untested(interceptor)) is not None}
        reasons = [self.problems[name]] if name in self.problems else sorted(unknown)
        return PluginReport(
            name=name,
            module=point.value if point is not None else getattr(plugin, "__name__", repr(plugin)),
            distribution=distribution.name if distribution else None,
            version=distribution.version if distribution else None,
            active=plugin is not None,
            reason="; ".join(reasons) or None,
            hooks=sorted(caller.name for caller in callers),
            watches=sorted(interceptor.via for interceptor in watched if untested(interceptor) is None),
        )

    def _watched(self, name: str) -> list[Interceptor]:
        return [
            interceptor
            for plugin, interceptors in self.each("lineage_interceptors")
            if plugin == name
            for interceptor in interceptors
        ]


def report() -> list[PluginReport]:
    """What is installed in this environment, under the settings that hold here."""
    from prefect_lineage.settings import load

    return Plugins(load().disable).reports()
