"""What Prefect calls the ends of runs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAILED", "FINAL", "Known"]

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
"""Types of states after which nothing comes."""

FAILED = ("FAILED", "CRASHED", "CANCELLED")
"""Those of runs that have not completed. No set: Prefect's types are texts, and dear to hash."""


@dataclass(frozen=True, slots=True)
class Known:
    """What Prefect's server says of a run.

    Attributes:
        state: the name of its state.
        type: one of Prefect's types of states.
        at: when it came into that state, in microseconds since the epoch.
    """

    state: str
    type: str
    at: int

    @property
    def is_final(self) -> bool:
        """Has it ended?"""
        return self.type in FINAL

    @property
    def kills(self) -> bool:
        """Has it ended in a way that takes the runs inside it along?"""
        return self.type in {"CANCELLED", "CRASHED"}

    @property
    def is_waiting(self) -> bool:
        """May it go on in another process?"""
        return not self.is_final and self.type != "RUNNING"
