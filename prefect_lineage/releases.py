"""Whether the installed release of a library is one that an adapter was tried with."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version

from prefect_lineage.interceptors import Interceptor

__all__ = ["untested"]


def untested(interceptor: Interceptor) -> str | None:
    """Why the call is better left to the generic net; None if the adapter may watch it.

    Only what is surely outside counts: a library that does not tell its release is watched.
    """
    if interceptor.tested is None:
        return None
    library = interceptor.distribution or interceptor.module.partition(".")[0]
    return _outside(library, interceptor.tested)


@functools.cache
def _outside(library: str, tested: str) -> str | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        found = version(library)
        if Version(found) in SpecifierSet(tested, prereleases=True):
            return None
    except (PackageNotFoundError, InvalidVersion):
        return None
    except InvalidSpecifier:
        return f"{tested!r} is no range of releases of {library}; its adapter is not used"
    return (
        f"{library} {found} is outside the tested range {tested}: its calls are left to the generic net, "
        "which sees what is opened through Python"
    )
