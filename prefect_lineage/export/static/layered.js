// Columns and the order in them, for what the page itself puts together: folded, filtered and levelled views. Pure.
// The first view is placed by export/layout in Python, with more patience.

const SWEEPS = 10;
const ROUNDS = 8;
const EFFORT = 4e7; // pairs of items that may be looked at: a quarter of a second

/** A column for each card, so that links go right but for one in each loop; links are pairs of positions. */
export function ranks(size, pairs) {
  const { after, before } = acyclic(size, pairs);
  const waiting = before.map((tails) => tails.length);
  const order = [];
  for (let node = 0; node < size; node += 1) if (!waiting[node]) order.push(node);
  const rank = Array(size).fill(0);
  for (const node of order) {
    for (const head of after[node]) {
      rank[head] = Math.max(rank[head], rank[node] + 1);
      waiting[head] -= 1;
      if (!waiting[head]) order.push(head);
    }
  }
  return tightened(rank, order, after, before);
}

/** Nodes move to the side on which they have more links, as far as those allow. */
function tightened(rank, order, after, before) {
  for (let turn = 0; turn < 12; turn += 1) {
    let moved = false;
    for (let place = order.length - 1; place >= 0; place -= 1) {
      const node = order[place];
      if (!after[node].length || after[node].length < before[node].length) continue;
      const target = Math.min(...after[node].map((head) => rank[head])) - 1;
      if (target > rank[node]) [rank[node], moved] = [target, true];
    }
    for (const node of order) {
      if (before[node].length <= after[node].length) continue;
      const target = Math.max(...before[node].map((tail) => rank[tail])) + 1;
      if (target < rank[node]) [rank[node], moved] = [target, true];
    }
    if (!moved) break;
  }
  return rank;
}

/** Neighbours in both directions, with the links turned round that close a loop. */
function acyclic(size, pairs) {
  const after = Array.from({ length: size }, () => []);
  const before = Array.from({ length: size }, () => []);
  const incoming = Array(size).fill(0);
  const seen = new Set();
  for (const [tail, head] of pairs) {
    const key = tail * size + head;
    if (tail === head || seen.has(key)) continue;
    seen.add(key);
    after[tail].push(head);
    incoming[head] += 1;
  }
  const turned = backLinks(size, after, incoming);
  const forward = Array.from({ length: size }, () => []);
  const kept = new Set();
  for (let tail = 0; tail < size; tail += 1) {
    for (const head of after[tail]) {
      const [from, to] = turned.has(tail * size + head) ? [head, tail] : [tail, head];
      if (kept.has(from * size + to)) continue;
      kept.add(from * size + to);
      forward[from].push(to);
      before[to].push(from);
    }
  }
  return { after: forward, before };
}

function backLinks(size, after, incoming) {
  const state = new Uint8Array(size);
  const found = new Set();
  const starts = Array.from({ length: size }, (_, node) => node).sort((a, b) => Boolean(incoming[a]) - Boolean(incoming[b]) || a - b);
  for (const start of starts) {
    if (state[start]) continue;
    state[start] = 1;
    const path = [[start, 0]];
    while (path.length) {
      const top = path[path.length - 1];
      const [node, place] = top;
      if (place === after[node].length) {
        state[node] = 2;
        path.pop();
        continue;
      }
      top[1] += 1;
      const head = after[node][place];
      if (state[head] === 1) found.add(node * size + head);
      else if (!state[head]) {
        state[head] = 1;
        path.push([head, 0]);
      }
    }
  }
  return found;
}

/**
 * Orders the items of each column so that few links cross. Items have `left` and `right` neighbours, and a `lane`:
 * those of one lane stay together.
 */
export function order(members) {
  walk(members);
  let best = { crossings: crossings(members), order: members.map((column) => [...column]) };
  let tired = 0;
  for (let turn = 0; turn < SWEEPS && best.crossings && tired < 3; turn += 1) {
    sweep(members, turn % 2 === 0);
    const now = crossings(members);
    tired = now < best.crossings ? 0 : tired + 1;
    if (!tired) best = { crossings: now, order: members.map((column) => [...column]) };
  }
  best.order.forEach((column, index) => {
    members[index] = column;
    number(column);
  });
  return best.crossings ? settle(members, best.crossings) : 0;
}

