"""Which modules of Prefect are patched, by whom, and how it is undone.

Nothing of Prefect is imported here: each module is patched when Prefect has imported it. A patch that does not
fit the release in use is left out with one warning; the others stay.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from types import ModuleType

import wrapt

from prefect_lineage.capture.assets import Assets
from prefect_lineage.capture.crossing import Crossing
from prefect_lineage.capture.flow_runs import FlowRuns
from prefect_lineage.capture.patching import Patches
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.capture.task_runs import MARK, TaskRuns

__all__ = ["MARK", "Engines"]

log = logging.getLogger("prefect_lineage")

Patcher = Callable[[ModuleType, Patches], None]


class Engines:
    """The patches on Prefect.

    Args:
        recorder: who records.
        everything: capture every run; else only tasks whose function carries :data:`MARK`.
    """

    def __init__(self, recorder: Recorder, *, everything: bool) -> None:
        self.recorder = recorder
        self.everything = everything
        self._patches: dict[int, Patches] = {}
        self._active = False
        self._patchers = self._all_patchers()

    def _all_patchers(self) -> list[tuple[str, str, Patcher]]:
        """Module, what is lost without the patch, and the patch; in the order in which they are put in place."""
        crossing = Crossing(self.recorder)
        everything = functools.partial(getattr, self, "everything")
        tasks = TaskRuns(self.recorder, crossing, everything)
        flows = FlowRuns(self.recorder, crossing, everything)
        assets = Assets(self.recorder, lambda task: getattr(task.fn, MARK, self.everything))
        return [*flows.patchers(), *assets.around(tasks.patchers()), *crossing.patchers()]

    def install(self) -> None:
        """Patch what Prefect has loaded, and the rest when it is."""
        self._active = True
        for number, (name, _, _) in enumerate(self._patchers):
            if name in sys.modules:
                self._patch(number, sys.modules[name])
            else:
                wrapt.register_post_import_hook(functools.partial(self._patch, number), name)

    def remove(self) -> None:
        """Put every original back."""
        self._active = False
        while self._patches:
            self._patches.popitem()[1].restore()

    def _patch(self, number: int, module: ModuleType) -> None:
        if not self._active or number in self._patches:
            return
        _, loss, patcher = self._patchers[number]
        patches = self._patches[number] = Patches()
        try:
            patcher(module, patches)
        except (AttributeError, TypeError) as error:
            patches.restore()
            log.warning(
                "prefect-lineage does not know this release of Prefect (%s: %s): %s.",
                module.__name__,
                error,
                loss,
            )
