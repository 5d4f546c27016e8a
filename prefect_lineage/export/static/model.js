// The graph as the page holds it, and questions to it. Pure.
import { iso, lengthOf, rowClass, rows, unshaped } from "./packing.js";

const NOWHERE = { one: undefined };
const NOBODY = { ids: [] };

/** Found out when it is first asked for. */
function lazily(model, name, make) {
  Object.defineProperty(model, name, { configurable: true, enumerable: true, get() {
    const value = make();
    Object.defineProperty(model, name, { value, enumerable: true });
    return value;
  } });
}

/**
 * Joins the cards and links of the page with the places that the network carries.
 * `factsOf(index)` gives a node's public JSON, `readEdges()` every edge by column, `readLevels()` where the cards of
 * the other levels lie, `readAround()` the runs that cards belong to and that are no cards themselves.
 */
export function createModel(core, network, factsOf, readEdges, readLevels = () => ({}), readAround = () => NOBODY) {
  const model = { factsOf, about: core.about, root: core.root, truncated: core.truncated, opens: core.opens, core };
  const Node = rowClass({ ...core.cards, ...core.homes, id: core.ids, ...placesOf(core, network) }, { data: (node) => factsOf(node.index) });
  const Link = rowClass({ ...core.links, route: routesOf(core, network) }, { edges: (link) => model.edgesOf(link.index) });
  model.nodes = Array.from(core.ids, (_, index) => new Node(index));
  model.links = Array.from({ length: lengthOf(core.links.from) }, (_, index) => new Link(index));
  lazily(model, "edges", readEdges);
  lazily(model, "byId", () => new Map(model.nodes.map((node) => [node.id, node])));
  lazily(model, "up", () => neighbours(model, "to"));
  lazily(model, "down", () => neighbours(model, "from"));
  model.edgesOf = edgesReader(model);
  lazily(model, "homes", () => homesOf(core, network, readLevels()));
  lazily(model, "around", () => aroundOf(readAround()));
  model.placed = core.opens === "all" || Boolean(core.whole);
  return model;
}

/** The runs around those of the page, by id. */
function aroundOf({ ids, titles, marks, facts }) {
  const factsAt = ids.length ? unshaped(facts) : null;
  return new Map(ids.map((id, index) => [id, { id, title: titles[index], mark: marks[index], data: factsAt(index) }]));
}

/** The run of an id, on the map or around it; undefined when the page does not know it. */
export function runOf(model, id) {
  return model.byId.get(id) || model.around.get(id);
}

/** The links of each node that have it at one end. */
function neighbours(model, end) {
  const found = model.nodes.map(() => []);
  for (const link of model.links) found[link[end]].push(link);
  return found;
}

/** Places of cards by key and routes of links by key, as they were found when the page was made: of each level. */
function homesOf(core, network, levels) {
  const pair = (from, to) => `${from}\u0000${to}`;
  const found = new Map();
  if (core.opens !== "all") {
    const cards = new Map(network.nodes.map(({ id, x, y, level, width, height }) => [id, { x, y, column: level, width, height }]));
    found.set("run", { cards, routes: new Map(network.edges.map((edge) => [pair(edge.from, edge.to), edge.route])) });
  }
  for (const [level, { keys, routes, ...places }] of Object.entries(levels)) {
    const cards = rows(places);
    found.set(level, { cards: new Map(keys.map((key, index) => [key, cards[index]])), routes: new Map(routes.map(([from, to, route]) => [pair(keys[from], keys[to]), route])) });
  }
  return found;
}

/** Where every single card lies, if that was found out when the page was made: columns. */
function placesOf(core, { nodes }) {
  const listed = (key) => nodes.map((node) => node[key]);
  if (core.opens === "all") return { x: listed("x"), y: listed("y"), column: listed("level"), width: listed("width"), height: listed("height") };
  if (!core.whole) return { x: NOWHERE, y: NOWHERE, column: NOWHERE };
  const { x, y, level, width } = core.whole;
  return { x, y, column: level, width };
}

