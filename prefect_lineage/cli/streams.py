"""Standard output and standard error, as far as they need no formatting; imports next to nothing."""

from __future__ import annotations

import io
import json
import math
import sys
from typing import Any

from prefect_lineage.cli.text import visible

__all__ = ["complain", "make_printable", "print_json"]


def make_printable() -> None:
    """Let a stream that cannot encode a character write its escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: object) -> None:
    """Write one JSON document, and nothing else, to standard output."""
    text = json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # a lone surrogate of a file name, or an ASCII terminal
        text = json.dumps(_finite(document), indent=2, ensure_ascii=True, allow_nan=False)
    sys.stdout.write(text + "\n")


def _finite(value: Any) -> Any:
    """JSON knows no NaN and no infinity: such a number of somebody's metadata becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return value


def complain(sentence: str) -> None:
    """Tell the user something on standard error: one line, under our name."""
    sys.stderr.write(f"prefect-lineage: {visible(sentence)}\n")
