"""What no script of the page may contain: ways to make markup or code out of text, and ways to the network.

``make check`` runs it: ``python tests/map/lint_scripts.py``; a line for each finding, exit code 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

STATIC = Path(__file__).parents[2] / "prefect_lineage" / "export" / "static"
TEMPLATES = STATIC.parent / "templates"

MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|parseFromString|createContextualFragment|srcdoc)\b"
    r"|\bdocument\.write(ln)?\b|\bjavascript:"
)
CODE = re.compile(r"\beval\b|\bFunction\s*\(|\bset(Timeout|Interval)\(\s*[\"'`]|\bimport\s*\(")
NETWORK = re.compile(
    r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|WebTransport)\b"
)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)
UNSAFE = re.compile(r"\|\s*safe\b|autoescape\s+false|unsafe-", re.IGNORECASE)


def findings(static: Path = STATIC, templates: Path = TEMPLATES) -> Iterator[str]:
    """One line for each forbidden thing."""
    for path in sorted(static.glob("*.js")):
        yield from _lines(path, {"markup out of text": MARKUP, "code out of text": CODE, "network": NETWORK})
    for path in sorted(templates.glob("*.j2")):
        yield from _lines(
            path, {"handler in markup": HANDLER, "unescaped": UNSAFE, "markup out of text": MARKUP}
        )


def _lines(path: Path, rules: dict[str, re.Pattern[str]]) -> Iterator[str]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for name, pattern in rules.items():
            if found := pattern.search(line):
                yield f"{path.name}:{number}: {name}: {found[0].strip()}"


if __name__ == "__main__":
    found = list(findings())
    print(
        "\n".join(found) or "The page's scripts make no markup or code out of text and reach for no network."
    )
    sys.exit(bool(found))
