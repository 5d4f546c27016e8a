// A small model for tests: names of nodes, and pairs that are linked.
import { createModel } from "../../../prefect_lineage/export/static/model.js";

/** Nodes are "r:name" (a run) or "v:name"; their column is given by the longest way to them. */
export function modelOf(names, pairs, extra = {}) {
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
    kind: nodes[place].kind, title: name.slice(2), label: "", group: nodes[place].kind === "run" ? "flow.job" : nodes[place].type,
    icon: "file", mark: "completed", badges: [], small: false, partial: false, ...(extra[name]?.card || {}),
  }));
  const links = pairs.map(([from, to, how = "observed"], place) => ({ from: index.get(from), to: index.get(to), edges: [place], how, via: ["open"], times: 1, unchanged: false, partial: false }));
  const edges = pairs.map(() => ({ attempt: 1 }));
  const places = names.map((name, place) => ({ x: level[place] * 300, y: place * 80, level: level[place], width: 200, height: 58 }));
  return createModel({ cards, links, graph: { nodes, edges, root: null }, about: {} }, { nodes: places, edges: pairs.map(() => ({ route: [] })) });
}
