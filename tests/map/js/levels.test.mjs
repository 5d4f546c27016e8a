import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange } from "../../../prefect_lineage/export/static/arrange.js";
import { groupsOf, innerVersions } from "../../../prefect_lineage/export/static/grains.js";
import { crossings, order, ranks } from "../../../prefect_lineage/export/static/layered.js";
import { isNew, lineageLights, newLights, pathLights } from "../../../prefect_lineage/export/static/lights.js";
import { graphOf, wayBetween } from "../../../prefect_lineage/export/static/model.js";
import { column, iso, unshaped } from "../../../prefect_lineage/export/static/packing.js";
import { foldsOf } from "../../../prefect_lineage/export/static/fold.js";
import { freshSettings, see } from "../../../prefect_lineage/export/static/sight.js";
import { commitLink, previewOf } from "../../../prefect_lineage/export/static/facts.js";
import { before, day } from "../../../prefect_lineage/export/static/format.js";
import { histogram, timesOf } from "../../../prefect_lineage/export/static/time.js";
import { modelOf } from "./graph.mjs";

const run = (flow_run, job = "flow.job") => ({ data: { flow_run, job, flow: "flow" } });
const version = (artifact, card = {}) => ({ data: { artifact }, card });

/** Two flow runs: the first writes x, y and a value; the second reads y. */
function twoFlows(around) {
  const names = ["r:a", "v:x", "r:b", "v:y", "r:c", "v:z"];
  const pairs = [["r:a", "v:x"], ["v:x", "r:b"], ["r:b", "v:y"], ["v:y", "r:c"], ["r:c", "v:z"]];
  return modelOf(names, pairs, {
    "r:a": run("f1", "flow.a"), "r:b": run("f1", "flow.b"), "r:c": run("f2", "flow.a"),
    "v:x": version("x"), "v:y": version("y"), "v:z": version("z"),
  }, around);
}

const settings = (changes) => ({ ...freshSettings(), ...changes });
const ends = (view) => view.links.map((link) => [link.from.key, link.to.key]);

test("on the level of flows a flow run is one card, and what stays inside it is not drawn", () => {
  const model = twoFlows();
  const view = see(model, settings({ level: "flow" }));
  assert.deepEqual(view.cards.map((card) => card.key).sort(), ["flow-run:f1", "flow-run:f2", "v:y", "v:z"]);
  assert.deepEqual(ends(view), [["flow-run:f1", "v:y"], ["v:y", "flow-run:f2"], ["flow-run:f2", "v:z"]]);
  assert.equal(view.inner, 1);
  assert.equal(view.hidden, 0);
  assert.equal(view.passing, 0);
  assert.deepEqual(innerVersions(model, model.nodes).map((node) => node.id), ["v:x"]);
});

test("a flow run that reads back what it wrote, as others do, only writes it", () => {
  const model = modelOf(["r:a", "v:x", "r:b", "r:c"], [["r:a", "v:x"], ["v:x", "r:b"], ["v:x", "r:c"]], { "r:a": run("f1"), "r:b": run("f1"), "r:c": run("f2") });
  assert.deepEqual(ends(see(model, settings({ level: "flow" }))), [["flow-run:f1", "v:x"], ["v:x", "flow-run:f2"]]);
});

test("what two flow runs each write and read passes between neither", () => {
  const pairs = [["r:a", "v:x"], ["v:x", "r:b"], ["r:c", "v:x"], ["v:x", "r:d"]];
  const runs = { "r:a": run("f1"), "r:b": run("f1"), "r:c": run("f2"), "r:d": run("f2") };
  const model = modelOf(["r:a", "v:x", "r:b", "r:c", "r:d"], pairs, runs);
  assert.deepEqual(innerVersions(model, model.nodes).map((node) => node.id), ["v:x"]);
});

