// The graph as the page holds it, and questions to it. Pure.

/** Joins the view's cards and links with the places that the network carries. */
export function createModel(data, network) {
  const nodes = data.cards.map((card, index) => {
    const place = network.nodes[index];
    const facts = data.graph.nodes[index];
    const { x, y, level, width, height } = place;
    return { ...card, index, id: facts.id, data: facts, x, y, column: level, width, height };
  });
  const links = data.links.map((link, index) => ({
    ...link,
    index,
    edges: link.edges.map((place) => data.graph.edges[place]),
    route: network.edges[index].route,
  }));
  const up = nodes.map(() => []);
  const down = nodes.map(() => []);
  for (const link of links) {
    down[link.from].push(link);
    up[link.to].push(link);
  }
  return { nodes, links, up, down, byId: new Map(nodes.map((node) => [node.id, node])), about: data.about, graph: data.graph };
}

/** Steps from a node to all that lies in one direction: Map of index → distance, the start included. */
export function reach(model, start, direction, depth, usable = () => true) {
  const found = new Map([[start, 0]]);
  const queue = [start];
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

/** Everything of a node that a search may hit, in lower case, most telling first. */
export function searchText(node) {
  const { data } = node;
  const own = data.kind === "run"
    ? [data.job, data.state, data.flow, data.run_kind, data.tags, data.parameters, data.code, data.host, data.user]
    : [data.name, data.type, data.aliases, data.digest, data.uri, data.format, data.description, data.metadata,
      (data.schema || []).map((column) => column.name)];
  const rest = own.map((part) => (typeof part === "string" ? part : JSON.stringify(part ?? "")));
  return [node.title, data.id, ...rest].join("\n").toLowerCase();
}

/** The nodes that hold every word, those whose name does first. */
export function search(model, texts, words, limit = 40) {
  const terms = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!terms.length) return [];
  const rank = (node) => {
    const title = node.title.toLowerCase();
    if (title.startsWith(terms[0])) return 0;
    return terms.every((term) => title.includes(term)) ? 1 : 2;
  };
  return model.nodes
    .filter((node) => terms.every((term) => texts[node.index].includes(term)))
    .map((node) => [rank(node), node])
    .sort((a, b) => a[0] - b[0] || a[1].index - b[1].index)
    .slice(0, limit)
    .map(([, node]) => node);
}

/** Every single value in a node's data with the way to it: ["parameters.lr", "0.0003"]. */
export function leaves(value, path = "") {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object") return [[path, String(value)]];
  const join = (key) => (path && !Array.isArray(value) ? `${path}.${key}` : Array.isArray(value) ? path : key);
  return Object.entries(value).flatMap(([key, item]) => leaves(item, join(key)));
}

/** Where a word was found, for the line beside a hit that its name does not explain. */
export function foundIn(node, words) {
  const term = words.toLowerCase().split(/\s+/).filter(Boolean)[0] || "";
  if (node.title.toLowerCase().includes(term)) return node.kind === "run" ? node.data.job : node.data.type;
  for (const [path, text] of leaves(node.data)) {
    const at = text.toLowerCase().indexOf(term);
    const start = Math.max(0, at - 16);
    if (at >= 0) return `${path.replace(/^schema\.name$/, "column")}: ${start ? "…" : ""}${text.slice(start, at + term.length + 24)}`;
    if (path.toLowerCase().includes(term)) return `${path}: ${text.slice(0, 40)}`;
  }
  return node.kind;
}

/** The versions of a version's artifact that are on the page, newest first. */
export function versionsOf(model, node) {
  return model.nodes
    .filter((other) => other.kind === "version" && other.data.artifact === node.data.artifact)
    .sort((a, b) => Number(b.data.version.slice(1)) - Number(a.data.version.slice(1)));
}

/** The runs that a run encloses. */
export function childrenOf(model, node) {
  return model.nodes.filter((other) => other.kind === "run" && other.data.parent === node.id);
}

/** How often each value of a key occurs among nodes of a kind, commonest first. */
export function tally(model, kind, key) {
  const found = new Map();
  for (const node of model.nodes) {
    if (node.kind === kind) found.set(key(node), (found.get(key(node)) || 0) + 1);
  }
  return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
