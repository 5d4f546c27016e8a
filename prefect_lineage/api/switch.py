"""Switching capture on and off in code."""

from __future__ import annotations

from prefect_lineage.capture import switch

__all__ = ["disable", "enable"]


def enable() -> bool:
    """Capture every flow and task run of this process from now on; a second call does nothing.

    Returns:
        Whether capture is on: not where ``PREFECT_LINEAGE_ENABLED=0``.
    """
    return switch.enable()


def disable() -> None:
    """Stop capturing, restore every patched object, bring the store up to date."""
    switch.disable()
