"""obstore: objects of stores, which it reads and writes in compiled code: files, S3, GCS, Azure, HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claimed, Claims, Interceptor
from prefect_lineage_hooks.places import is_remote

_READS = ("get", "get_range", "get_ranges", "open_reader")
_WRITES = ("put", "open_writer")
_SCHEMES = {
    "S3Store": ("s3", "bucket"),
    "GCSStore": ("gs", "bucket"),
    "AzureStore": ("abfs", "container_name"),
}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched: functions and methods, at once and awaited."""
    for end in ("", "_async"):
        for names, claims in ((_READS, _doing("read")), (_WRITES, _doing("write"))):
            yield from _everywhere([f"{name}{end}" for name in names], claims)
        yield from _everywhere([f"copy{end}"], _copied)
        yield from _everywhere([f"rename{end}"], _renamed)
        yield from _everywhere([f"delete{end}"], _deleted)


def _everywhere(names: Iterable[str], claims: Claims) -> Iterable[Interceptor]:
    for name in names:
        yield Interceptor("obstore", name, claims, optional=True)
        yield Interceptor("obstore.store", f"ObjectStoreMethods.{name}", claims, optional=True)


def _place(store: Any, path: Any) -> str | None:
    """The file or URI of an object; None in memory."""
    kind = type(store).__name__
    prefix = str(getattr(store, "prefix", None) or "").rstrip("/")
    if kind == "LocalStore":
        return f"{prefix}/{path}" if prefix else f"/{path}"
    if kind == "HTTPStore":
        return f"{str(store.url).rstrip('/')}/{path}"
    if kind not in _SCHEMES:
        return None
    scheme, key = _SCHEMES[kind]
    parts = (str(store.config.get(key, "")), prefix.strip("/"), str(path))
    return f"{scheme}://{'/'.join(part for part in parts if part)}"


def _argument(call: Call, name: str, position: int) -> Any:
    return call.args[position] if len(call.args) > position else call.kwargs.get(name)


def _doing(operation: Claimed) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        found = _place(call.args[0], _argument(call, "path", 1))
        return [] if found is None else [Claim(found, operation)]

    return claims


def _copied(call: Call) -> Iterable[Claim]:
    source = _place(call.args[0], _argument(call, "from_", 1))
    target = _place(call.args[0], _argument(call, "to", 2))
    return [] if source is None or target is None else [Claim(source, "read"), Claim(target, "write")]


def _renamed(call: Call) -> Iterable[Claim]:
    found = list(_copied(call))
    return (
        [*found, Claim(found[0].target, "delete")] if found and not is_remote(str(found[0].target)) else found
    )


def _deleted(call: Call) -> Iterable[Claim]:
    paths = _argument(call, "paths", 1)
    each = paths if isinstance(paths, (list, tuple)) else [paths]
    return [Claim(found, "delete") for path in each if (found := _place(call.args[0], path)) is not None]