test("on the level of artifacts runs are on the links", () => {
  const view = see(twoFlows(), settings({ level: "artifact" }));
  assert.deepEqual(ends(view), [["artifact:x", "artifact:y"], ["artifact:y", "artifact:z"]]);
  assert.deepEqual(view.links.map((link) => [link.via, link.job]), [[["job"], true], [["job"], true]]);
});

test("values that are hidden on the level of artifacts leave a way past them", () => {
  const names = ["v:x", "r:a", "v:value", "r:b", "v:y"];
  const pairs = names.slice(1).map((name, place) => [names[place], name]);
  const model = modelOf(names, pairs, { "v:x": version("x"), "v:y": version("y"), "v:value": version("value", { small: true }) });
  assert.equal(see(model, settings({ level: "artifact" })).cards.length, 3);
  assert.deepEqual(ends(see(model, settings({ level: "artifact", values: false }))), [["artifact:x", "artifact:y"]]);
});

test("jobs and artifacts fold, open one inside the other, and let a single node out", () => {
  const names = ["r:1", "r:2", "r:3", "v:1", "v:2"];
  const extra = { "r:1": run("f1", "flow.a"), "r:2": run("f2", "flow.a"), "r:3": run("f2", "flow.b"), "v:1": version("x"), "v:2": version("x") };
  const model = modelOf(names, [["r:1", "v:1"], ["r:2", "v:2"], ["v:2", "r:3"]], extra);
  const keys = (changes) => [...groupsOf(model.nodes, settings(changes)).keys()];
  assert.deepEqual(keys({ grain: "flow" }), ["flow:flow", "artifact:x"]);
  assert.deepEqual(keys({ grain: "flow", opened: new Set(["flow:flow"]) }), ["job:flow.a", "job:flow.b", "artifact:x"]);
  assert.deepEqual(keys({ grain: "job" }), ["job:flow.a", "job:flow.b", "artifact:x"]);
  assert.deepEqual(keys({ grain: "job", opened: new Set(["job:flow.a"]) }), ["r:1", "r:2", "job:flow.b", "artifact:x"]);
  assert.deepEqual(keys({ grain: "job", apart: new Set(["v:2"]) }), ["job:flow.a", "job:flow.b", "artifact:x", "v:2"]);
  const view = see(model, settings({ grain: "job" }));
  assert.deepEqual(view.cards.map((card) => [card.key, card.stack || 1]).sort(), [["artifact:x", 2], ["job:flow.a", 2], ["r:3", 1]]);
  assert.equal(view.links.find((link) => link.to.key === "artifact:x").times, 2);
});

test("a folded card tells how many failed and shows the state of the newest", () => {
  const model = modelOf(["r:1", "r:2"], [], { "r:1": { ...run("f"), card: { mark: "failed", time: 1 } }, "r:2": { ...run("f"), card: { mark: "completed", time: 2 } } });
  const [card] = see(model, settings({ grain: "job" })).cards;
  assert.deepEqual([card.mark, card.badges, card.time], ["completed", ["1 failed"], 2]);
});

test("what each flow run did lies in a lane of its own, lanes below each other", () => {
  const model = twoFlows();
  const view = see(model, settings({ frames: true }));
  assert.deepEqual(view.lanes.map((lane) => lane.id), ["f1", "f2"]);
  assert.ok(view.lanes[0].bottom < view.lanes[1].top);
  const inside = (key, lane) => {
    const card = view.byKey.get(key);
    return card.y - card.height / 2 >= lane.top && card.y + card.height / 2 <= lane.bottom;
  };
  for (const key of ["r:a", "v:x", "r:b", "v:y"]) assert.ok(inside(key, view.lanes[0]), key);
  for (const key of ["r:c", "v:z"]) assert.ok(inside(key, view.lanes[1]), key);
});

