"""Pauses of chance length, so that those who wait for each other do not meet again and again."""

from __future__ import annotations

import random

__all__ = ["between"]

between = random.SystemRandom().uniform
"""A number between two others. Those of Python's own generator are the user's, who may have seeded it."""
