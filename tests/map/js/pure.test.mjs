import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, readAddress } from "../../../prefect_lineage/export/static/address.js";
import { spread } from "../../../prefect_lineage/export/static/arrange.js";
import { curvesOf, distance, pointAt } from "../../../prefect_lineage/export/static/curves.js";
import { flat, linkWords, runFacts, uiLink, versionFacts } from "../../../prefect_lineage/export/static/facts.js";
import { common, isCrowded } from "../../../prefect_lineage/export/static/fold.js";
import * as format from "../../../prefect_lineage/export/static/format.js";
import { reach } from "../../../prefect_lineage/export/static/model.js";
import { foundIn, search, searchText } from "../../../prefect_lineage/export/static/searching.js";
import { fit, halved, oneLine, warns } from "../../../prefect_lineage/export/static/paint.js";
import { csvCell } from "../../../prefect_lineage/export/static/saving.js";
import { freshSettings, lineage, see, viewKey } from "../../../prefect_lineage/export/static/sight.js";
import { modelOf } from "./graph.mjs";

const CHAIN = [["v:a", "r:b"], ["r:b", "v:c"], ["v:c", "r:d"]];
const chain = () => modelOf(["v:a", "r:b", "v:c", "r:d"], CHAIN);

test("sizes are human", () => {
  assert.equal(format.bytes(0), "0 B");
  assert.equal(format.bytes(999), "999 B");
  assert.equal(format.bytes(1500), "1.50 kB");
  assert.equal(format.bytes(999_960), "1.00 MB");
  assert.equal(format.bytes(612_345_678), "612 MB");
  assert.equal(format.bytes(10 ** 18), "1000 PB");
});

test("durations are human", () => {
  assert.deepEqual([0, 0.25, 4.2, 42.1, 59.99, 3600, 90061].map(format.duration), ["less than 1 ms", "250 ms", "4.20 s", "42.1 s", "1 m", "1 h", "1 d 1 h"]);
});

test("times are UTC and what is no time stays", () => {
  assert.equal(format.moment("2026-11-23T09:12:04.120000Z"), "2026-11-23 09:12:04 UTC");
  assert.equal(format.moment("<b>"), "<b>");
  assert.equal(format.shortMoment(null), "");
  assert.equal(format.shortMoment("2026-11-23T09:12:04.120000Z"), "2026-11-23 09:12:04");
});

test("only http and https may be opened", () => {
  assert.equal(format.safeUrl("https://example.org/a"), "https://example.org/a");
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", " http://x", "http://", 5, null, "HTTPS:alert(1)"]) assert.equal(format.safeUrl(bad), null);
});

test("reach finds everything in a direction, as deep as asked, and loops are safe", () => {
  const model = modelOf(["v:a", "r:b"], [["v:a", "r:b"], ["r:b", "v:a"]]);
  assert.deepEqual([...reach(model, 0, "down", 0)], [[0, 0], [1, 1]]);
  assert.deepEqual([...reach(chain(), 3, "up", 2).keys()], [3, 2, 1]);
});

test("upstream and downstream are inverse", () => {
  const model = chain();
  for (const a of model.nodes) for (const b of model.nodes) {
    assert.equal(reach(model, a.index, "down", 0).has(b.index), reach(model, b.index, "up", 0).has(a.index));
  }
});

test("the search finds names, states, parameters, digests and columns, names first", () => {
  const model = chain();
  const texts = model.nodes.map((node) => searchText(node));
  const found = (words) => search(model, texts, words).map((node) => node.id);
  assert.deepEqual(found("completed"), ["r:b", "r:d"]);
  assert.deepEqual(found("blake3:abc bill"), ["v:a", "v:c"]);
  assert.deepEqual(found("c")[0], "v:c");
  assert.deepEqual(found("0.5"), ["r:b", "r:d"]);
  assert.deepEqual(found("nothing like it"), []);
  assert.equal(foundIn(model.nodes[0], "bill"), "column: bill");
  assert.equal(foundIn(model.nodes[1], "0.5"), "parameters.lr: 0.5");
});

test("everything is shown at its own place when nothing is filtered", () => {
  const view = see(chain(), freshSettings());
  assert.deepEqual(view.cards.map((card) => card.x), [0, 300, 600, 900]);
  assert.equal(view.links.length, 3);
  assert.equal(view.hidden, 0);
});