test("in an overview, where a card stands for the runs of many, a lane is a flow", () => {
  const names = ["r:a", "r:b", "r:c", "r:d"];
  const of = (flow_run, flow) => ({ data: { flow_run, flow, job: `${flow}.job` } });
  const model = modelOf(names, [], { "r:a": of("f1", "x"), "r:b": of("f2", "x"), "r:c": of("f3", "y"), "r:d": of("f3", "y") });
  const told = (changes) => see(model, settings({ frames: true, ...changes })).lanes.map((lane) => lane.title);
  assert.deepEqual(told({ grain: "job" }), ["x · 2 flow runs", "y · 1 flow run"]);
  assert.deepEqual(told({}), ["x · f1", "x · f2", "y · f3"]);
});

/** The two flows with their frames placed beforehand: f2 between the columns of f1. */
function framed() {
  const model = twoFlows();
  const at = { "r:a": [0, 0, 0], "v:x": [1, 100, 0], "r:b": [2, 200, 0], "v:y": [3, 300, 0], "r:c": [4, 400, 200], "v:z": [5, 500, 200] };
  const cards = new Map(Object.entries(at).map(([id, [column, x, y]]) => [id, { x, y, column, width: 80, height: 50 }]));
  model.homes.set("frames", { cards, routes: new Map([["v:y\u0000r:c", [350, 120]]]) });
  return model;
}

test("frames that were placed beforehand stay as they are", () => {
  const view = see(framed(), settings({ frames: true }));
  assert.deepEqual(view.cards.map(({ key, x, y }) => [key, x, y]), [["r:a", 0, 0], ["v:x", 100, 0], ["r:b", 200, 0], ["v:y", 300, 0], ["r:c", 400, 200], ["v:z", 500, 200]]);
  assert.deepEqual(view.links.find((link) => link.to.key === "r:c").route, [350, 120]);
  assert.deepEqual(view.lanes.map(({ id, left, right }) => [id, left, right]), [["f1", -40, 340], ["f2", 360, 540]]);
  assert.ok(view.lanes[0].bottom >= 120 && view.lanes[0].bottom < view.lanes[1].top);
});

test("a part of the placed frames keeps its columns' order and closes the gaps", () => {
  const view = see(framed(), settings({ frames: true, selected: "v:y", only: true, direction: "down" }));
  const order = [...view.cards].sort((a, b) => a.x - b.x).map((card) => card.key);
  assert.deepEqual(order, ["v:y", "r:c", "v:z"]);
  assert.ok(view.lanes[0].bottom < view.lanes[1].top);
});

test("as of a moment, what came later is not there and the rest stays where it is", () => {
  const model = twoFlows();
  const all = see(model, settings({}));
  const then = see(model, settings({ until: 3e6 }));
  assert.deepEqual(then.cards.map((card) => card.key), ["r:a", "v:x", "r:b", "v:y"]);
  for (const card of then.cards) assert.deepEqual([card.x, card.y], [all.byKey.get(card.key).x, all.byKey.get(card.key).y]);
  assert.equal(then.hidden, 2);
});

test("what is new since a moment is lit, and nothing else", () => {
  const view = see(twoFlows(), settings({}));
  const lights = newLights(view, 3e6);
  assert.deepEqual([...lights.cards], ["r:c", "v:z"]);
  assert.deepEqual([...lights.sides.keys()].map((link) => link.key), ["r:c\u0000v:z"]);
  assert.equal(isNew(view.cards[0], null), false);
});

test("a lit lineage names cards and links by side", () => {
  const model = twoFlows();
  const view = see(model, settings({}));
  const lights = lineageLights(model, view, view.byKey.get("v:y"), settings({}));
  assert.equal(lights.cards.size, 6);
  assert.deepEqual(view.links.map((link) => lights.sides.get(link)), ["up", "up", "up", "down", "down"]);
});

