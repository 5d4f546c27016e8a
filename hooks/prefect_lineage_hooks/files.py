"""The standard library's calls that mean more than the opens below them: copies, archives, links, downloads.

``shutil.move`` is not among them: it is a rename, or a copy and a removal, and is seen as that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor

_SUFFIXES = {"gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz", "zstdtar": ".tar.zst"}


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("shutil", "copy", _copied_into),
        Interceptor("shutil", "copy2", _copied_into),
        Interceptor("shutil", "copyfile", _copied),
        Interceptor("shutil", "copytree", _copied_tree),
        Interceptor("shutil", "make_archive", _archived),
        Interceptor("shutil", "unpack_archive", _unpacked),
        Interceptor("os", "link", _copied, optional=True),
        Interceptor("os", "truncate", _truncated, optional=True),
        Interceptor("urllib.request", "urlretrieve", _downloaded),
    ]


def _path(path: Any) -> Path:
    return Path(os.fsdecode(path))


def _pair(source: object, target: object) -> list[Claim]:
    return [Claim(source, "read"), Claim(target, "write")]


def _copied(call: Call) -> Iterable[Claim]:
    return [] if _is_other(call) else _pair(call["src"], call["dst"])


def _copied_into(call: Call) -> Iterable[Claim]:
    source, target = _path(call["src"]), _path(call["dst"])
    if target.is_dir():
        target /= source.name
    return [] if _is_other(call) else _pair(source, target)


def _is_other(call: Call) -> bool:
    """Whether no content is copied, but a link; or a path is relative to an open directory."""
    if any(call[name] is not None for name in ("src_dir_fd", "dst_dir_fd")):
        return True
    return call["follow_symlinks"] is False and _path(call["src"]).is_symlink()


def _copied_tree(call: Call) -> Iterable[Claim]:
    """A directory, as one thing; into a directory that holds other things already, its members."""
    source, target = call["src"], call["dst"]
    return _pair(source, target) if _is_new(target) else [Claim(source, "read")]


def _is_new(folder: Any) -> bool:
    path = _path(folder)
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def _archived(call: Call) -> Iterable[Claim]:
    if call["dry_run"]:
        return []
    kind = str(call["format"])
    source = Path(call["root_dir"] or os.curdir) / (call["base_dir"] or os.curdir)
    return _pair(source, os.fspath(call["base_name"]) + _SUFFIXES.get(kind, f".{kind}"))


def _unpacked(call: Call) -> Iterable[Claim]:
    """The directory that is made, as one thing; into a directory that holds other things, its members."""
    archive, folder = call["filename"], call["extract_dir"]
    claims = [Claim(archive, "read")]
    if folder is not None and _is_new(folder):
        claims.append(Claim(folder, "write"))
    return claims


def _truncated(call: Call) -> Iterable[Claim]:
    return [] if isinstance(call["path"], int) else [Claim(call["path"], "update")]


def _downloaded(call: Call) -> Iterable[Claim]:
    """Without a file name the data goes to a temporary file, of which the caller is told."""
    source, target = _pair(call["url"], call["filename"])
    return [source, target] if target.target else [source]
