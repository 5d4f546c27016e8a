"""What the runs of one process returned, by run. Small, for a flow may have a hundred thousand of them."""

from __future__ import annotations

from prefect_lineage.capture.values import Returned

__all__ = ["ByRun"]

_Alone = tuple[int, str, str]
"""Attempt, job and root of a run whose value is one that everybody may have: there is no more to know of it."""


class ByRun:
    """Maps UUIDs of runs to what they returned; None is a run of which nothing is to be known."""

    def __init__(self) -> None:
        self._found: dict[bytes, Returned | _Alone | None] = {}
        self._alone: dict[_Alone, _Alone] = {}  # one object for all runs of a job

    def __setitem__(self, run: str, returned: Returned | None) -> None:
        if returned is None or not returned.alone or returned.recorded or returned.remote or returned.content:
            self._found[_key(run)] = returned
            return
        known = (returned.attempt, returned.job, returned.root)
        self._found[_key(run)] = self._alone.setdefault(known, known)

    def __contains__(self, run: str) -> bool:
        return _key(run) in self._found

    def get(self, run: str) -> Returned | None:
        """What the run returned, always the same object."""
        found = self._found.get(_key(run))
        if not isinstance(found, tuple):
            return found
        attempt, job, root = found
        returned = self._found[_key(run)] = Returned(run, attempt, job, root=root, alone=True)
        return returned

    def drop(self, run: str) -> None:
        """Forget one run."""
        self._found.pop(_key(run), None)

    def forget(self, root: str) -> None:
        """Forget the runs inside an outermost one, and those of which nothing is to be known."""
        kept = {}
        for key, found in list(self._found.items()):
            whose = found[2] if isinstance(found, tuple) else found and found.root
            if whose is not None and whose != root:
                kept[key] = found
        self._found = kept
        self._alone = {known: known for known in self._alone if known[2] != root}


def _key(run: str) -> bytes:
    try:
        return bytes.fromhex(run.replace("-", ""))
    except ValueError:
        return run.encode()