test("the way between two nodes is the shortest, found from either end, or none", () => {
  const model = modelOf(["v:a", "r:b", "v:c", "r:d", "v:e"], [["v:a", "r:b"], ["r:b", "v:c"], ["v:c", "r:d"], ["v:a", "r:d"], ["r:d", "v:e"]]);
  assert.deepEqual(wayBetween(model, [0], [4]), [0, 3, 4]);
  assert.equal(wayBetween(model, [4], [0]), null);
  const view = see(model, settings({}));
  const [first, last] = [view.byKey.get("v:e"), view.byKey.get("v:a")];
  const lights = pathLights(model, view, first, last, settings({}));
  assert.deepEqual([...lights.cards].sort(), ["r:d", "v:a", "v:e"]);
  assert.equal(lights.sides.size, 2);
  assert.deepEqual(pathLights(model, view, view.byKey.get("v:c"), view.byKey.get("r:b"), settings({})).way.length, 2);
});

test("ranks go right, also in a loop, and are tightened", () => {
  assert.deepEqual(ranks(4, [[0, 1], [1, 2], [3, 2]]), [0, 1, 2, 1]);
  const loop = ranks(3, [[0, 1], [1, 2], [2, 0]]);
  assert.deepEqual([...loop].sort(), [0, 1, 2]);
  assert.deepEqual(ranks(2, [[0, 0], [0, 1], [0, 1]]), [0, 1]);
});

test("a tree is ordered without crossings", () => {
  const items = Array.from({ length: 15 }, () => ({ lane: 0, left: [], right: [] }));
  for (let index = 1; index < 15; index += 1) {
    const parent = items[(index - 1) >> 1];
    parent.right.push(items[index]);
    items[index].left.push(parent);
  }
  const members = [[0], [2, 1], [5, 3, 6, 4], [14, 7, 13, 8, 12, 9, 11, 10]].map((places) => places.map((place) => items[place]));
  assert.equal(order(members), 0);
  assert.equal(crossings(members), 0);
});

test("cards without places get some that do not overlap", () => {
  const cards = Array.from({ length: 9 }, (_, index) => ({ key: index, width: 100, height: 50 }));
  const links = [[0, 1], [0, 2], [1, 3], [2, 3], [0, 3], [4, 3]].map(([from, to]) => ({ from: cards[from], to: cards[to] }));
  arrange(cards, links);
  for (const a of cards) for (const b of cards) {
    if (a !== b) assert.ok(Math.abs(a.x - b.x) >= 100 || Math.abs(a.y - b.y) >= 50, `${a.key} ${b.key}`);
  }
  for (const link of links) assert.ok(link.from.x < link.to.x);
  assert.equal(links[4].route.length, 2);
});

test("packed columns, records and times come back as they were", () => {
  assert.deepEqual(column({ of: ["a", null], at: [0, 1, 0] }), ["a", null, "a"]);
  assert.deepEqual(column({ one: false, times: 2 }), [false, false]);
  const read = unshaped({ kinds: [0, 1, 0], tables: [[["a", [1, 2]], ["__proto__", ["x", "y"]]], [["b", [3]]]] });
  assert.deepEqual([read(0).a, read(1), read(2).a], [1, { b: 3 }, 2]);
  assert.equal(Object.getOwnPropertyDescriptor(read(2), "__proto__").value, "y");
  assert.equal(iso(1795426324000001), "2026-11-23T09:32:04.000001Z");
  assert.equal(iso(null), null);
});

test("the graph comes out as the command line prints it", () => {
  const graph = graphOf(twoFlows());
  assert.deepEqual(Object.keys(graph), ["root", "nodes", "edges", "truncated"]);
  assert.deepEqual(graph.edges[0], { run: "r:a", version: "v:x", direction: "output", how: "observed", via: "open", times: 1, attempt: 1, at: "1970-01-01T00:00:01.000000Z", unchanged: false, partial: false });
});

test("a commit is linked on the host that the code came from, and only by http", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  assert.equal(commitLink({ commit, remote: "https://github.com/a/b.git" }), `https://github.com/a/b/commit/${commit}`);
  assert.equal(commitLink({ commit, remote: "https://gitlab.com/a/b" }), `https://gitlab.com/a/b/-/commit/${commit}`);
  for (const code of [null, {}, { commit }, { commit: "main/../x", remote: "https://h/a" }, { commit, remote: "javascript:alert(1)" }]) assert.equal(commitLink(code), null);
});

