"""Identity: whatever spelling a place was called by, it is one :class:`Location`.

Namespaces and keys follow OpenLineage's naming: ``file://<host>`` + absolute path, ``s3://<bucket>`` + key,
``inmemory://`` + job for values. Artifacts that only have a name live in ``name://``.
"""

from __future__ import annotations

import os
import posixpath
import re
import socket
from functools import cache
from urllib.parse import unquote, urlsplit

from prefect_lineage.model.records import Location

__all__ = ["Identity", "host", "is_uri", "local_path", "named", "value_location"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SAME_SCHEME = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs"}
_OBJECT_STORES = {"s3", "gs", "abfs", "wasbs", "oss"}


@cache
def host() -> str:
    """The name of this machine, as it stands in local files' namespaces."""
    return socket.gethostname()


def is_uri(text: str) -> bool:
    """Whether ``text`` starts with a scheme (one letter is a drive, not a scheme)."""
    return _SCHEME.match(text) is not None


def local_path(text: str) -> str | None:
    """The local path that a path or a ``file:`` URI names; None for any other URI."""
    if text[:5].lower() == "file:":
        return unquote(urlsplit(text).path) or None
    return None if is_uri(text) else text


def named(name: str) -> Location:
    """Where an artifact lives that has a name and no place."""
    return Location("name://", name, f"name://{name}")


def value_location(job: str, part: str = "") -> Location:
    """Where the value returned by a job lives: ``etl.extract()``, or a part of it, ``etl.split()[0]``."""
    return Location("inmemory://", f"{job}(){part}", f"inmemory://{job}(){part}")


class Identity:
    """Canonical locations under one project root.

    Args:
        root: local files below it have the same identity on every machine if ``namespace`` is set.
        namespace: the name of the project in a store that several machines share.
    """

    def __init__(self, root: str, namespace: str | None = None) -> None:
        self.root = os.path.realpath(root)
        self.namespace = namespace

    def of(self, target: str) -> Location:
        """The location of a path or URI; symlinks, ``./``, ``~`` and spellings are resolved."""
        for namespace in ("inmemory://", "name://"):
            if target.startswith(namespace):
                return Location(namespace, target.removeprefix(namespace), target)
        path = local_path(target)
        return self.of_path(path) if path is not None else _of_uri(target)

    def of_path(self, path: str) -> Location:
        real = os.path.realpath(os.path.expanduser(path))  # noqa: PTH111
        if self.namespace and real.startswith(self.root + os.sep):
            return Location(self.namespace, os.path.relpath(real, self.root), f"file://{real}")
        return Location(f"file://{host()}", real, f"file://{real}")


def _of_uri(uri: str) -> Location:
    parts = urlsplit(uri)
    scheme = _SAME_SCHEME.get(parts.scheme.lower(), parts.scheme.lower())
    authority = parts.netloc if scheme in _OBJECT_STORES else parts.netloc.lower()
    authority = authority.rpartition("@")[2]
    path = parts.path
    if scheme in _OBJECT_STORES:
        key = posixpath.normpath(unquote(path)).lstrip("/") if path.strip("/") else "/"
    else:
        key = path or "/"
        key += f"?{parts.query}" if parts.query else ""
    namespace = f"{scheme}://{authority}"
    return Location(namespace, key, f"{namespace}/{key.lstrip('/')}")
