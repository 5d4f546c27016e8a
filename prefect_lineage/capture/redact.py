"""Secrets are taken out before anything is written: from URIs, statements and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

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

_HINT = re.compile(
    "pass|pwd|secret|key|credential|signature|authori|token|sas|sig|bearer|basic|digest|identified",
    re.IGNORECASE,
)
"""Without one of these no rule by name can match: most texts are let go after this one look."""


_REMEMBERED = 512
"""Characters: the answers for shorter texts are kept."""

_MAX_LASTING = 2_048
_PLAIN = frozenset({int, float, bool, type(None)})
_HEXADECIMAL = re.compile(r"[0-9a-f-]{32,64}")
"""Identifiers and digests: no built-in rule matches any, and every run has new ones."""


class Address(str):
    """A URL whose end is ours, and another one for every run: what may hide a secret is the part before it."""

    __slots__ = ("base", "end")

    def __new__(cls, base: str, end: str) -> Address:
        address = super().__new__(cls, base + end)
        address.base, address.end = base, end
        return address

    base: str
    end: str


class Lasting(dict[str, Any]):
    """Data that nobody changes, alike for many runs: where a function stands, what a machine is. Scrubbed once."""


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
        self._lasting: dict[
            int, tuple[Lasting, Any]
        ] = {}  # by id; with the data, so that the id stays its own
        for pattern in patterns:
            try:
                self._extra.append(re.compile(pattern))
            except re.error as error:
                self.warnings.append(f"The REDACT pattern {pattern!r} is no regular expression: {error}.")

    def text(self, text: str) -> str:
        """``text`` without its secrets."""
        if self._plugins is None and len(text) <= _REMEMBERED:
            return self._remembered(text)
        return self._text(text)

    def _text(self, text: str) -> str:
        if not self._extra and self._plugins is None and _HEXADECIMAL.fullmatch(text):
            return text
        if "://" in text:
            text = _scrubbed(text, _IN_URIS)
        if _HINT.search(text):
            text = _scrubbed(text, _BY_NAME)
        return self.path(text)

    def path(self, path: str) -> str:
        """A local path without the secrets that are known by their look: ``token=3/`` is a directory there."""
        text = _scrubbed(path, _BY_LOOK) if _may_look(path) else path
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
        kind = type(value)
        if kind in _PLAIN:
            return (
                HIDDEN if name and value is not None and kind is not bool and _is_secret_name(name) else value
            )
        if name and _is_secret_name(name) and not _tells_nothing(value):
            return HIDDEN
        if kind is str:
            return self.text(value)
        if kind is dict:
            return self._mapping(value)
        if kind is list:
            return [self.data(item) for item in value] if value else value
        if kind is Lasting and self._plugins is None:
            return self._once(value)
        if kind is Address:
            return self.text(value.base) + value.end
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return [self.data(item) for item in sorted(value, key=str)]
        return value

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        spelt = self.text if self._plugins is not None else self._remembered
        found = {}
        for key, item in value.items():
            label = key if type(key) is str else str(key)
            found[spelt(label)] = self.data(item, label)
        return found

    def _once(self, value: Lasting) -> Any:
        known = self._lasting.get(id(value))
        if known is None:
            if len(self._lasting) >= _MAX_LASTING:
                self._lasting.clear()
            known = self._lasting[id(value)] = value, self.data(dict(value))
        return known[1]


def _may_look(text: str) -> bool:
    lower = text.lower()
    for look in _LOOKS:  # no generator: it would be made for every text
        if look in lower:
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
