"""How a local path is written as a URI: the same wherever one is recorded and wherever one is looked for."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["file_uri"]

_MEANT_OTHERWISE = re.compile(r"[%?#\x00-\x1f\x7f]")


def file_uri(path: str) -> str:
    """The URI of an absolute local path: only what would not lead back to it is quoted, so that people can read it."""
    return "file://" + _MEANT_OTHERWISE.sub(lambda found: quote(found[0]), path)
