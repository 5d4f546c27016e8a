"""Where a git repository came from, as an address that a browser can open, and without a password."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["home_of", "web_address"]

_SECTION = re.compile(r'\[remote "(.*)"\]')
_URL = re.compile(r"url\s*=\s*(.+)")
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!/)([^\s?#]+)")


def home_of(git: Path) -> str | None:
    """The web address of ``origin``, or of the only other remote, by git's own file in this directory."""
    found: dict[str, str] = {}
    name = None
    for line in (git / "config").read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = _SECTION.fullmatch(text)
            name = section[1] if section else None
        elif name is not None and (url := _URL.fullmatch(text)):
            found.setdefault(name, url[1])
    chosen = found.get("origin") or (next(iter(found.values())) if len(found) == 1 else None)
    return web_address(chosen) if chosen else None


def web_address(url: str) -> str | None:
    """``git@host:a/b.git`` and ``ssh://git@host/a/b`` as ``https://host/a/b``; None for a local path."""
    if "://" not in url:
        short = _SCP.fullmatch(url)
        return f"https://{short[1]}/{short[2].removesuffix('.git')}" if short and len(short[1]) > 1 else None
    try:
        parts = urlsplit(url)
        port = parts.port if parts.scheme in ("http", "https") else None
    except ValueError:
        return None
    path = parts.path.strip("/").removesuffix(".git")
    if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh") or not parts.hostname or not path:
        return None
    scheme = "http" if parts.scheme == "http" else "https"
    return f"{scheme}://{parts.hostname}{f':{port}' if port else ''}/{path}"
