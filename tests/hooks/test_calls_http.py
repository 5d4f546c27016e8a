"""What is fetched over HTTP, from a real server."""

from __future__ import annotations

import asyncio
import http.server
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import requests

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, http_io


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/in.csv")
            self.end_headers()
            return
        known = self.path.startswith(("/in.csv", "/plain"))
        self.send_response(200 if known else 404)
        if self.path.startswith("/in.csv"):
            self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"a\n1\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _urlopen(url: str) -> None:
    with urllib.request.urlopen(url) as answer:
        answer.read()


def _urlopen_request(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"X": "1"})) as answer:
        answer.read()


def _session(url: str) -> None:
    with requests.Session() as session:
        session.get(url, params={}).raise_for_status()


def _httpx_client(url: str) -> None:
    with httpx.Client() as client:
        client.get(url)


def _httpx_stream(url: str) -> None:
    with httpx.stream("GET", url) as answer:
        list(answer.iter_bytes())


def _httpx_async(url: str) -> None:
    async def fetch() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url)

    asyncio.run(fetch())


@pytest.mark.parametrize(
    ("fetch", "via"),
    [
        (_urlopen, "urllib.request.urlopen"),
        (_urlopen_request, "urllib.request.urlopen"),
        (requests.get, "requests.Session.request"),
        (_session, "requests.Session.request"),
        (httpx.get, "httpx.Client.send"),
        (_httpx_client, "httpx.Client.send"),
        (_httpx_stream, "httpx.Client.send"),
        (_httpx_async, "httpx.AsyncClient.send"),
    ],
)
def test_a_fetch_is_a_read_of_the_url_in_the_version_that_the_server_tells(
    fetch: Callable[[str], Any], via: str, web: str
) -> None:
    with captured(http_io) as seen:
        fetch(f"{web}/in.csv")
        fetch(f"{web}/in.csv")
    assert seen.vias == {f"R {web}/in.csv": via}
    edge = seen.edge(f"R {web}/in.csv")
    assert edge.times == 2
    assert edge.content.digest == 'version:"v1"'
    assert not seen.problems


def test_without_an_etag_nobody_knows_the_version(web: str) -> None:
    with captured(http_io) as seen:
        requests.get(f"{web}/plain")
    assert seen.edge(f"R {web}/plain").content.covers == "none"


def test_a_redirection_is_known_by_what_was_asked_for(web: str) -> None:
    with captured(http_io) as seen:
        requests.get(f"{web}/moved")
    assert seen.lines == [f"R {web}/moved"]


def test_what_is_sent_and_what_failed_is_no_data(web: str) -> None:
    with captured(http_io) as seen:
        requests.post(f"{web}/in.csv", data={"a": 1})
        httpx.post(f"{web}/in.csv", json={})
        urllib.request.urlopen(f"{web}/in.csv", data=b"x").close()
        requests.get(f"{web}/absent")
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{web}/absent")
        error.value.close()
    assert seen.lines == []


def test_the_signature_of_a_signed_url_is_not_recorded(web: str) -> None:
    signed = f"{web}/in.csv?part=1&X-Amz-Signature=0123abcd&X-Amz-Credential=AKIAEXAMPLE"
    with captured(http_io) as seen:
        requests.get(signed)
        httpx.get(signed)
        _urlopen(signed)
    assert seen.lines == [f"R {web}/in.csv?part=1"]


def test_what_another_library_fetches_is_its_own(
    web: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library: Any = ModuleType("clientlib")
    place = tmp_path / "site-packages" / "clientlib.py"
    source = "import requests, httpx\ndef ask(url): return requests.get(url), httpx.get(url)"
    exec(compile(source, str(place), "exec"), vars(library))
    monkeypatch.setitem(sys.modules, "clientlib", library)
    with captured(http_io) as seen:
        library.ask(f"{web}/in.csv")
    assert seen.lines == []


def test_a_download_to_a_file_is_one_read_and_one_write(web: str, tmp_path: Path) -> None:
    with captured(files, http_io, root=tmp_path) as seen:
        urllib.request.urlretrieve(f"{web}/in.csv", tmp_path / "out.csv")
    assert seen.lines == [f"R {web}/in.csv", "W out.csv"]
    assert set(seen.vias.values()) == {"urllib.request.urlretrieve"}