/** The points between the ends of each link, likewise. */
function routesOf(core, network) {
  if (core.opens === "all") return network.edges.map((edge) => edge.route);
  if (!core.whole) return { one: [] };
  const { routes } = core.whole;
  return Array.from({ length: lengthOf(core.links.from) }, (_, index) => routes[index] || []);
}

function edgesReader(model) {
  let edges = null;
  let byLink = null;
  return (index) => {
    if (!edges) {
      const packed = model.edges;
      edges = unpackEdges(model, packed);
      byLink = model.links.map(() => []);
      packed.link.forEach((link, place) => link >= 0 && byLink[link].push(edges[place]));
    }
    return index === undefined ? edges : byLink[index];
  };
}

function unpackEdges(model, packed) {
  const { first, at, link, run, version, ...columns } = packed;
  const id = (end) => (typeof end === "number" ? model.core.ids[end] : end);
  return rows(columns).map((edge, index) => ({
    run: id(run[index]),
    version: id(version[index]),
    direction: edge.direction,
    how: edge.how,
    via: edge.via,
    times: edge.times,
    attempt: edge.attempt,
    at: iso(first + at[index]),
    unchanged: edge.unchanged,
    partial: edge.partial,
  }));
}

/** How many edges the page holds. */
export function edgeCount(model) {
  return model.core.edges;
}

/** When each edge was first seen, in microseconds, by link: the earliest counts. */
export function linkTimes(model) {
  const { first, at, link } = model.edges;
  const found = model.links.map(() => Infinity);
  link.forEach((place, index) => {
    if (place >= 0) found[place] = Math.min(found[place], first + at[index]);
  });
  return found;
}

/** The public JSON of the whole graph, as the command line prints it. */
export function graphOf(model) {
  return { root: model.root, nodes: model.nodes.map((node) => node.data), edges: model.edgesOf(), truncated: model.truncated };
}

/** Steps from one or more nodes to all that lies in one direction: Map of index → distance, the starts included. */
export function reach(model, starts, direction, depth, usable = () => true) {
  const queue = [starts].flat();
  const found = new Map(queue.map((start) => [start, 0]));
  for (const at of queue) {
    const steps = found.get(at);
    if (depth && steps >= depth) continue;
    for (const link of direction === "up" ? model.up[at] : model.down[at]) {
      const next = direction === "up" ? link.from : link.to;
      if (!found.has(next) && usable(link)) {
        found.set(next, steps + 1);
        queue.push(next);
      }
    }
  }
  return found;
}

/** A shortest way along the data from one of some nodes to one of others; null when there is none. */
export function wayBetween(model, starts, ends, usable = () => true) {
  const goals = new Set(ends);
  const before = new Map(starts.map((start) => [start, -1]));
  const queue = [...starts];
  for (const at of queue) {
    if (goals.has(at) && before.get(at) !== -1) return traced(before, at);
    for (const link of model.down[at]) {
      if (before.has(link.to) || !usable(link)) continue;
      before.set(link.to, at);
      queue.push(link.to);
    }
  }
  return null;
}

function traced(before, end) {
  const way = [];
  for (let at = end; at !== -1; at = before.get(at)) way.push(at);
  return way.reverse();
}

/** The versions of a version's artifact that are on the page, newest first. */
export function versionsOf(model, node) {
  return model.nodes
    .filter((other) => other.kind === "version" && other.artifact === node.artifact)
    .sort((a, b) => versionNumber(b) - versionNumber(a));
}

function versionNumber(node) {
  return Number(/:v(\d+)$/.exec(node.title)?.[1] ?? -1);
}

/** The runs that a run encloses. */
export function childrenOf(model, node) {
  return model.nodes.filter((other) => other.kind === "run" && other.parent === node.id);
}

/** How often each value of a key occurs among nodes of a kind, commonest first. */
export function tally(model, kind, key) {
  const found = new Map();
  for (const node of model.nodes) {
    if (node.kind === kind) found.set(key(node), (found.get(key(node)) || 0) + 1);
  }
  return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

