// What a search may hit, and where it was hit. Pure.

/** Everything of a node in lower case, most telling first; `around` is the flow run that it belongs to. */
export function searchText(node, around) {
  const { data } = node;
  const own = data.kind === "run"
    ? [data.job, data.state, data.flow, data.run_kind, data.tags, data.parameters, data.code, data.host, data.user, data.environment, data.deployment]
    : [data.name, data.type, data.aliases, data.digest, data.uri, data.format, data.description, data.metadata,
      (data.schema || []).map((column) => column.name), node.fresh];
  const rest = own.map((part) => (typeof part === "string" ? part : JSON.stringify(part ?? "")));
  return [node.title, data.id, around?.title ?? "", ...rest].join("\n").toLowerCase();
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
export function foundIn(node, words, around) {
  const term = words.toLowerCase().split(/\s+/).filter(Boolean)[0] || "";
  if (node.title.toLowerCase().includes(term)) return node.kind === "run" ? node.data.job : node.data.type;
  for (const [path, text] of leaves(node.data)) {
    const at = text.toLowerCase().indexOf(term);
    const start = Math.max(0, at - 16);
    if (at >= 0) return `${path.replace(/^schema\.name$/, "column")}: ${start ? "…" : ""}${text.slice(start, at + term.length + 24)}`;
    if (path.toLowerCase().includes(term)) return `${path}: ${text.slice(0, 40)}`;
  }
  return around?.title.toLowerCase().includes(term) ? `flow run: ${around.title}` : node.kind;
}
