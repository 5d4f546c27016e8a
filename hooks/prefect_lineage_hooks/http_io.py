"""What the user's own code fetches over HTTP: ``urllib``, ``requests``, ``httpx``.

A fetch is a read of the URL, in the version that the server's ETag tells. What libraries fetch for themselves is theirs
(an API of Prefect's, a token, an index), and so is what is sent: posting a form or a query writes no data that anybody
could read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor

_FAILED = 400


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    return [
        Interceptor("urllib.request", "urlopen", after=_opened, direct=True),
        Interceptor("requests", "Session.request", after=_asked, direct=True),
        Interceptor("httpx", "Client.send", after=_sent, direct=True),
        Interceptor("httpx", "AsyncClient.send", after=_sent, direct=True),
    ]


def _opened(call: Call) -> Iterable[Claim]:
    url, data = call["url"], call["data"]
    if not isinstance(url, str):  # a Request
        data = data if data is not None else getattr(url, "data", None)
        url = getattr(url, "full_url", None)
    answer = call.result
    return _fetched(
        "POST" if data is not None else "GET", url, getattr(answer, "status", None), answer.headers
    )


def _asked(call: Call) -> Iterable[Claim]:
    return _answered(call["method"], call.result)


def _sent(call: Call) -> Iterable[Claim]:
    return _answered(call.result.request.method, call.result)


def _answered(method: Any, answer: Any) -> list[Claim]:
    asked = (
        answer.history[0] if answer.history else answer
    )  # a redirection: what was asked for is the identity
    return _fetched(method, asked.url, answer.status_code, answer.headers)


def _fetched(method: Any, url: Any, status: Any, headers: Any) -> list[Claim]:
    """The claim of an answer that has the data, with the version of it that the server is sure of."""
    place = str(url or "")
    if str(method).upper() != "GET" or not place.lower().startswith(("http://", "https://")):
        return []
    if status is not None and int(status) >= _FAILED:
        return []
    tag = headers.get("ETag") or ""
    version = tag if tag and not tag.startswith("W/") else None
    return [Claim(place, "read", describe=lambda _: Description(version=version))]