test("a preview is a table of the first rows, or nothing", () => {
  assert.deepEqual(previewOf({ metadata: { preview: [{ a: 1, b: 2 }, { a: 3 }] } }), { columns: ["a", "b"], rows: [[1, 2], [3, undefined]] });
  for (const metadata of [null, {}, { preview: [] }, { preview: "x" }, { preview: [1] }]) assert.equal(previewOf({ metadata }), null);
});

test("ages and days are human", () => {
  assert.equal(before("2026-11-20T09:00:00Z", "2026-11-23T10:00:00Z"), "3 days");
  assert.equal(before("2026-11-23T09:59:30Z", "2026-11-23T10:00:00Z"), "less than a minute");
  assert.equal(before("2026-11-24T09:59:30Z", "2026-11-23T10:00:00Z"), "");
  assert.match(day(1795426324000000, "2026-12-01T00:00:00Z"), /^Nov \d+$/);
  assert.match(day(1795426324000000, "2027-12-01T00:00:00Z"), /^Nov \d+, 2026$/);
});

test("the time slider knows each time once and how much happened when", () => {
  const nodes = [{ time: 5 }, { time: null }, { time: 1 }, { time: 5 }];
  assert.deepEqual(timesOf(nodes), [1, 5]);
  assert.deepEqual(histogram(nodes, [1, 5], 2), [1, 2]);
});

test("steep links of one card share a trunk, and still start and end at their cards", async () => {
  const { curvesOf } = await import("../../../prefect_lineage/export/static/curves.js");
  const card = (x, y, index) => ({ x, y, index, width: 100, height: 50 });
  const from = card(0, 0, 7);
  const [near, far] = [600, 900].map((y) => curvesOf({ from, to: card(150, y, 1), route: [] }, new Map()));
  assert.equal(near.length, 3);
  assert.equal(near[1][0], far[1][0]);
  assert.deepEqual(near[0].slice(0, 2), [50, 0]);
  assert.deepEqual(near[2].slice(6), [99, 600]);
  for (let index = 1; index < 3; index += 1) assert.deepEqual(near[index].slice(0, 2), near[index - 1].slice(6));
});

test("names that differ in dates fold to one card, and open to their artifacts", () => {
  const days = ["v:1", "v:2", "v:3", "v:4"];
  const extra = Object.fromEntries(days.map((name) => [name, version(name, { series: "data/sales_{date}.csv", title: `${name}:v0` })]));
  const model = modelOf([...days, "r:a"], days.map((name) => [name, "r:a"]), { ...extra, "r:a": run("f1") });
  const keys = (changes) => [...groupsOf(model.nodes, settings(changes)).keys()];
  assert.deepEqual(keys({ grain: "job" }), ["series:data/sales_{date}.csv", "job:flow.job"]);
  assert.equal(keys({ grain: "job", opened: new Set(["series:data/sales_{date}.csv"]) }).length, 5);
  assert.equal(see(model, settings({ grain: "job" })).cards[1].title, "sales_{date}.csv");
  const stack = see(model, settings({ fold: true })).cards.find((card) => card.stack === 4);
  assert.equal(stack.title, "sales_{date}.csv");
});

/** Columns of items with links between neighbouring columns, the same for the same seed. */
function tangle(seed, columns, rows, lanes) {
  let state = seed;
  const chance = (most) => {
    state = (state * 48271) % 2147483647;
    return state % most;
  };
  const members = Array.from({ length: columns }, () => Array.from({ length: rows }, () => ({ lane: chance(lanes), left: [], right: [] })));
  for (let at = 0; at + 1 < columns; at += 1) {
    for (const item of members[at]) {
      for (const other of new Set([members[at + 1][chance(rows)], members[at + 1][chance(rows)]])) {
        item.right.push(other);
        other.left.push(item);
      }
    }
  }
  return members;
}

