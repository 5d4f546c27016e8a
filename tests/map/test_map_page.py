"""The page as a text: what is in it, and what is not."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.errors import MapError
from prefect_lineage.export.bundle import bundle
from prefect_lineage.export.map import LineageMap, lineage_map
from prefect_lineage.model.entities import Graph


class Elements(HTMLParser):
    """Every element with its attributes and the text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1][2].append(data)


def data_of(html: str, name: str = "lineage-data") -> Any:
    for tag, attributes, text in Elements(html).found:
        if tag == "script" and attributes.get("id") == name:
            return json.loads("".join(text))
    raise AssertionError(name)


Reader = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def facts_of(unpack: Any) -> Reader:
    """Gives the public JSON of every node, out of all the blocks of a page."""

    def read(html: str) -> list[dict[str, Any]]:
        blocks = range(len(re.findall(r'id="facts-\d+"', html)))
        return [record for number in blocks for record in unpack.block(data_of(html, f"facts-{number}"))]

    return read


def test_the_facts_in_the_page_are_the_graphs(zoo: Graph, facts_of: Reader) -> None:
    assert facts_of(lineage_map(zoo).html) == json.loads(json.dumps(zoo.to_dict()))["nodes"]


def test_pyvis_carries_every_node_and_link_with_its_place(zoo: Graph, unpack: Any) -> None:
    html = lineage_map(zoo).html
    nodes, edges = data_of(html, "network-nodes"), data_of(html, "network-edges")
    assert [node["id"] for node in nodes] == list(range(len(zoo.nodes)))
    assert all(isinstance(node["x"], float) and isinstance(node["y"], float) for node in nodes)
    assert len(edges) == len(unpack.column(data_of(html)["links"]["from"]))
    assert json.loads(data_of(html, "network-options"))["physics"] == {"enabled": False}


def test_arrows_point_right(zoo: Graph) -> None:
    html = lineage_map(zoo).html
    nodes = data_of(html, "network-nodes")
    assert all(nodes[edge["from"]]["x"] < nodes[edge["to"]]["x"] for edge in data_of(html, "network-edges"))


def test_the_page_names_no_address_from_which_to_load(zoo: Graph) -> None:
    for tag, attributes, _ in Elements(lineage_map(zoo).html).found:
        assert "src" not in attributes, tag
        if tag != "a":
            assert attributes.get("href") in (None, "data:,"), tag


