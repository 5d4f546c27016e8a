// Closes the gaps when only a part of the map is shown: columns and the order in them stay as they are. Pure.

const COLUMN_GAP = 44;
const ROW_GAP = 20;
const LINE_GAP = 14;
const TURNS = 12;

/** Positions as near to the wishes as their order and the gaps allow (pool adjacent violators). */
export function spread(wishes, gaps, weights) {
  const offsets = [0];
  for (const gap of gaps) offsets.push(offsets[offsets.length - 1] + gap);
  const blocks = [];
  wishes.forEach((wish, index) => {
    blocks.push({ total: (wish - offsets[index]) * weights[index], mass: weights[index], members: 1 });
    while (blocks.length > 1) {
      const last = blocks[blocks.length - 1];
      const before = blocks[blocks.length - 2];
      if (before.total * last.mass <= last.total * before.mass) break;
      before.total += last.total;
      before.mass += last.mass;
      before.members += last.members;
      blocks.pop();
    }
  });
  const bases = blocks.flatMap((block) => Array(block.members).fill(block.total / block.mass));
  return bases.map((base, index) => base + offsets[index]);
}

/** Sets x, y and column of the cards and the route of the links. */
export function arrange(cards, links) {
  if (!cards.length) return;
  const columns = squeeze(cards);
  const items = cards.map((card) => ({ card, column: card.column, y: card.y, half: card.height / 2, left: [], right: [] }));
  const itemOf = new Map(cards.map((card, index) => [card, items[index]]));
  const members = columns.map(() => []);
  for (const item of items) members[item.column].push(item);
  const chains = links.map((link) => connect(itemOf.get(link.from), itemOf.get(link.to), members));
  for (const column of members) column.sort((a, b) => a.y - b.y);
  settleAll(members);
  for (const item of items) {
    item.card.y = Math.round(item.y);
    item.card.x = columns[item.column];
  }
  links.forEach((link, index) => {
    link.route = chains[index].flatMap((item) => [columns[item.column], Math.round(item.y)]);
  });
}

/** Renumbers the columns that are left; the middles of them. */
function squeeze(cards) {
  const kept = [...new Set(cards.map((card) => card.column))].sort((a, b) => a - b);
  const number = new Map(kept.map((column, index) => [column, index]));
  const widths = kept.map(() => 0);
  for (const card of cards) {
    card.column = number.get(card.column);
    widths[card.column] = Math.max(widths[card.column], card.width);
  }
  let left = 0;
  return widths.map((width) => {
    const middle = Math.round(left + width / 2);
    left += width + COLUMN_GAP;
    return middle;
  });
}

/** Waypoints from one item to another, one in each column between. */
function connect(from, to, members) {
  const span = to.column - from.column;
  if (span < 1) return [];
  const chain = [];
  let last = from;
  for (let step = 1; step < span; step += 1) {
    const y = from.card.y + ((to.card.y - from.card.y) * step) / span;
    const item = { card: null, column: from.column + step, y, half: 0, left: [last], right: [] };
    last.right.push(item);
    members[item.column].push(item);
    chain.push(item);
    last = item;
  }
  last.right.push(to);
  to.left.push(last);
  return chain;
}

function settleAll(members) {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const forward = turn % 2 === 0;
    const both = turn >= TURNS - 4;
    for (const column of forward ? members : [...members].reverse()) settle(column, forward, both);
  }
}

function settle(column, forward, both) {
  const gaps = column.slice(1).map((item, index) => {
    const above = column[index];
    return item.half + above.half + (item.card || above.card ? ROW_GAP : LINE_GAP);
  });
  const wishes = column.map((item) => wish(item, forward, both));
  const places = spread(wishes.map((entry) => entry.y), gaps, wishes.map((entry) => entry.mass));
  places.forEach((y, index) => {
    column[index].y = y;
  });
}

function wish(item, forward, both) {
  const side = forward ? item.left : item.right;
  const other = forward ? item.right : item.left;
  const near = both ? [...side, ...other] : side.length ? side : other;
  if (!near.length) return { y: item.y, mass: 0.01 };
  let total = 0;
  let mass = 0;
  for (const each of near) {
    const pull = !item.card && !each.card ? 8 : !item.card || !each.card ? 2 : 1;
    total += pull * each.y;
    mass += pull;
  }
  return { y: total / mass, mass };
}