/** Sifts to and fro as long as that helps and does not take long; the crossings that are left. */
function settle(members, crossed) {
  const effort = members.reduce((sum, column) => sum + column.length ** 2, 1);
  const rounds = Math.min(ROUNDS, Math.floor(EFFORT / effort));
  let left = crossed;
  for (let turn = 0; turn < rounds && left; turn += 1) {
    const places = [...members.keys()];
    const gain = (turn % 2 ? places.reverse() : places).reduce((sum, index) => sum + sift(members, index), 0);
    left -= gain;
    if (!gain) break;
  }
  return left;
}

/** Moves each item of a column to where its links cross least, within its lane; the crossings that this takes away. */
function sift(members, index) {
  const column = members[index];
  const lines = { left: new Int32Array(members[index - 1]?.length ?? 0), right: new Int32Array(members[index + 1]?.length ?? 0) };
  const rank = (item) => item.left.length + item.right.length;
  let gain = 0;
  for (const item of [...column].sort((a, b) => rank(b) - rank(a) || a.place - b.place)) {
    for (const side of ["left", "right"]) profile(lines[side], item[side]);
    const { saved, target } = bestPlace(column, item, lines);
    if (!saved) continue;
    gain += saved;
    const from = item.place;
    column.splice(target, 0, ...column.splice(from, 1));
    for (let at = Math.min(from, target); at <= Math.max(from, target); at += 1) column[at].place = at;
  }
  return gain;
}

/** For each place of a column beside an item: how many of the item's ends lie below it, less how many lie above. */
function profile(line, ends) {
  line.fill(0);
  for (const { place } of ends) line[place] += 1;
  let above = 0;
  for (let at = 0; at < line.length; at += 1) {
    const own = line[at];
    line[at] = ends.length - own - 2 * above;
    above += own;
  }
}

function bestPlace(column, item, { left, right }) {
  let best = { saved: 0, target: item.place };
  for (const step of [1, -1]) {
    let saved = 0;
    for (let at = item.place + step; column[at]?.lane === item.lane; at += step) {
      for (const end of column[at].left) saved += step * left[end.place];
      for (const end of column[at].right) saved += step * right[end.place];
      if (saved > best.saved) best = { saved, target: at };
    }
  }
  return best;
}

/** The order in which a walk from the left ends meets the items: relatives lie close together. */
function walk(members) {
  const met = new Map();
  const all = members.flat();
  for (const start of [...all.filter((item) => !item.left.length), ...all]) {
    const stack = [start];
    while (stack.length) {
      const item = stack.pop();
      if (met.has(item)) continue;
      met.set(item, met.size);
      for (let place = item.right.length - 1; place >= 0; place -= 1) stack.push(item.right[place]);
    }
  }
  for (const column of members) {
    column.sort((a, b) => a.lane - b.lane || met.get(a) - met.get(b));
    number(column);
  }
}

function number(column) {
  column.forEach((item, place) => {
    item.place = place;
  });
}

function sweep(members, rightwards) {
  const turns = rightwards ? members.slice(1) : members.slice(0, -1).reverse();
  for (const column of turns) {
    for (const item of column) {
      const near = rightwards ? item.left : item.right;
      item.wish = near.length ? near.reduce((sum, other) => sum + other.place, 0) / near.length : item.place;
    }
    column.sort((a, b) => a.lane - b.lane || a.wish - b.wish || a.place - b.place);
    number(column);
  }
}

/** Pairs of links between neighbouring columns that cross, counted with a Fenwick tree. */
export function crossings(members) {
  let total = 0;
  for (let index = 0; index + 1 < members.length; index += 1) {
    const tree = new Int32Array(members[index + 1].length + 2);
    let seen = 0;
    for (const item of members[index]) {
      const ends = item.right.map((other) => other.place);
      for (const end of ends) {
        let smaller = 0;
        for (let at = end + 1; at > 0; at -= at & -at) smaller += tree[at];
        total += seen - smaller;
      }
      for (const end of ends) for (let at = end + 1; at < tree.length; at += at & -at) tree[at] += 1;
      seen += ends.length;
    }
  }
  return total;
}
