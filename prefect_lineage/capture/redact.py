"""Secrets are taken out before anything is written: from URIs, statements and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from prefect_lineage.plugins import Plugins

__all__ = ["HIDDEN", "Redactor"]

HIDDEN = "***"

_NAMES = (
    r"[\w.-]*(?:passw(?:or)?d|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|account[_-]?key|credential|signature|authorization|sas)[\w.-]*"
)
_SECRET_NAME = re.compile(rf"{_NAMES}|pwd|pass|sig|auth", re.IGNORECASE)
_ASSIGNED = rf"\b(?:{_NAMES}|pwd|sig)['\"]?\s*[=:]\s*"
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        # scheme://user:password@host, and what comes before @ where a slash in it was not encoded
        (r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/?#@]*:)[^\s/?#\"]*@", r"\g<head>***@"),
        (
            r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/?#@\[]*:)(?!\*\*\*@)(?!\d*(?:[/?#\s'\",;)]|$))[^\s\"]*@",
            r"\g<head>***@",
        ),
        # a token in the user's place
        (r"(?P<head>\b[a-z][a-z0-9+.-]*://)[\w-]{20,}(?=@)", r"\g<head>***"),
        (r"(?P<head>\b(?:Bearer|Basic|Digest|Token)\s+)[\w.~+/=-]{6,}", r"\g<head>***"),
        # name=value in query strings, connection strings, JSON and statements
        (rf"(?P<head>{_ASSIGNED})(?:{_QUOTED})", r"\g<head>'***'"),
        (rf"(?P<head>{_ASSIGNED}['\"]?)(?!'?\*\*\*)[^\s&'\",;(){{}}\[\]]+", r"\g<head>***"),
        # SQL: IDENTIFIED BY '…', PASSWORD '…', SECRET '…'
        (rf"(?P<head>\b(?:identified\s+by|password|secret|token)\s+)(?:{_QUOTED})", r"\g<head>'***'"),
        # what is known by its own look
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", HIDDEN),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", HIDDEN),
        (r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,})\b", HIDDEN),
        (r"\bAIza[\w-]{35}", HIDDEN),
        (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", HIDDEN),
    )
)


class Redactor:
    """Scrubs text by the built-in patterns, the user's, and the plugins'.

    Args:
        patterns: further regular expressions; what they match is hidden whole. A pattern that does not
            compile is left out and named in ``warnings``.
    """

    def __init__(self, patterns: Iterable[str] = (), plugins: Plugins | None = None) -> None:
        self.warnings: list[str] = []
        self._extra: list[re.Pattern[str]] = []
        self._plugins = plugins if plugins and plugins.implements("lineage_redaction") else None
        for pattern in patterns:
            try:
                self._extra.append(re.compile(pattern))
            except re.error as error:
                self.warnings.append(f"The REDACT pattern {pattern!r} is no regular expression: {error}.")

    def text(self, text: str) -> str:
        """``text`` without its secrets."""
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        for extra in self._extra:
            text = extra.sub(HIDDEN, text)
        return self._by_plugins(text, self._plugins) if self._plugins else text

    def _by_plugins(self, text: str, plugins: Plugins) -> str:
        failed: list[str] = []
        for _, answer in plugins.each("lineage_redaction", failed, text=text):
            text = str(answer)
        # a redactor that broke may have left a secret: then nothing of the text is kept
        return HIDDEN if failed else text

    def data(self, value: Any, name: str = "") -> Any:
        """JSON data without its secrets: by the look of texts and by the names of keys."""
        if name and _SECRET_NAME.fullmatch(name) and value not in (None, "", True, False):
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): self.data(item, str(key)) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value
