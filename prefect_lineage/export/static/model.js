// The graph as the page holds it, and questions to it. Pure.
import { column, iso, rows } from "./packing.js";

/** Classes of nodes and links that know their model without each carrying it. */
function kindsOf(model) {
  class Node {
    /** The node's public JSON: what only the panel and the search need is read when it is asked for. */
    get data() {
      return model.factsOf(this.index);
    }
  }
  class Link {
    /** The link's edges, likewise. */
    get edges() {
      return model.edgesOf(this.index);
    }
  }
  return { Node, Link };
}

const NO_ROUTE = [];

/**
 * Joins the cards and links of the page with the places that the network carries.
 * `factsOf(index)` gives a node's public JSON.
 */
export function createModel(core, network, factsOf) {
  const model = { factsOf, about: core.about, root: core.root, truncated: core.truncated, opens: core.opens, core };
  const { Node, Link } = kindsOf(model);
  model.nodes = instances(Node, { ...core.cards, ...core.homes, id: core.ids });
  model.links = instances(Link, core.links);
  model.links.forEach((link) => {
    link.route = NO_ROUTE;
  });
  model.byId = new Map(model.nodes.map((node) => [node.id, node]));
  model.edgesOf = edgesReader(model, core.edges);
  model.opening = core.opens === "all" ? new Map() : new Map(network.nodes.map((place) => [place.id, place]));
  model.openingRoutes = core.opens === "all" ? new Map() : new Map(network.edges.map((edge) => [`${edge.from}\u0000${edge.to}`, edge.route]));
  placeNodes(model, core, network);
  model.up = model.nodes.map(() => []);
  model.down = model.nodes.map(() => []);
  for (const link of model.links) {
    model.down[link.from].push(link);
    model.up[link.to].push(link);
  }
  return model;
}

/** One object of a class per row of the columns, with its place as `index`. */
function instances(Kind, columns) {
  const names = Object.keys(columns);
  const lists = names.map((name) => column(columns[name]));
  return Array.from({ length: lists[0]?.length ?? 0 }, (_, index) => {
    const made = new Kind();
    made.index = index;
    for (let place = 0; place < names.length; place += 1) made[names[place]] = lists[place][index];
    return made;
  });
}

/** Where every single card lies, if that was found out when the page was made. */
function placeNodes(model, core, network) {
  model.placed = core.opens === "all" || Boolean(core.whole);
  if (core.opens === "all") {
    network.nodes.forEach(({ x, y, level, width, height }, index) => Object.assign(model.nodes[index], { x, y, column: level, width, height }));
    network.edges.forEach(({ route }, index) => {
      model.links[index].route = route;
    });
  } else if (core.whole) {
    const { routes, ...places } = core.whole;
    rows(places).forEach(({ x, y, level, width }, index) => Object.assign(model.nodes[index], { x, y, column: level, width }));
    for (const [index, route] of Object.entries(routes)) model.links[index].route = route;
  }
}

function edgesReader(model, packed) {
  let edges = null;
  let byLink = null;
  return (index) => {
    if (!edges) {
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
  return model.core.edges.link.length;
}

/** When each edge was first seen, in microseconds, by link: the earliest counts. */
export function linkTimes(model) {
  const { first, at, link } = model.core.edges;
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

