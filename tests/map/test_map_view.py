"""The view model: names, icons, marks, links."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from prefect_lineage.export.packing import column, shaped
from prefect_lineage.export.view import view
from prefect_lineage.export.words import icon, mark, plain, printable, short_names
from prefect_lineage.graph.links import links, without_repeats
from prefect_lineage.model.entities import Graph


def test_a_task_run_shows_its_job_above_and_its_name_below(zoo: Graph) -> None:
    card = view(zoo).cards[4]
    assert (card.label, card.title, card.mark) == ("RUN · train", "rural-feather-20", "completed")
    assert card.badges == ("2 attempts",)


def test_a_card_is_as_wide_as_the_longer_of_its_two_lines_up_to_a_bound(zoo: Graph) -> None:
    def width(name: str, job: str) -> float:
        run = replace(zoo.runs[0], name=name, job=job)
        return view(Graph.of([run], [])).cards[0].width

    assert width("a", "zoo.split_and_scale") > width("a", "zoo.split")
    assert width("split-and-scale-5fc", "zoo.a") > width("split-5fc", "zoo.a")
    assert width("a", "zoo." + "b" * 500) == width("a" * 500, "zoo.b") <= 340


def test_a_version_shows_its_type_above_and_name_and_version_below(zoo: Graph) -> None:
    card = view(zoo).cards[3]
    assert (card.label, card.title, card.icon, card.badges) == (
        "DATASET",
        "split_zoo_dataset:v4",
        "dataset",
        ("latest",),
    )


def test_values_are_small_and_partial_versions_say_so(zoo: Graph) -> None:
    by_title = {card.title: card for card in view(zoo).cards}
    assert by_title["zoo.evaluate/scores:v0"].small
    assert by_title["zoo.evaluate/scores:v0"].height < by_title["zoo-report:v0"].height
    assert by_title["zoo-report:v0"].partial
    assert by_title["zoo-report:v0"].badges == ("partial",)


def test_flows_and_scripts_are_told_from_tasks(zoo: Graph) -> None:
    flow = replace(zoo.runs[0], kind="flow", job="zoo")
    assert view(Graph.of([flow], [])).cards[0].label == "FLOW · zoo"


def test_jobs_that_end_in_one_word_keep_their_flow(zoo: Graph) -> None:
    one, other = zoo.runs[0], replace(zoo.runs[1], job="park.split")
    labels = [card.label for card in view(Graph.of([one, other], [])).cards]
    assert labels == ["RUN · zoo.split", "RUN · park.split"]


def test_a_run_without_a_name_is_called_by_its_job(zoo: Graph) -> None:
    assert view(Graph.of([replace(zoo.runs[0], name="")], [])).cards[0].title == "split"


def test_edges_of_one_pair_are_one_link_with_the_strongest_evidence(zoo: Graph) -> None:
    first = zoo.edges[3]
    again = structs.replace(first, how="inferred", via="argument", attempt=2, times=4)
    (link,) = [link for link in links(replace(zoo, edges=(again, first))) if link.times > 1]
    assert (link.how, link.via, link.times, len(link.edges)) == (
        "observed",
        ("argument", "pandas.read_parquet"),
        7,
        2,
    )


def test_an_edge_whose_end_was_cut_off_gives_no_link(zoo: Graph) -> None:
    assert links(replace(zoo, nodes=zoo.nodes[:3])) == []


def test_a_node_given_twice_is_drawn_once(zoo: Graph) -> None:
    twice = replace(zoo, nodes=zoo.nodes + zoo.nodes[:2])
    assert without_repeats(twice).nodes == zoo.nodes


def test_a_style_replaces_icon_and_label(zoo: Graph) -> None:
    shown = view(zoo, lambda node: {"icon": "chart", "label": "FANCY"} if node["kind"] == "version" else None)
    assert {(card.icon, card.label) for card in shown.cards if card.kind == "version"} == {("chart", "FANCY")}


def test_paths_are_shortened_to_what_tells_them_apart() -> None:
    names = [
        "file:///data/a/raw.csv",
        "file:///data/b/raw.csv",
        "s3://lake/out.parquet",
        "zoo-model",
        "zoo.a/b",
    ]
    assert list(short_names(names).values()) == [
        "a/raw.csv",
        "b/raw.csv",
        "out.parquet",
        "zoo-model",
        "zoo.a/b",
    ]


def test_a_relative_path_is_known_by_its_location(zoo: Graph) -> None:
    split = replace(zoo.versions[0], name="zoo/data/raw.csv", uri="file:///home/ada/zoo/data/raw.csv")
    named = replace(split, id="other", name="team/best", uri="s3://lake/models/7")
    assert [card.title for card in view(Graph.of([split, named], [])).cards] == ["raw.csv:v4", "team/best:v4"]


@given(st.lists(st.text(alphabet="ab/:.", min_size=1, max_size=12), max_size=12))
def test_short_names_stay_different_as_far_as_paths_do(names: list[str]) -> None:
    short = short_names(names)
    assert set(short) == set(names)
    assert all(short.values())


def test_states_have_marks_of_their_own() -> None:
    names = [
        "Completed",
        "Cached",
        "Failed",
        "Crashed",
        "Running",
        "Retrying",
        "AwaitingRetry",
        "Cancelled",
        "TimedOut",
        "Late",
    ]
    marks = [
        "completed",
        "cached",
        "failed",
        "crashed",
        "running",
        "retrying",
        "retrying",
        "cancelled",
        "failed",
        "waiting",
    ]
    assert [mark(name) for name in names] == marks
    assert mark("My own state") == "other"


def test_types_have_icons() -> None:
    assert [icon(name) for name in ("dataset", "model", "table", "value", "report", "file", "")] == [
        "dataset", "model", "table", "value", "chart", "file", "file",
    ]  # fmt: skip


def test_what_json_or_a_browser_would_bend_becomes_text() -> None:
    bent = plain(
        {"nan": math.nan, "inf": -math.inf, "big": 2**63, "set": {1}, 5: object, "ok": [1, 2.5, None, True]}
    )
    assert (bent["nan"], bent["inf"], bent["big"], bent["set"]) == ("nan", "-inf", str(2**63), [1])
    assert bent["ok"] == [1, 2.5, None, True]
    json.dumps(bent, allow_nan=False)


def test_unprintable_text_becomes_printable() -> None:
    assert printable("a\x00b\udc80c\nd") == "a\ufffdb\ufffdc\nd"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_plain_is_idempotent_and_always_json(value: object) -> None:
    once = plain(value)
    assert plain(once) == once
    assert json.loads(json.dumps(once, allow_nan=False)) == once


def test_every_edge_of_the_graph_is_in_exactly_one_link(zoo: Graph) -> None:
    places = [place for link in view(zoo).links for place in link.edges]
    assert sorted(places) == list(range(len(zoo.edges)))


@given(values=st.lists(json_values))
def test_a_packed_column_unpacks_to_itself(unpack: Any, values: list[Any]) -> None:
    once = [plain(value) for value in values]
    assert repr(unpack.column(json.loads(json.dumps(column(once))))) == repr(once)


@given(records=st.lists(st.dictionaries(st.text(max_size=3), json_values, max_size=4)))
def test_shaped_records_unpack_to_themselves(unpack: Any, records: list[dict[str, Any]]) -> None:
    once = [plain(record) for record in records]
    assert unpack.block(json.loads(json.dumps(shaped(once)))) == once


def test_a_column_of_few_values_names_each_once() -> None:
    assert column(["a", "b", "a", "a", "b"]) == {"of": ["a", "b"], "at": [0, 1, 0, 0, 1]}
    assert column([1, True, 1, True]) == {"of": [1, True], "at": [0, 1, 0, 1]}
    assert column(["a", "b", "c"]) == ["a", "b", "c"]
    assert column([None, None, None]) == {"one": None, "times": 3}
    assert column([]) == []


def test_a_card_knows_what_stands_below_its_name(zoo: Graph) -> None:
    cards = {card.title: card for card in view(zoo).cards}
    split, train = cards["split_zoo_dataset:v4"], cards["rural-feather-20"]
    assert (split.rows, split.size, split.deleted) == (10_000, 612_345_678, False)
    assert (train.seconds, train.time) == (42.1, zoo.runs[3].started_at)


def test_a_stale_version_says_so_and_names_what_it_was_made_from(zoo: Graph) -> None:
    old = replace(zoo.versions[0], aliases=())
    new = replace(zoo.versions[0], id="version-newer", number=5)
    nodes = (*(old if node.id == old.id else node for node in zoo.nodes), new)
    shown = view(replace(zoo, nodes=nodes))
    (model,) = [card for card in shown.cards if card.title == "zoo-ylbchv20:v0"]
    assert (model.fresh, model.badges[0]) == ("stale", "stale")
    assert shown.cards[model.cause or 0].title == "split_zoo_dataset:v4"
    assert shown.cards[model.cause or 0].fresh == "older"
