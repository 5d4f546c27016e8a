// Look-alikes: cards that play the same part, drawn as one stack. Pure.

const LEAST = 4;
const SAME_TYPE = 12;
const CROWD = 41;
const ROUNDS = 3;

/**
 * Stacks of at least four nodes of one job or artifact, with one kind of end, between neighbours that are
 * themselves alike; and of at least twelve versions that have only their type in common. Nodes that were
 * taken out and stacks that were opened stay apart.
 */
export function foldsOf(nodes, links, settings) {
  const close = stacks(nodes, links, settings, (node) => node.series || node.artifact, LEAST);
  const held = new Set(close.flatMap((card) => card.members));
  const crowds = stacks(nodes, links, settings, (node) => node.group, SAME_TYPE, held);
  return [...close, ...crowds].filter((card) => !settings.opened.has(card.key));
}

/** Whether so many look-alikes stand in one column that they would bury the rest. */
export function isCrowded(model) {
  return foldsOf(model.nodes, model.links, { apart: new Set(), opened: new Set() }).some((card) => card.stack >= CROWD);
}

function stacks(nodes, links, settings, sort, least, held = new Set()) {
  const colours = refine(nodes, links, settings, sort);
  const groups = new Map();
  for (const node of nodes) {
    if (held.has(node.index)) continue;
    const colour = colours.get(node.index);
    if (!groups.has(colour)) groups.set(colour, []);
    groups.get(colour).push(node);
  }
  return [...groups.values()].filter((members) => members.length >= least).map(stack);
}

/** Colour refinement: nodes keep one colour while their neighbours' colours are the same set. */
function refine(nodes, links, settings, sort) {
  const shown = new Set(nodes.map((node) => node.index));
  const near = new Map(nodes.map((node) => [node.index, { up: [], down: [] }]));
  for (const link of links) {
    if (!shown.has(link.from) || !shown.has(link.to)) continue;
    near.get(link.from).down.push(link.to);
    near.get(link.to).up.push(link.from);
  }
  let colours = new Map(nodes.map((node) => [node.index, firstColour(node, near.get(node.index), settings, sort)]));
  for (let round = 0; round < ROUNDS; round += 1) colours = nextColours(nodes, near, colours);
  return colours;
}

function firstColour(node, { up, down }, { apart, frames }, sort) {
  if (apart.has(node.id) || up.length > LEAST || down.length > LEAST) return `only ${node.index}`;
  const what = node.kind === "run" ? node.group : sort(node);
  const frame = frames && node.kind === "run" ? node.flow_run : null; // a stack lies in one frame
  return JSON.stringify([node.kind, what, frame, node.mark, node.partial, node.column]);
}

function nextColours(nodes, near, colours) {
  const numbers = new Map();
  const next = new Map();
  for (const node of nodes) {
    const { up, down } = near.get(node.index);
    const around = [up, down].map((side) => [...new Set(side.map((index) => colours.get(index)))].sort());
    const colour = JSON.stringify([colours.get(node.index), ...around]);
    if (!numbers.has(colour)) numbers.set(colour, numbers.size);
    next.set(node.index, `c${numbers.get(colour)}`);
  }
  return next;
}

function stack(members) {
  const [first] = members;
  const middle = members.reduce((sum, node) => sum + node.y, 0) / members.length;
  const names = [...new Set(members.map((node) => node.title.replace(/:v\d+$/, "")))];
  const series = first.series && names.length > 1 && members.every((node) => node.series === first.series) ? first.series.split("/").pop() : null;
  const title = first.kind === "run" ? first.label.replace(/^[A-Z]+ · /, "") : series || common(names);
  return first.with({
    key: `fold:${first.id}`,
    title,
    label: first.kind === "run" ? "RUNS" : first.label,
    badges: [],
    stack: members.length,
    noun: first.kind === "run" ? "run" : "version",
    members: members.map((node) => node.index),
    column: first.column,
    y: Number.isNaN(middle) ? undefined : middle,
    rows: null,
    size: null,
    seconds: null,
  });
}

/** What names have in common: "part-01.csv", "part-02.csv" → "part-0….csv". */
export function common(names) {
  const [first, ...rest] = names;
  if (!rest.length) return first;
  const shortest = Math.min(...names.map((name) => name.length));
  let start = 0;
  while (start < shortest && rest.every((name) => name[start] === first[start])) start += 1;
  let end = 0;
  while (end < shortest - start && rest.every((name) => name.at(-1 - end) === first.at(-1 - end))) end += 1;
  return `${first.slice(0, start)}…${end ? first.slice(-end) : ""}`;
}
