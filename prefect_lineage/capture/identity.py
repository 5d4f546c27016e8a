"""Identity: whatever spelling a place was called by, it is one :class:`Location`.

Namespaces and keys follow OpenLineage's naming: ``file://<host>`` + absolute path, ``s3://<bucket>`` + key,
``inmemory://`` + job for values. Artifacts that only have a name live in ``name://``.
"""

from __future__ import annotations

import os
import re
import socket
from functools import cache
from urllib.parse import unquote, urlsplit

from prefect_lineage.model.records import NAMED, VALUES, Location
from prefect_lineage.model.uris import file_uri

__all__ = ["Identity", "host", "is_uri", "local_path", "named", "value_location", "without_user"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SAME_SCHEME = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs"}
_OBJECT_STORES = {"s3", "gs", "abfs", "wasbs", "oss"}
_CONTAINER_STORES = {"abfs", "wasbs"}
_SIGNING = {  # the field that proves a signed URL, and the fields that come with it
    "signature": {"signature", "expires", "awsaccesskeyid", "googleaccessid", "key-pair-id", "policy"},
    "sig": {
        *("sig", "se", "sp", "spr", "sr", "st", "sv", "sip"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv"),
    },
}


@cache
def host() -> str:
    """The name of this machine, as it stands in local files' namespaces."""
    return socket.gethostname()


def is_uri(text: str) -> bool:
    """Whether ``text`` starts with a scheme (one letter is a drive, not a scheme)."""
    return _SCHEME.match(text) is not None


def local_path(text: str) -> str | None:
    """The local path that a path or a ``file:`` URI names; None for any other URI."""
    if text[:1] == "/":
        return text
    if text[:5].lower() == "file:":
        rest = re.split("[?#]", text[5:], maxsplit=1)[0]
        if rest.startswith("//"):
            rest = "/" + rest[2:].partition("/")[2]
        return unquote(rest, errors="surrogateescape") or None
    return None if is_uri(text) else text


def named(name: str) -> Location:
    """Where an artifact lives that has a name and no place."""
    return Location(NAMED, name, f"{NAMED}{name}")


def value_location(job: str, part: str = "") -> Location:
    """Where the value returned by a job lives: ``etl.extract()``, or a part of it, ``etl.split()[0]``."""
    return Location(VALUES, f"{job}(){part}", f"{VALUES}{job}(){part}")


class Identity:
    """Canonical locations under one project root.

    Args:
        root: local files below it have the same identity on every machine if ``namespace`` is set.
        namespace: the name of the project in a store that several machines share.
    """

    def __init__(self, root: str, namespace: str | None = None) -> None:
        self.root = os.path.realpath(root)
        self.namespace = namespace

    def of(self, target: str, *, real: bool = False) -> Location:
        """The location of a path or URI; symlinks, ``./``, ``~`` and spellings are resolved.

        Args:
            real: a path is known to be a real one already.
        """
        if real and target[:1] == "/":
            return self._of_real(target)
        for namespace in (VALUES, NAMED):
            if target.startswith(namespace):
                return Location(namespace, target.removeprefix(namespace), target)
        path = local_path(target)
        if path is None:
            return _of_uri(target)
        return self._of_real(path if real else os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111

    def of_path(self, path: str) -> Location:
        """The location of a local path."""
        return self._of_real(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111

    def _of_real(self, real: str) -> Location:
        if self.namespace and real.startswith(self.root + os.sep):
            return Location(self.namespace, os.path.relpath(real, self.root), file_uri(real))
        return Location(f"file://{host()}", real, file_uri(real))


def _of_uri(uri: str) -> Location:
    head, _, rest = uri.partition("://")
    scheme = _SAME_SCHEME.get(head.lower(), head.lower())
    if scheme not in _CONTAINER_STORES:  # there the part before @ is the container, here it is a secret
        rest = without_user(rest)
    if scheme in _OBJECT_STORES:
        authority, _, key = rest.partition("/")
        key = key.partition("?versionId=")[0]
        # a//c and a/./c are other objects than a/c; only a directory is one with and without a slash at its end
        key = (key.removesuffix("/") if key.strip("/") else "") or "/"
        namespace = f"{scheme}://{authority}"
        return Location(namespace, key, f"{namespace}/{'' if key == '/' else key}")
    authority, path, query = _parts(f"{scheme}://{rest}")
    query = _unsigned(query)
    key = (path or "/") + (f"?{query}" if query else "")
    namespace = f"{scheme}://{authority.lower()}"
    return Location(namespace, key, f"{namespace}/{key.lstrip('/')}")


def _parts(uri: str) -> tuple[str, str, str]:
    """Authority, path and query, also of what is no valid URI: ``http://[bad/x``."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        whole, _, query = uri.partition("#")[0].partition("?")
        authority, slash, path = whole.partition("://")[2].partition("/")
        return authority, slash + path, query
    return parts.netloc, parts.path, parts.query


def without_user(rest: str) -> str:
    """What follows ``://`` in a URI, without user and password, also where a slash in them was not encoded."""
    end = next((at for at, letter in enumerate(rest) if letter in "/?#"), len(rest))
    authority = rest[:end]
    if "@" in authority:
        return authority.rpartition("@")[2] + rest[end:]
    host_name, colon, port = authority.rpartition(":")
    is_address = host_name.startswith("[") or not colon or not port or port.isdecimal()
    return rest if is_address or "@" not in rest else rest.rpartition("@")[2]


def _unsigned(query: str) -> str:
    """A query without what signs it: every signature is another one, for the same object."""
    fields = [field for field in query.split("&") if field]
    names = {field.partition("=")[0].lower() for field in fields}
    signing = frozenset().union(*(group for proof, group in _SIGNING.items() if proof in names))
    kept = [
        field
        for field in fields
        if (name := field.partition("=")[0].lower()) not in signing
        and not name.startswith(("x-amz-", "x-goog-"))
    ]
    return "&".join(kept)
