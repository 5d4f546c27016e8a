// A small model for tests: names of nodes, and pairs that are linked.
import { createModel } from "../../../prefect_lineage/export/static/model.js";

/** Nodes are "r:name" (a run) or "v:name"; their column is given by the longest way to them. */
export function modelOf(names, pairs, extra = {}, around = { ids: [] }) {
  const index = new Map(names.map((name, place) => [name, place]));
  const level = names.map(() => 0);
  for (let turn = 0; turn < names.length; turn += 1) {
    for (const [from, to] of pairs) level[index.get(to)] = Math.max(level[index.get(to)], Math.min(level[index.get(from)] + 1, names.length));
  }
  const nodes = names.map((name) => {
    const run = name.startsWith("r:");
    const data = run
      ? { kind: "run", id: name, name: name.slice(2), job: "flow.job", state: "Completed", parameters: { lr: 0.5 } }
      : { kind: "version", id: name, artifact: "a", name: name.slice(2), version: "v0", type: "file", digest: "blake3:abc", schema: [{ name: "bill", type: "int" }], aliases: [] };
    return { ...data, ...(extra[name]?.data || {}) };
  });
  const cards = names.map((name, place) => ({
    kind: nodes[place].kind, title: name.slice(2), label: nodes[place].kind === "run" ? "RUN · job" : "FILE", group: nodes[place].kind === "run" ? nodes[place].job : nodes[place].type,
    icon: "file", mark: "completed", badges: [], time: place * 1e6, fresh: "", cause: null, series: "", small: false, partial: false,
    rows: null, size: null, seconds: null, deleted: false, width: 200, height: 58, ...(extra[name]?.card || {}),
  }));
  const links = pairs.map(([from, to, how = "observed"]) => ({ from: index.get(from), to: index.get(to), how, via: ["open"], times: 1, unchanged: false, partial: false }));
  const home = (key) => nodes.map((node) => (node.kind === "run" ? node[key] ?? null : null));
  const core = {
    about: { title: "test", generated_at: "2026-11-23T10:00:00.000000Z" }, root: null, truncated: 0, opens: "all", whole: null, chunk: 400,
    ids: names,
    cards: columnsOf(cards),
    homes: { flow_run: home("flow_run"), parent: home("parent"), flow: home("flow"), state: home("state"), artifact: nodes.map((node) => node.artifact ?? null) },
    links: columnsOf(links),
    edges: pairs.length,
  };
  const edges = {
    direction: pairs.map(([from]) => (from.startsWith("v:") ? "input" : "output")), how: links.map((link) => link.how), via: pairs.map(() => "open"),
    times: pairs.map(() => 1), attempt: pairs.map(() => 1), unchanged: pairs.map(() => false), partial: pairs.map(() => false),
    run: pairs.map(([from, to]) => index.get(from.startsWith("r:") ? from : to)), version: pairs.map(([from, to]) => index.get(from.startsWith("v:") ? from : to)),
    link: pairs.map((_, place) => place), first: 0, at: pairs.map(([from, to]) => Math.max(index.get(from), index.get(to)) * 1e6),
  };
  const places = names.map((name, place) => ({ id: place, x: level[place] * 300, y: place * 80, level: level[place], width: 200, height: 58 }));
  return createModel(core, { nodes: places, edges: pairs.map(() => ({ route: [] })) }, (at) => nodes[at], () => edges, () => ({}), () => around);
}

function columnsOf(records) {
  return Object.fromEntries(Object.keys(records[0] || {}).map((name) => [name, records.map((record) => record[name])]));
}
