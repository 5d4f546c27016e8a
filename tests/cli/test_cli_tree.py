from __future__ import annotations

import io
from dataclasses import replace

import pytest

from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.tree import print_closure
from prefect_lineage.model.entities import Edge, Graph, Run, Version


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def version(identity: str, **more: object) -> Version:
    facts = {"artifact": identity, "name": identity, "number": 0, "type": "file", "uri": "", "namespace": "",
             "digest": "", "covers": "all", "size": None, "created_at": 0}  # fmt: skip
    return Version(identity, **{**facts, **more})


def run(identity: str) -> Run:
    return Run(identity, "task", f"name-{identity}", identity, None, None, None, "Completed", 0, 1_000_000, 1)


def chain(length: int) -> Graph:
    """v0 ← r0 ← v1 ← r1 …: every version was made from the next one."""
    nodes: list[Version | Run] = [version("v0")]
    edges = []
    for number in range(length):
        nodes += [run(f"r{number}"), version(f"v{number + 1}")]
        edges += [edge(f"r{number}", f"v{number}", "output"), edge(f"r{number}", f"v{number + 1}", "input")]
    return Graph(tuple(nodes), tuple(edges), "v0")


def edge(run_id: str, version_id: str, direction: str, **more: object) -> Edge:
    facts = {"how": "observed", "via": "open", "times": 1, "attempt": 1, "at": 0}
    return Edge(run_id, version_id, direction, **{**facts, **more})


def printed(graph: Graph, direction: str = "upstream", stream: io.StringIO | None = None) -> list[str]:
    target = stream or io.StringIO()
    print_closure(graph, direction, Screen(target))
    return target.getvalue().splitlines()


def diamond() -> Graph:
    """out was made from left and right, both from raw, which the same loader run wrote."""
    nodes = (version("out"), run("join"), version("left"), version("right"), run("make"), version("raw"))
    edges = (
        edge("join", "out", "output"),
        edge("join", "left", "input", times=3),
        edge("join", "right", "input", how="inferred"),
        edge("make", "left", "output"),
        edge("make", "right", "output"),
        edge("make", "raw", "input"),
    )
    return Graph(nodes, edges, "out")


def test_the_tree_starts_at_the_root_and_arrows_follow_the_data() -> None:
    lines = printed(diamond())
    assert lines[0].startswith("out:v0")
    assert all("←" in line for line in lines[1:-1])
    lines = printed(replace(diamond(), root="raw"), "downstream")
    assert lines[0].startswith("raw:v0")
    assert all("→" in line for line in lines[1:-1])


def test_a_shared_node_is_opened_once_and_named_again() -> None:
    text = "\n".join(printed(diamond()))
    assert text.count("raw:v0") == 1
    assert text.count("(shown above)") == 1


def test_a_step_tells_how_the_data_went() -> None:
    text = "\n".join(printed(diamond()))
    assert "open \N{MULTIPLICATION SIGN}3" in text
    assert "open (inferred)" in text


def test_the_last_line_counts() -> None:
    assert printed(diamond())[-1] == "2 runs, 4 versions, 6 edges"


def test_a_graph_that_was_cut_says_so() -> None:
    cut = Graph((version("a"),), (), "a", truncated=7)
    assert printed(cut)[-1] == "0 runs, 1 version, 0 edges; 7 nodes left out"


def test_a_loop_ends() -> None:
    loop = Graph((version("a"), run("r")), (edge("r", "a", "input"), edge("r", "a", "output")), "a")
    text = "\n".join(printed(loop))
    assert text.count("(shown above)") == 1


def test_a_deep_chain_goes_on_below_and_loses_nothing() -> None:
    lines = printed(chain(500))
    text = "\n".join(lines)
    assert all(f"v{number}:v0" in text for number in range(501))
    assert "(goes on below)" in text
    assert max(map(len, lines)) < 400


def test_nodes_that_a_filter_cut_off_from_the_root_are_shown_too() -> None:
    graph = Graph((version("root"), version("b"), run("r")), (edge("r", "b", "output"),), "root")
    lines = printed(graph)
    assert lines[0].startswith("root:v0")
    assert lines[1].startswith("b:v0")


def test_a_pipe_gets_whole_plain_lines() -> None:
    long_name = "x" * 110
    lines = printed(Graph((version(long_name),), (), long_name))
    assert lines[0] == f"{long_name}:v0  file"
    assert "\x1b" not in "".join(printed(diamond()))


def test_a_narrow_terminal_wraps_and_stays_within_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    monkeypatch.setenv("TERM", "dumb")  # a terminal without colours: what is printed can be measured
    lines = printed(chain(30), stream=Terminal())
    assert max(map(len, lines)) <= 44
    assert all(f"v{number}:v0" in "\n".join(lines) for number in range(31))


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in "\n".join(printed(diamond(), stream=Terminal()))