def test_every_script_is_in_the_policy_by_its_hash(zoo: Graph) -> None:
    found = Elements(lineage_map(zoo).html).found
    policy = next(attributes["content"] for tag, attributes, _ in found if "http-equiv" in attributes)
    assert policy is not None
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    for tag, attributes, text in found:
        if (tag == "script" and attributes.get("type") != "application/json") or tag == "style":
            digest = base64.b64encode(hashlib.sha256("".join(text).encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_recorded_text_cannot_end_its_block(zoo: Graph, facts_of: Reader) -> None:
    evil = "</script><script>alert(1)</script><!-- \u2028\u2029 & <img src=x onerror=alert(1)>"
    graph = replace(zoo, nodes=tuple(replace(node, name=evil) for node in zoo.nodes))
    html = lineage_map(graph, title=evil, source=evil).html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert all("\u2028" not in "".join(text) for tag, _, text in Elements(html).found if tag == "script")
    assert facts_of(html)[0]["name"] == evil


def test_an_empty_graph_gives_a_page() -> None:
    made = lineage_map(Graph((), ()))
    assert (made.nodes, made.edges) == (0, 0)
    assert "Nothing here yet" in made.html


def test_counts_are_those_of_the_graph(zoo: Graph) -> None:
    made = lineage_map(zoo)
    assert (made.nodes, made.edges) == (10, 9)


def test_the_heading_is_the_node_that_was_asked_for(zoo: Graph) -> None:
    about = data_of(lineage_map(zoo, source="sqlite:///x.db", generated_at=0).html)["about"]
    assert about["title"] == "split_zoo_dataset:v4"
    assert about["subtitle"] == "Lineage of split_zoo_dataset:v4: 6 runs and 4 versions"
    assert (about["source"], about["generated_at"]) == ("sqlite:///x.db", "1970-01-01T00:00:00.000000Z")


def test_a_map_of_all_says_what_it_leaves_out(zoo: Graph) -> None:
    def subtitle(graph: Graph) -> str:
        return str(data_of(lineage_map(graph).html)["about"]["subtitle"])

    all_of_it = replace(zoo, root=None)
    counts = "Recorded data: 6 runs and 4 versions"
    assert subtitle(all_of_it) == f"{counts} (runs that touched no data are left out)"
    assert subtitle(replace(all_of_it, edges=zoo.edges[1:])) == counts


def test_a_page_without_javascript_lists_every_node(zoo: Graph) -> None:
    html = lineage_map(zoo).html
    plain = html[html.index("<noscript>") : html.index("</noscript>")]
    assert plain.count('<th scope="row">') == len(zoo.nodes)
    assert "amber-otter-7" in plain
    assert "<td>Cached</td><td>2026-11-23 09:34:04 UTC</td><td>42.10 s</td>" in plain
    assert "<td>latest</td><td>2026-11-23 09:33:04 UTC</td><td>10,000 rows, 612,345,678 bytes</td>" in plain


def test_saving_writes_the_whole_page_and_nothing_else(zoo: Graph, tmp_path: Path) -> None:
    made = lineage_map(zoo)
    saved = made.save(tmp_path / "zoo.html")
    assert saved == tmp_path / "zoo.html"
    assert saved.read_text(encoding="utf-8") == made.html
    assert [path.name for path in tmp_path.iterdir()] == ["zoo.html"]


def test_saving_replaces_an_older_page(zoo: Graph, tmp_path: Path) -> None:
    target = tmp_path / "zoo.html"
    target.write_text("old")
    lineage_map(zoo).save(str(target))
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_saving_into_a_missing_directory_says_so(zoo: Graph, tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"The directory .*/nowhere does not exist; create it"):
        lineage_map(zoo).save(tmp_path / "nowhere" / "zoo.html")


def test_saving_onto_a_directory_says_so(zoo: Graph, tmp_path: Path) -> None:
    with pytest.raises(MapError, match="is a directory; name the file"):
        lineage_map(zoo).save(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_saving_where_one_may_not_write_says_so(zoo: Graph, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MapError, match="Permission denied; choose another place"):
            lineage_map(zoo).save(tmp_path / "zoo.html")
    finally:
        tmp_path.chmod(0o700)


def test_a_name_too_long_for_the_disk_leaves_nothing_behind(zoo: Graph, tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot be written"):
        lineage_map(zoo).save(tmp_path / ("x" * 300))
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_gets_a_frame_without_rights(zoo: Graph) -> None:
    made = lineage_map(zoo)
    ((tag, attributes, _),) = Elements(made._repr_html_()).found
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts allow-popups allow-downloads"
    assert attributes["srcdoc"] == made.html


def test_lone_surrogates_and_controls_can_be_saved(zoo: Graph, tmp_path: Path, facts_of: Reader) -> None:
    odd = "odd\udce9\x00name"
    graph = replace(zoo, nodes=tuple(replace(node, name=odd) for node in zoo.nodes))
    saved = lineage_map(graph, title=odd).save(tmp_path / "odd.html")
    assert facts_of(saved.read_text(encoding="utf-8"))[0]["name"] == odd


def test_pyvis_is_loaded_only_when_a_page_is_made() -> None:
    code = "import prefect_lineage.export.map, sys; print(sorted({'pyvis', 'networkx', 'IPython'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_map_says_what_it_is(zoo: Graph) -> None:
    made = lineage_map(zoo)
    assert isinstance(made, LineageMap)
    assert repr(made) == "<LineageMap of 10 nodes and 9 edges>"


LINT = Path(__file__).parent / "lint_scripts.py"


def lint(*code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, check=False)


def test_no_script_of_the_page_makes_code_or_markup_out_of_text_or_reaches_for_the_network() -> None:
    done = lint(str(LINT))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "element.innerHTML = name;",
        "eval(text)",
        "new Function('return 1')",
        "document.write(name)",
        "body.insertAdjacentHTML('beforeend', name)",
        "setTimeout('run()', 5)",
        "fetch('https://example.org')",
    ],
)
def test_the_lint_finds_what_it_forbids(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.js").write_text(f"const fine = 1;\n{line}\n", encoding="utf-8")
    code = (
        "import runpy, sys; from pathlib import Path; "
        f"found = runpy.run_path({str(LINT)!r})['findings'](Path({str(tmp_path)!r}), Path({str(tmp_path)!r})); "
        "print(*found, sep='\\n')"
    )
    assert lint("-c", code).stdout.startswith("bad.js:2: ")


def test_the_bundler_joins_modules_in_the_order_of_need() -> None:
    sources = {
        "main": 'import { twice as double } from "./one.js";\nexport const four = double(2);\n',
        "one": "export function twice(n) {\n  return 2 * n;\n}\n",
    }
    joined = bundle("main", sources.__getitem__)
    assert joined.index("module_one = ") < joined.index("module_main = ")
    assert "const { twice: double } = module_one;" in joined
    assert "return { twice };" in joined


def test_the_bundler_refuses_a_circle_and_what_it_does_not_know() -> None:
    circle = {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}
    with pytest.raises(MapError, match="in a circle: a > b > a"):
        bundle("a", circle.__getitem__)
    with pytest.raises(MapError, match="does not understand: export default"):
        bundle("a", lambda _: "export default 5;\n")


def test_the_plain_table_is_in_the_order_of_the_data(zoo: Graph) -> None:
    backwards = replace(zoo, nodes=zoo.nodes[::-1])
    rows = re.findall(r'<th scope="row">([^<]*)</th>', lineage_map(backwards).html)
    names = {node.id: node.name if node in zoo.runs else f"{node.name}:" for node in zoo.nodes}

    def row(identity: str) -> int:
        return next(place for place, title in enumerate(rows) if title.startswith(names[identity]))

    assert len(rows) == len(zoo.nodes)
    for edge in zoo.edges:
        assert row(edge.tail) < row(edge.head)