test("what a filter takes away closes up, from left to right", () => {
  const model = chain();
  const view = see(model, { ...freshSettings(), selected: "v:c", only: true, direction: "down" });
  assert.deepEqual(view.cards.map((card) => card.id), ["v:c", "r:d"]);
  assert.ok(view.cards[0].x < view.cards[1].x);
  assert.equal(view.cards[0].y, view.cards[1].y);
});

test("hiding values leaves a link past them", () => {
  const model = modelOf(["r:a", "v:x", "r:b"], [["r:a", "v:x"], ["v:x", "r:b"]], { "v:x": { card: { small: true } } });
  const view = see(model, { ...freshSettings(), values: false });
  assert.deepEqual(view.links.map((link) => [link.from.id, link.to.id, link.bridge]), [["r:a", "r:b", true]]);
});

test("inferred links can be switched off, also for the lineage", () => {
  const model = modelOf(["v:a", "r:b"], [["v:a", "r:b", "inferred"]]);
  const settings = { ...freshSettings(), inferred: false };
  assert.equal(see(model, settings).links.length, 0);
  assert.equal(lineage(model, 1, settings).up.size, 1);
});

test("four look-alikes fold into one stack that keeps every edge", () => {
  const runs = ["r:1", "r:2", "r:3", "r:4"];
  const model = modelOf([...runs, "v:out"], runs.map((run) => [run, "v:out"]));
  const view = see(model, { ...freshSettings(), fold: true });
  assert.deepEqual(view.cards.map((card) => card.stack || 1).sort(), [1, 4]);
  assert.equal(view.links.length, 1);
  assert.equal(view.links[0].times, 4);
  const apart = see(model, { ...freshSettings(), fold: true, apart: new Set(["r:2"]) });
  assert.equal(apart.cards.length, 5);
});

test("a stack of several artifacts is called by what their names have in common", () => {
  assert.equal(common(["raw.csv"]), "raw.csv");
  assert.equal(common(["part-01.csv", "part-02.csv", "part-03.csv"]), "part-0….csv");
  assert.equal(common(["aa", "aaa"]), "aa…");
  assert.equal(common(["x", "y"]), "…");
});

test("a fan of more than forty files is a crowd, whatever they are called", () => {
  const files = (amount) => Array.from({ length: amount }, (_, n) => `v:${n}`);
  const fan = (amount) => modelOf(["r:a", ...files(amount)], files(amount).map((name) => ["r:a", name]), Object.fromEntries(files(amount).map((name) => [name, { data: { artifact: name } }])));
  assert.equal(isCrowded(fan(41)), true);
  assert.equal(isCrowded(fan(40)), false);
  assert.equal(see(fan(12), { ...freshSettings(), fold: true }).cards.length, 2);
  assert.equal(see(fan(11), freshSettings()).foldable, false);
});

test("what went wrong and what is out of date is drawn from afar", () => {
  assert.deepEqual(["partial", "2 attempts", "3 failed", "stale", "latest"].map(warns), ["bad", "bad", "bad", "warn", ""]);
});

test("a view stays valid while only the selection moves", () => {
  const fresh = freshSettings();
  assert.equal(viewKey({ ...fresh, selected: "r:b", depth: 2 }), viewKey(fresh));
  assert.notEqual(viewKey({ ...fresh, selected: "r:b", only: true }), viewKey({ ...fresh, selected: "r:d", only: true }));
  assert.notEqual(viewKey({ ...fresh, values: false }), viewKey(fresh));
  assert.notEqual(viewKey({ ...fresh, offJobs: new Set(["x"]) }), viewKey(fresh));
});

test("an address says what is shown and is read back", () => {
  const fresh = { ...freshSettings(), table: false };
  const { opened, apart, ...kept } = { ...fresh, selected: "id with & and #", second: "v:a", direction: "up", depth: 3, only: true, table: true, level: "flow", grain: "job",
    frames: true, fold: true, values: false, until: 1795426324000000, since: 5, offTypes: new Set(["a b", "c,d"]) };
  assert.deepEqual(readAddress(addressOf(kept, fresh), fresh), kept);
  assert.equal(addressOf(fresh, fresh), "#");
  const asked = readAddress("#dir=sideways&depth=-4&level=up&grain=x&until=soon", fresh);
  for (const [name, value] of Object.entries({ selected: null, direction: "both", depth: 0, level: "run", grain: "all", until: null })) assert.equal(asked[name], value, name);
});

