"""The page in Firefox: Debian's, driven by WebDriver BiDi, which it speaks itself."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from prefect_lineage.export.map import lineage_map
from prefect_lineage.model.entities import Graph

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
AXE = resources.files("axe_playwright_python") / "axe.min.js"
VIOLATIONS = """axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations
    .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')}`))"""
TRAIN = "00000020-5f0a-4a2c-9c8e-2d0f2f6f8a01"

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="no Firefox on this machine (install firefox-esr)")


class Bidi:
    """One session of WebDriver BiDi: commands, and the events that came meanwhile."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                assert answer["type"] == "success", answer
                return answer["result"]
            self.events.append(answer)

    def open(self, address: str) -> None:
        self.call("browsingContext.setViewport", context=self.tab, viewport={"width": 1440, "height": 860})
        self.call("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def ask(self, script: str) -> Any:
        answer = self.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})))()",
            target={"context": self.tab},
            awaitPromise=True,
        )
        return json.loads(answer["result"]["value"])

    def load(self, script: str) -> None:
        """Runs a script as the browser's own tools do, past the page's policy."""
        self.call(
            "script.evaluate", expression=f"{script}; 0", target={"context": self.tab}, awaitPromise=False
        )

    def act(self, kind: str, *actions: dict[str, Any]) -> None:
        source = {"type": kind, "id": kind, "actions": list(actions)}
        self.call("input.performActions", context=self.tab, actions=[source])

    def click(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self.act("pointer", move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def press(self, key: str) -> None:
        self.act("key", {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bidi]:
    profile = tmp_path_factory.mktemp("firefox")
    command = [
        str(FIREFOX),
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        found = (re.search(r"WebDriver BiDi listening on (ws://\S+)", line) for line in lines)
        address = next(match[1] for match in found if match)
        try:
            with connect(f"{address}/session", max_size=None) as socket:
                yield Bidi(socket)
        finally:
            process.terminate()
            process.stdout.close()


def test_firefox_shows_the_map_lets_one_click_and_walk_and_asks_for_nothing(
    firefox: Bidi, zoo: Graph, tmp_path: Path
) -> None:
    address = lineage_map(zoo).save(tmp_path / "map.html").as_uri()
    firefox.open(address)
    assert firefox.ask("lineage.ready")
    assert set(firefox.ask("lineage.visible()")) == {node.id for node in zoo.nodes}
    at = firefox.ask("lineage.positions()")[TRAIN]
    firefox.click(at["x"], at["y"])
    firefox.ask("new Promise((done) => setTimeout(() => done(0), 400))")  # a click waits for a second one
    assert firefox.ask("lineage.selected()") == TRAIN
    assert "rural-feather-20" in firefox.ask("document.getElementById('panel').innerText")
    firefox.press("\ue014")  # the right arrow
    assert firefox.ask("lineage.selected()") == "version-model"
    firefox.press("l")
    assert firefox.ask("lineage.view().level") == "flow"
    picture = base64.b64decode(firefox.call("browsingContext.captureScreenshot", context=firefox.tab)["data"])
    assert picture.startswith(b"\x89PNG")
    asked = [
        event["params"]["request"]["url"] for event in firefox.events if event["method"].startswith("network")
    ]
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} <= {address}
    told = [event["params"] for event in firefox.events if event["method"] == "log.entryAdded"]
    assert [entry["text"] for entry in told if entry["level"] in ("error", "warn")] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_firefox(firefox: Bidi, zoo: Graph, tmp_path: Path, theme: str) -> None:
    firefox.open(lineage_map(zoo, ui_url="http://127.0.0.1:4200").save(tmp_path / "map.html").as_uri())
    firefox.load(f"document.documentElement.dataset.theme = '{theme}'")
    firefox.load(AXE.read_text(encoding="utf-8"))
    found = {}
    for name, script in (
        ("fresh", "1"),
        ("a panel", "lineage.select('version-split')"),
        ("the table", "lineage.change({ selected: null, panel: false, table: true })"),
        ("artifacts", "lineage.change({ table: false, level: 'artifact' })"),
    ):
        firefox.load(script)
        found[name] = firefox.ask(VIOLATIONS)
    assert {name: violations for name, violations in found.items() if violations} == {}
