"""Secrets are taken out before anything is written: from URIs, statements and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from prefect_lineage.capture.context import paused
from prefect_lineage.plugins import Plugins

__all__ = ["HIDDEN", "Address", "Lasting", "Redactor"]

HIDDEN = "***"

# Each name begins at a word that tells, never at what may stand before it: so a text is searched in linear time.
_TELLING = (
    r"(?:passw(?:or)?d|passphrase|secret(?!ar)|(?:api|access|private|account)[_-]?key(?!board)|credential"
    r"|signature|authorization)[\w.-]{0,64}"
    r"|token\d{0,3}(?![\w.-])"  # not max_tokens, tokenizer, token_counts
    r"|(?<![A-Za-z0-9])(?:pwd|sig|sas(?:[_-]?(?:key|ur[il]))?)(?![\w.-])"
)
_SECRET_NAME = re.compile(
    rf"{_TELLING}|\A(?:pass|auth|tokens)\Z|(?:access|api|auth|bearer|refresh|secret)[_-]?tokens\Z",
    re.IGNORECASE,
)
_ASSIGNED = rf"(?:{_TELLING})['\"]?\s{{0,20}}[=:]\s{{0,20}}"
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""

_Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*rules: tuple[str, str]) -> _Rules:
    return tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), hidden) for pattern, hidden in rules)


_IN_URIS = _rules(
    # scheme://user:password@host, and what comes before @ where a slash in it was not encoded
    (r"(?P<head>://[^\s:/?#@]{0,256}:)[^\s/?#\"]{0,1024}@", r"\g<head>***@"),
    (
        r"(?P<head>://[^\s:/?#@\[]{0,256}:)(?!\*\*\*@)(?!\d{0,9}(?:[/?#\s'\",;)]|$))[^\s\"]{0,1024}@",
        r"\g<head>***@",
    ),
    # a token in the user's place
    (r"(?P<head>://)[\w-]{20,1024}(?=@)", r"\g<head>***"),
)
_BY_NAME = _rules(
    (r"(?P<head>\b(?:Bearer|Basic|Digest|Token)\s{1,20})[\w.~+/=-]{6,}", r"\g<head>***"),
    # name=value in query strings, connection strings, JSON and statements
    (rf"(?P<head>{_ASSIGNED})(?:{_QUOTED})", r"\g<head>'***'"),
    (rf"(?P<head>{_ASSIGNED}['\"]?)(?!'?\*\*\*)[^\s&'\",;(){{}}\[\]]+", r"\g<head>***"),
    # SQL: IDENTIFIED BY '…', PASSWORD '…', SECRET '…'
    (
        rf"(?P<head>\b(?:identified\s{{1,20}}by|password|secret|token)\s{{1,20}})(?:{_QUOTED})",
        r"\g<head>'***'",
    ),
)
_BY_LOOK = _rules(
    (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)", HIDDEN),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", HIDDEN),
    (r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,})", HIDDEN),
    (r"\bsk-(?=[a-z_-]{0,40}\d)[\w-]{20,}", HIDDEN),  # with a digit: sk-learn-and-others is a name
    (r"\bAIza[\w-]{35}", HIDDEN),
    (r"\beyJ[\w-]{8,4096}+\.[\w-]{8,}+\.[\w-]*", HIDDEN),
)
_LOOKS = (
    *("private key-", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "xox", "sk-", "aiza", "eyj"),
)
"""Without one of these, in lower case, no rule by look can match an ASCII text."""

_HINTS = (
    *("pass", "pwd", "secret", "key", "credential", "signature", "authori", "token", "sas", "sig"),
    *("bearer", "basic", "digest", "identified"),
)
"""Without one of these, in lower case, no rule by name can match an ASCII text: most texts are let go after this."""

_SUSPECT = ("://", *_HINTS, *_LOOKS)

_REMEMBERED = 512
"""Characters: the answers for shorter texts are kept."""

_PLAIN = frozenset({int, float, bool, type(None)})


class Address(Struct, frozen=True):
    """A URL whose end is ours, and another one for every run: what may hide a secret is the part before it."""

    base: str
    end: str

    def __str__(self) -> str:
        return self.base + self.end


class Lasting(dict[str, Any]):
    """Data that nobody changes, alike for many runs: where a function stands, what a machine is. Scrubbed once.

    Attributes:
        scrubbed: by whom, and what came of it.
    """

    scrubbed: tuple[Redactor, dict[str, Any]] | None = None


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
        # every run of a flow has the same keys, versions of packages and names of files
        self._remembered = lru_cache(maxsize=8192)(self._text)
        for pattern in patterns:
            try:
                self._extra.append(re.compile(pattern))
            except re.error as error:
                self.warnings.append(f"The REDACT pattern {pattern!r} is no regular expression: {error}.")

    def text(self, text: str) -> str:
        """``text`` without its secrets."""
        if self._plugins is None and not text[_REMEMBERED:]:
            return self._remembered(text)
        return self._text(text)

    def _text(self, text: str) -> str:
        if _may_hold(_SUSPECT, text):
            if "://" in text:
                text = _scrubbed(text, _IN_URIS)
            if _may_hold(_HINTS, text):
                text = _scrubbed(text, _BY_NAME)
            return self.path(text)
        return text if not self._extra and self._plugins is None else self.path(text)

    def leaves(self, path: str) -> bool:
        """Whether :meth:`path` gives this path, and each part of it, as it is: so it is with nearly all."""
        return not self._extra and self._plugins is None and not _may_hold(_LOOKS, path)

    def path(self, path: str) -> str:
        """A local path without the secrets that are known by their look: ``token=3/`` is a directory there."""
        text = _scrubbed(path, _BY_LOOK) if _may_hold(_LOOKS, path) else path
        for extra in self._extra:
            text = extra.sub(HIDDEN, text)
        return self._by_plugins(text, self._plugins) if self._plugins else text

    def _by_plugins(self, text: str, plugins: Plugins) -> str:
        failed: list[str] = []
        with paused():
            for _, answer in plugins.each("lineage_redaction", failed, text=text):
                text = str(answer)
        # a redactor that broke may have left a secret: then nothing of the text is kept
        return HIDDEN if failed else text

    def data(self, value: Any, name: str = "") -> Any:
        """JSON data without its secrets: by the look of texts and by the names of keys."""
        return HIDDEN if name and _is_secret_name(name) and not _tells_nothing(value) else self._data(value)

    def _data(self, value: Any) -> Any:
        """The same for what has no name, or one that tells nothing."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is str:
            return self.text(value)
        if kind is dict:
            return self.mapping(value)
        if kind is list:
            return [self._data(item) for item in value] if value else value
        if kind is Lasting:
            return self.lasting(value)
        if kind is Address:
            return self.text(value.base) + value.end
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, (list, tuple)):
            return [self._data(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return [self._data(item) for item in sorted(value, key=str)]
        return value

    def mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        """The same for a mapping."""
        spelt = self.text if self._plugins is not None else self._remembered
        found: dict[str, Any] = {}
        for key, item in value.items():
            label = key if type(key) is str else str(key)
            if _is_secret_name(label) and not _tells_nothing(item):
                found[spelt(label)] = HIDDEN
            elif type(item) is dict:
                found[spelt(label)] = self.mapping(item)
            else:
                found[spelt(label)] = item if type(item) in _PLAIN else self._data(item)
        return found

    def lasting(self, value: Lasting) -> dict[str, Any]:
        """The same for data that is alike for many runs."""
        if self._plugins is not None:  # who knows what they look at
            return self.mapping(value)
        known = value.scrubbed  # read once: another thread may scrub it by other rules
        if known is None or known[0] is not self:
            known = value.scrubbed = self, self.mapping(value)
        return known[1]


def _may_hold(words: tuple[str, ...], text: str) -> bool:
    """Whether one of the words is in a text, however it is written; of a text that is not ASCII, that it may be."""
    lower = text.lower()
    for word in words:  # no generator: it would be made for every text
        if word in lower:
            return True
    return not text.isascii()


def _scrubbed(text: str, rules: _Rules) -> str:
    for pattern, hidden in rules:
        text = pattern.sub(hidden, text)
    return text


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _tells_nothing(value: object) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str) and not value)
