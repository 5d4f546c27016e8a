"""The setting ``MAP_ON_FLOW_END``: the map of each flow run, written when it has ended.

A process of its own draws it, so a flow's process never loads what draws, and neither waits for it nor fails by
it. Only at its exit the interpreter gives maps that are still being drawn a bounded time.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from prefect_lineage.capture.context import paused
from prefect_lineage.capture.guard import guarded
from prefect_lineage.settings import Settings

__all__ = ["EXIT_SECONDS", "FlowMaps"]

log = logging.getLogger("prefect_lineage")

EXIT_SECONDS = 60.0
_MOST = 4
"""Maps drawn at once by one process; more flows than that end without one, with a warning."""


class FlowMaps:
    """Writes maps of flow runs, or nothing where the setting is not set.

    Args:
        settings: what holds in this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._drawing: list[tuple[subprocess.Popen[bytes], IO[bytes], Path]] = []
        self._owner = os.getpid()
        self._waits = False

    @guarded
    def flow_ended(self, run: str, flow: str, name: str) -> None:
        """Begin to draw the map of a flow run that has ended; the store must hold it by now."""
        folder = self._settings.map_on_flow_end
        if folder is None:
            return
        if os.getpid() != self._owner:  # a forked child has children of its own
            self._drawing, self._owner, self._waits = [], os.getpid(), False
        self._reap()
        target = folder.absolute() / _file_name(flow, name, run)
        if len(self._drawing) >= _MOST:
            log.warning("No map is written to %s: %s others are still being drawn.", target, _MOST)
            return
        with paused():
            self._begin(run, target)
        if not self._waits:
            self._waits = True
            atexit.register(self.wait)

    def _begin(self, run: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process that writes to it
        command = [sys.executable, "-m", "prefect_lineage", "map", "--flow-run", run, "--output", str(target)]
        process = subprocess.Popen(  # noqa: S603 - our own command line, without a shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=self._environment()
        )
        self._drawing.append((process, said, target))

    def _environment(self) -> dict[str, str]:
        """That of this process, without capture, and with the store that it really writes to."""
        own = {
            "PREFECT_LINEAGE_URL": self._settings.url,
            "PREFECT_LINEAGE_ROOT": str(self._settings.root),
            "PREFECT_LINEAGE_ENABLED": "0",
            "PREFECT_PLUGINS_ENABLED": "0",
        }
        return {**os.environ, **own}

    @guarded
    def wait(self, seconds: float = EXIT_SECONDS) -> None:
        """Give the maps that are being drawn so long, then end them."""
        if os.getpid() != self._owner:
            return
        for process, _, target in self._drawing:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                log.warning("The map %s was not ready in time.", target)
        self._reap()

    def _reap(self) -> None:
        for process, said, target in [entry for entry in self._drawing if entry[0].poll() is not None]:
            self._drawing.remove((process, said, target))
            said.seek(0)
            words = said.read().decode("utf-8", "replace").strip().splitlines()
            said.close()
            if process.returncode > 0:
                log.warning(
                    "The map %s was not written: %s", target, words[-1] if words else "no reason given"
                )


def _file_name(flow: str, name: str, run: str) -> str:
    words = re.sub(r"[^\w.-]+", "-", f"{flow}-{name}").strip("-.")[:100]
    return f"{words or 'flow'}-{run[:8]}.html"
