"""Objects that must put themselves right in a forked child, where no thread lives on but the one that forked."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TypeVar

__all__ = ["told_in_child"]

T = TypeVar("T")


def told_in_child(tell: Callable[[T], object]) -> weakref.WeakSet[T]:
    """A set of objects that are told, each by ``tell``, when they find themselves in a forked child."""
    members: weakref.WeakSet[T] = weakref.WeakSet()

    def tell_each() -> None:
        for member in members:
            tell(member)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=tell_each)
    return members
