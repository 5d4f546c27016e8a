// Look-alikes: cards that play the same part, drawn as one stack. Pure.

const LEAST = 4;
const ROUNDS = 3;

/**
 * Stacks of at least four nodes of one job or artifact, with one kind of end, between neighbours that are
 * themselves alike. Nodes that were taken out and stacks that were opened stay apart.
 */
export function foldsOf(nodes, links, settings) {
  const colours = refine(nodes, links, settings.apart);
  const groups = new Map();
  for (const node of nodes) {
    const colour = colours.get(node.index);
    if (!groups.has(colour)) groups.set(colour, []);
    groups.get(colour).push(node);
  }
  return [...groups.values()]
    .filter((members) => members.length >= LEAST)
    .map(stack)
    .filter((card) => !settings.opened.has(card.key));
}

/** Colour refinement: nodes keep one colour while their neighbours' colours are the same set. */
function refine(nodes, links, apart) {
  const shown = new Set(nodes.map((node) => node.index));
  const near = new Map(nodes.map((node) => [node.index, { up: [], down: [] }]));
  for (const link of links) {
    if (!shown.has(link.from) || !shown.has(link.to)) continue;
    near.get(link.from).down.push(link.to);
    near.get(link.to).up.push(link.from);
  }
  let colours = new Map(nodes.map((node) => [node.index, firstColour(node, near.get(node.index), apart)]));
  for (let round = 0; round < ROUNDS; round += 1) colours = nextColours(nodes, near, colours);
  return colours;
}

function firstColour(node, { up, down }, apart) {
  if (apart.has(node.id) || up.length > LEAST || down.length > LEAST) return `only ${node.index}`;
  const what = node.kind === "run" ? node.group : node.data.artifact;
  return JSON.stringify([node.kind, what, node.mark, node.partial, node.column]);
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
  const title = first.kind === "run" ? first.label.replace(/^[A-Z]+ · /, "") : first.title.replace(/:v\d+$/, "");
  return {
    ...first,
    key: `fold:${first.id}`,
    title,
    label: first.kind === "run" ? "RUNS" : first.label,
    badges: [],
    stack: members.length,
    members: members.map((node) => node.index),
    y: middle,
  };
}