function crossingPairs(members) {
  let total = 0;
  for (const column of members) {
    const lines = column.flatMap((item) => item.right.map((other) => [item.place, other.place]));
    for (const [a, b] of lines) for (const [c, d] of lines) total += a < c && b > d ? 1 : 0;
  }
  return total;
}

test("the order that is found has as many crossings as it says, keeps lanes together, and no single move improves it", () => {
  for (const [seed, lanes] of [[1, 1], [2, 3], [3, 1], [4, 2]]) {
    const members = tangle(seed, 5, 12, lanes);
    const items = new Set(members.flat());
    const found = order(members);
    assert.equal(found, crossingPairs(members));
    assert.equal(found, crossings(members));
    assert.deepEqual(new Set(members.flat()), items);
    for (const column of members) {
      assert.deepEqual(column.map((item) => item.lane), column.map((item) => item.lane).sort());
      column.forEach((item, place) => assert.equal(item.place, place));
    }
    for (const column of members) {
      for (let place = 0; place + 1 < column.length; place += 1) {
        if (column[place].lane !== column[place + 1].lane) continue;
        [column[place].place, column[place + 1].place] = [place + 1, place];
        assert.ok(crossingPairs(members) >= found);
        [column[place].place, column[place + 1].place] = [place, place + 1];
      }
    }
  }
});

test("look-alikes of two flow runs are one stack, and one for each where flow runs are framed", () => {
  const runs = Array.from({ length: 8 }, (_, place) => `r:${place}`);
  const extra = Object.fromEntries(runs.map((name, place) => [name, { data: { flow_run: place < 4 ? "one" : "two" } }]));
  const model = modelOf(["v:in", ...runs], runs.map((name) => ["v:in", name]), extra);
  const stacks = (frames) => foldsOf(model.nodes, model.links, { ...freshSettings(), fold: true, frames }).map((card) => card.stack);
  assert.deepEqual(stacks(false), [8]);
  assert.deepEqual(stacks(true), [4, 4]);
});

test("as of a moment, a folded map keeps its places, and its stacks hold what was there", () => {
  const runs = Array.from({ length: 6 }, (_, place) => `r:${place}`);
  const model = modelOf(["v:in", ...runs, "r:last", "v:out"], [...runs.map((name) => ["v:in", name]), ["v:in", "r:last"], ["r:last", "v:out"]], { "r:last": { card: { group: "other" } } });
  const settings = { ...freshSettings(), fold: true };
  const whole = see(model, settings);
  const then = see(model, { ...settings, until: 4e6 }); // "v:in" and the first four runs
  const place = ({ key, x, y }) => [key, x, y];
  assert.deepEqual(whole.cards.map((card) => card.stack).filter(Boolean), [6]);
  assert.deepEqual(then.cards.map((card) => card.stack).filter(Boolean), [4]);
  assert.equal(then.cards.length, 2);
  const places = whole.cards.map(place).map(String);
  for (const card of then.cards) assert.ok(places.includes(String(place(card))));
  assert.deepEqual(then.links.map((link) => link.times), [4]);
});

test("a flow run that is no card of its own gives its level and its frame their name and state", () => {
  const around = { ids: ["f1"], titles: ["amber-otter"], marks: ["failed"], facts: { kinds: [0], tables: [[["name", ["amber-otter"]]]] } };
  const model = twoFlows(around);
  const cards = see(model, settings({ level: "flow" })).byKey;
  assert.deepEqual([cards.get("flow-run:f1").title, cards.get("flow-run:f1").mark], ["amber-otter", "failed"]);
  assert.deepEqual([cards.get("flow-run:f2").title, cards.get("flow-run:f2").mark], ["flow f2", "completed"]);
  assert.deepEqual(see(model, settings({ frames: true })).lanes.map((lane) => lane.title), ["flow · amber-otter", "flow · f2"]);
  assert.equal(model.around.get("f1").data.name, "amber-otter");
});