test("cells of a table file are neither split nor formulas", () => {
  assert.equal(csvCell('a "b", c'), '"a ""b"", c"');
  assert.equal(csvCell("=1+1"), "'=1+1");
  assert.equal(csvCell(null), "");
});

test("links to Prefect's UI are its own, or built, or none", () => {
  assert.equal(uiLink({ id: "x/y", run_kind: "task" }, "http://h:4200/"), "http://h:4200/runs/task-run/x%2Fy");
  assert.equal(uiLink({ id: "x", run_kind: "script" }, "http://h:4200"), null);
  assert.equal(uiLink({ id: "x", run_kind: "flow", ui_url: "javascript:alert(1)" }, null), null);
  assert.equal(uiLink({ id: "x", run_kind: "flow", ui_url: "https://p/r" }, "http://h"), "https://p/r");
});

test("facts say what is known and leave out what is not", () => {
  const run = runFacts({ kind: "run", id: "1", name: "n", job: "j", state: "Failed", attempt: 2, parameters: { a: 1 }, tags: [], ended_at: null, odd_key: "kept" }, null);
  const labels = run.map((fact) => fact.label);
  for (const label of ["Run ID", "State", "Attempts", "Parameters", "Odd key"]) assert.ok(labels.includes(label), label);
  for (const label of ["Ended", "Tags", "Host"]) assert.ok(!labels.includes(label), label);
  const version = versionFacts({ name: "x", version: "v1", aliases: ["latest"], created_at: "2026-11-23T09:12:04.120000Z", size: 0, rows: null, covers: "none", digest: "run:1", metadata: {} });
  const values = Object.fromEntries(version.map((fact) => [fact.label, fact.value]));
  assert.equal(values.Size, "0 B");
  assert.equal(values["Full name"], "x:v1");
  assert.match(values["Digest covers"], /one version per producing run/);
});

test("objects inside objects are one list", () => {
  assert.deepEqual(flat({ a: 1, b: { c: [1, 2], d: {} } }), [["a", 1], ["b › c", [1, 2]], ["b › d", {}]]);
});

test("a link says how, by what, how often and in which attempt", () => {
  assert.equal(linkWords({ via: ["pandas.read_csv"], times: 3, how: "observed", edges: [{ attempt: 2 }], unchanged: true, partial: false }), "pandas.read_csv · ×3 · observed · attempt 2 · unchanged");
});

test("positions keep their order and distances", () => {
  const placed = spread([10, 0, 5], [20, 20], [1, 1, 1]);
  assert.ok(placed[1] - placed[0] >= 20 && placed[2] - placed[1] >= 20);
  assert.equal(Math.round(placed.reduce((a, b) => a + b) / 3), 5);
});

test("a link starts and ends at its cards and can be pointed at", () => {
  const card = (x, y) => ({ x, y, width: 100, height: 50 });
  const straight = curvesOf({ from: card(0, 0), to: card(300, 40), route: [] }, new Map());
  assert.deepEqual(straight[0].slice(0, 2), [50, 0]);
  assert.deepEqual(straight[0].slice(6), [249, 40]);
  const middle = pointAt(straight[0], 0.5);
  assert.ok(distance(straight, middle.x, middle.y, 5) < 1);
  assert.equal(distance(straight, 150, 400, 5), Infinity);
  const back = curvesOf({ from: card(300, 0), to: card(0, 0), route: [] }, new Map());
  assert.equal(back.length, 1);
  assert.ok(back[0][3] > 50);
});

test("text is cut so that it fits and the version stays", () => {
  const width = (text) => text.length * 10;
  assert.equal(fit("short:v1", 200, width), "short:v1");
  assert.equal(fit("a-very-long-name:v12", 100, width), "a-very…:v12".slice(0, 5) + "…:v12");
  assert.equal(fit("metrics ×25", 90, width), "metr… ×25");
  assert.ok(fit("x".repeat(10_000), 100, width).length <= 10);
  assert.deepEqual(halved("amber-otter-7"), ["amber-", "otter-7"]);
  assert.deepEqual(halved("zoo-model:v12"), ["zoo-", "model:v12"]);
  assert.equal(halved("plain"), null);
  assert.equal(oneLine("a\u0000b\u202ec\nd"), "a bc d");
});
