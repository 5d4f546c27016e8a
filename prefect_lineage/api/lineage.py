"""``Lineage``: everything that can be asked of a store, in one place."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from prefect_lineage.api.lineage_filters import Filters, filter_of
from prefect_lineage.api.lineage_selections import Selection, select
from prefect_lineage.api.lineage_times import When, micros
from prefect_lineage.api.lineage_urls import store_url
from prefect_lineage.errors import LineageError, ReferenceUnknown
from prefect_lineage.graph.coverage import Coverage, coverage_of
from prefect_lineage.graph.levels import (
    ArtifactGraph,
    around_ids,
    artifact_ids,
    by_artifact,
    by_flow_run,
    check_level,
    flow_run_ids,
)
from prefect_lineage.model.entities import Artifact, Graph, Run, Version
from prefect_lineage.model.reference import Reference
from prefect_lineage.settings import load
from prefect_lineage.store.filters import Filter
from prefect_lineage.store.remote import is_remote
from prefect_lineage.store.store import Store
from prefect_lineage.store.sync import Finish, SyncReport, sync, sync_remote

if TYPE_CHECKING:
    from prefect_lineage.export.map import LineageMap

__all__ = ["Lineage"]


class Lineage:
    """An open store, to be asked; a context manager.

    Args:
        url: a SQLAlchemy URL, or the path of a SQLite store. Default: the setting ``URL``.
        readonly: change nothing, and make no store where there is none.

    Raises:
        StoreError: there is no store, or it cannot be used.

    Times are datetimes, ISO 8601 texts or microseconds since the epoch; without a zone they are UTC. A
    reference is what :meth:`version` and :meth:`run` accept; an entity that was read before will do as well.
    """

    def __init__(self, url: str | Path | None = None, *, readonly: bool = False) -> None:
        self.url = store_url(url)
        _bring_up_to_date()
        self._store = Store.open(self.url, readonly=readonly, root=str(load().root))

    @property
    def source(self) -> str:
        """The store as it may be shown to anybody: without a password."""
        return self._store.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; closing twice does no harm."""
        self._store.close()

    def artifacts(self, pattern: str | None = None, **filters: Unpack[Filters]) -> list[Artifact]:
        """Artifacts, the last changed first, of which the name or the location match the glob ``pattern``."""
        return self._store.artifacts(self._filter(pattern, filters))

    def versions(self, pattern: str | None = None, **filters: Unpack[Filters]) -> list[Version]:
        """Versions, the newest first, of artifacts of which the name or the location match ``pattern``."""
        return self._store.versions(self._filter(pattern, filters))

    def runs(self, pattern: str | None = None, **filters: Unpack[Filters]) -> list[Run]:
        """Runs, the last started first, of which the name or the job match the glob ``pattern``."""
        return self._store.runs(self._filter(pattern, filters))

    def _filter(self, pattern: str | None, filters: Filters) -> Filter:
        flow_run = filters.get("flow_run")
        return filter_of(pattern, filters, self.run(flow_run).id if flow_run is not None else None)

    def version(self, ref: str | Version, *, type: str | None = None) -> Version:  # noqa: A002 - the contract
        """The version that ``ref`` refers to.

        Raises:
            ReferenceUnknown: nothing answers to it, or nothing of that ``type``.
            ReferenceAmbiguous: several things do.
        """
        if isinstance(ref, Version):
            return ref
        found = self._store.version(Reference.parse(ref))
        if type is not None and found.type != type:
            raise ReferenceUnknown(
                f"{ref!r} is a {found.type}, but a {type} was asked for; leave the type out or name another.",
                reference=ref,
                candidates=[str(found)],
            )
        return found

    def run(self, ref: str | Run) -> Run:
        """The run of this UUID, unique prefix of one, or name; ``run:`` before it may be left out.

        Raises:
            ReferenceUnknown: there is no such run.
            ReferenceAmbiguous: there are several.
        """
        if isinstance(ref, Run):
            return ref
        text = ref if ref.startswith("run:") else f"run:{ref}"
        return self._store.run(Reference.parse(text))

    def node(self, ref: str | Version | Run) -> Version | Run:
        """The version, or with ``run:`` before it the run, that ``ref`` refers to."""
        return self._store.node(Reference.parse(ref)) if isinstance(ref, str) else ref

    def upstream(
        self, ref: str | Version | Run, depth: int | None = None, as_of: When | None = None
    ) -> Graph:
        """All that ``ref`` was made from, itself included; ``depth`` counts edges."""
        return self.graph(ref, depth=depth, as_of=as_of, downstream=False)

    def downstream(
        self, ref: str | Version | Run, depth: int | None = None, as_of: When | None = None
    ) -> Graph:
        """All that was made from ``ref``, itself included; ``depth`` counts edges."""
        return self.graph(ref, depth=depth, as_of=as_of, upstream=False)

    def graph(
        self,
        ref: str | Version | Run | None = None,
        *,
        depth: int | None = None,
        upstream: bool = True,
        downstream: bool = True,
        flow: str | None = None,
        flow_run: str | Run | None = None,
        type: str | None = None,  # noqa: A002 - the name in the contract
        since: When | None = None,
        until: When | None = None,
        as_of: When | None = None,
    ) -> Graph:
        """Runs and versions with the edges between them: around ``ref``, or without one all of the store.

        Args:
            ref: where to start; it stays in the graph whatever is left out of it.
            depth: follow at most so many edges from there.
            upstream, downstream: in which directions.
            flow: only what runs of these flows did (a glob).
            flow_run: only what this flow run did, and what is nested in it.
            type: only versions of this artifact type.
            since, until: only what was read or written between these times, both included.
            as_of: the graph as it was at this time.
        """
        inside = self.run(flow_run).id if flow_run is not None else None
        first, last, then = micros("since", since), micros("until", until), micros("as_of", as_of)
        if ref is None:
            wanted = Filter(flow=flow, flow_run=inside, type=type, since=first, until=last)
            return self._store.graph(wanted, as_of=then)
        nested = self._store.runs(Filter(flow_run=inside)) if inside is not None else None
        runs = frozenset(run.id for run in nested) if nested is not None else None
        around = self._around(self.node(ref), depth, (upstream, downstream), then)
        return select(around, Selection(flow, runs, type, first, last))

    def at_level(self, graph: Graph, level: str) -> Graph | ArtifactGraph:
        """A coarser view of a graph.

        Args:
            graph: from this store.
            level: ``run`` for the graph itself; ``flow`` for a graph in which a flow run is one node, with all that
                its runs did; ``artifact`` for artifacts, with the runs on the edges.

        Raises:
            LineageError: there is no such level.
        """
        check_level(level)
        if level == "flow":
            return by_flow_run(graph, self._store.runs_of(flow_run_ids(graph)))
        if level == "artifact":
            return by_artifact(graph, self._store.artifacts_of(artifact_ids(graph)))
        return graph

    def around(self, graph: Graph) -> list[Run]:
        """The flow runs, and other runs, around those of a graph from this store that are not themselves in it.

        A flow run that read and wrote nothing by itself has no edge, and so no place in a graph.
        """
        return self._store.runs_of(around_ids(graph))

    def _around(
        self, node: Version | Run, depth: int | None, sides: tuple[bool, bool], as_of: int | None
    ) -> Graph:
        if depth is not None and depth < 0:
            raise LineageError(f"depth is {depth}, but must be a whole number from 0 up, or None.")
        if sides == (False, False):
            depth = 0
        if sides[0] == sides[1]:
            return self._store.neighbourhood(node, depth, as_of)
        return self._store.closure(node, "upstream" if sides[0] else "downstream", depth, as_of)

    def same_content(self, ref: str | Version, limit: int = 20) -> list[Version]:
        """Versions of other artifacts with the very content of ``ref``, oldest first: copies, renames, exports.

        Only what a digest of all bytes, or its keeper's own version, proves.
        """
        version = self.version(ref)
        if version.covers == "none" or limit <= 0:
            return []
        return self._store.same_content(version, limit)

    def coverage(self, ref: str | Run | None = None) -> Coverage:
        """What a run, and all that is nested in it, did that capture did not understand, with what to do about it.

        Args:
            ref: the run; without it the outermost run that was started last.

        Raises:
            ReferenceUnknown: there is no such run, or no run at all.
        """
        run = self._last() if ref is None else self.run(ref)
        nested = self._store.runs(Filter(flow_run=run.id)) if run.kind != "task" else [run]
        if run.kind == "flow":
            graph = self._store.graph(Filter(flow_run=run.id))
        else:
            graph = self._store.neighbourhood(run, 1, None)
        return coverage_of(run, nested, graph)

    def _last(self) -> Run:
        # nested runs are listed after the run around them, so a few suffice where many were started at once
        size, offset = 1_000, 0
        while found := self._store.runs(Filter(limit=size, offset=offset)):
            for run in found:
                if run.parent is None:
                    return run
            offset += size
        raise ReferenceUnknown("There is no run yet.", reference="", candidates=[])

    def map(
        self,
        ref: str | Version | Run | None = None,
        *,
        title: str | None = None,
        ui_url: str | None = None,
        level: str = "run",
        group: str | None = None,
        **which: Any,
    ) -> LineageMap:
        """The map of :meth:`graph`, which takes the same arguments; shown as it is in a notebook.

        Args:
            ref: where to start; without it all of the store is drawn.
            title: the heading; by default the name of ``ref``.
            ui_url: where Prefect's UI is, to link runs to it.
            level: what is one card when the page opens: ``run``, ``flow`` or ``artifact``.
            group: ``flow`` for a frame around what each flow run did.
            which: any keyword argument of :meth:`graph`.
        """
        from prefect_lineage.api.lineage_maps import draw  # only who draws loads what draws

        graph = self.graph(ref, **which)
        around = self.around(graph)
        return draw(
            graph, title=title, source=self.source, ui_url=ui_url, level=level, group=group, around=around
        )

    def sync(self, directory: str | Path | None = None) -> SyncReport:
        """Load the journals in ``directory`` (default: the setting ``JOURNAL_DIR``) whose process has ended.

        A URL that fsspec can read (``s3://bucket/journals``) will do as well; nothing is deleted there.

        Raises:
            LineageError: the directory that was named does not exist.
            StoreError: the store cannot be written to, or a journal cannot be read; nothing is lost.
        """
        if directory is not None and is_remote(str(directory)):
            return sync_remote(str(directory), self._store)
        folder = Path(directory) if directory is not None else load().journal_dir
        if directory is not None and not folder.is_dir():
            raise LineageError(f"There is no directory {str(folder)!r} to load journals from.")
        return sync(folder, self._store, _finisher())

    def stats(self) -> dict[str, Any]:
        """How much the store holds."""
        return self._store.stats()


def _finisher() -> Finish:
    from prefect_lineage.capture.digests import Digester
    from prefect_lineage.capture.postponing import finisher

    settings = load()
    return finisher(Digester(settings.digest, settings.hash_limit))


def _bring_up_to_date() -> None:
    """What this very process has recorded is to be found; a process that captures nothing loads nothing for it."""
    switch = sys.modules.get("prefect_lineage.capture.switch")
    recorder = switch.recorder() if switch is not None else None
    if recorder is not None:
        recorder.flush()
