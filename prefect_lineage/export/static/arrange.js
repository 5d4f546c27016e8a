// Gives cards their places in the browser. A part of what was placed before keeps its columns and their order, and
// only closes the gaps; what is new together is ranked and ordered first. Pure.
import { order, ranks } from "./layered.js";

const COLUMN_GAP = 44;
const ROW_GAP = 20;
const LINE_GAP = 14;
const TURNS = 12;
const KINK = 34;
const LANE_GAP = 46;

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

/**
 * Sets x, y and column of the cards and the route of the links; what is told of the lanes, if cards are in lanes.
 * `laneOf` gives a card's lane as a number from 0; without it there is one. `placed` are cards that lie in lanes already.
 */
export function arrange(cards, links, laneOf = null, placed = false) {
  if (!cards.length) return [];
  const fresh = Boolean(laneOf && !placed) || cards.some((card) => card.column === undefined || card.y === undefined);
  if (fresh) rankAll(cards, links);
  const columns = squeeze(cards);
  const items = cards.map((card) => ({ card, lane: laneOf ? laneOf(card) : 0, column: card.column, y: card.y ?? 0, half: card.height / 2, left: [], right: [] }));
  const itemOf = new Map(cards.map((card, index) => [card, items[index]]));
  const members = columns.map(() => []);
  for (const item of items) members[item.column].push(item);
  const chains = links.map((link) => connect(itemOf.get(link.from), itemOf.get(link.to), members));
  if (fresh) orderAll(members);
  else for (const column of members) column.sort((a, b) => a.y - b.y);
  const lanes = laneOf ? settleLanes(members) : [];
  if (!laneOf) settleAll(members);
  for (const item of items) {
    item.card.y = Math.round(item.y);
    item.card.x = columns[item.column].middle;
    if (fresh && !item.card.small) item.card.width = columns[item.column].width; // as the first view has it
  }
  links.forEach((link, index) => {
    link.route = chains[index].flatMap((item) => [columns[item.column].middle, Math.round(item.y)]);
  });
  return lanes;
}

/** Ranks each connected part by itself; cards without any link stand in a grid of their own below. */
function rankAll(cards, links) {
  const index = new Map(cards.map((card, place) => [card, place]));
  const found = ranks(cards.length, links.map((link) => [index.get(link.from), index.get(link.to)]));
  const linked = new Set(links.flatMap((link) => [link.from, link.to]));
  const across = Math.max(4, Math.max(0, ...found.slice(0, 5000)) + 1, Math.floor(Math.sqrt(cards.length - linked.size)));
  let alone = 0;
  cards.forEach((card, place) => {
    card.column = linked.has(card) ? found[place] : alone++ % across;
  });
}

/** Orders columns, then gives items heights to begin with. */
function orderAll(members) {
  order(members);
  for (const column of members) {
    let y = 0;
    column.forEach((item, place) => {
      if (place) y += gapBetween(column[place - 1], item);
      item.y = y;
    });
    for (const item of column) item.y -= y / 2;
  }
}

/** Each lane by itself, one below the other; the lanes with their upper and lower ends. */
function settleLanes(members) {
  const numbers = [...new Set(members.flatMap((column) => column.map((item) => item.lane)))].sort((a, b) => a - b);
  let top = 0;
  return numbers.map((lane) => {
    const own = members.map((column) => column.filter((item) => item.lane === lane));
    settleAll(own, (item) => item.lane === lane);
    const all = own.flat();
    const shift = top - Math.min(...all.map((item) => item.y - item.half));
    for (const item of all) item.y += shift;
    const bottom = Math.max(...all.map((item) => item.y + item.half));
    const found = { lane, top, bottom };
    top = bottom + LANE_GAP;
    return found;
  });
}

/** Renumbers the columns that are left; the middle and the width of each. */
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
    return { middle, width };
  });
}

/** Waypoints from one item to another, one in each column between. */
function connect(from, to, members) {
  const span = to.column - from.column;
  if (span < 1) return [];
  const chain = [];
  let last = from;
  for (let step = 1; step < span; step += 1) {
    const y = from.y + ((to.y - from.y) * step) / span;
    const item = { card: null, lane: from.lane, column: from.column + step, y, half: 0, left: [last], right: [] };
    last.right.push(item);
    members[item.column].push(item);
    chain.push(item);
    last = item;
  }
  last.right.push(to);
  to.left.push(last);
  return chain;
}

function settleAll(members, counts = () => true) {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const forward = turn % 2 === 0;
    const both = turn >= TURNS - 4;
    for (const column of forward ? members : [...members].reverse()) settle(column, forward, both, counts);
  }
  for (const column of members) straighten(column, "left", counts);
  for (const column of [...members].reverse()) straighten(column, "right", counts);
}

/** Takes small kinks out: what has one neighbour on a side goes to its height, where there is room for that. */
function straighten(column, side, counts) {
  column.forEach((item, place) => {
    if (item[side].length !== 1 || !counts(item[side][0])) return;
    const { y } = item[side][0];
    const low = place ? column[place - 1].y + gapBetween(column[place - 1], item) : y;
    const high = place + 1 < column.length ? column[place + 1].y - gapBetween(item, column[place + 1]) : y;
    if (Math.abs(y - item.y) <= KINK && low <= y && y <= high) item.y = y;
  });
}

function gapBetween(above, item) {
  return item.half + above.half + (item.card || above.card ? ROW_GAP : LINE_GAP);
}

function settle(column, forward, both, counts) {
  if (!column.length) return;
  const gaps = column.slice(1).map((item, index) => gapBetween(column[index], item));
  const wishes = column.map((item) => wish(item, forward, both, counts));
  const places = spread(wishes.map((entry) => entry.y), gaps, wishes.map((entry) => entry.mass));
  places.forEach((y, index) => {
    column[index].y = y;
  });
}

function wish(item, forward, both, counts) {
  const [left, right] = [item.left, item.right].map((side) => side.filter(counts));
  const side = forward ? left : right;
  const near = both ? [...left, ...right] : side.length ? side : forward ? right : left;
  if (!near.length) return { y: item.y, mass: 0.01 };
  let total = 0;
  let mass = 0;
  near.forEach((each, place) => {
    const company = (both ? place < left.length : near === left) ? each.right.length : each.left.length;
    // A hub pulls each of its many neighbours little: they stay with what is theirs alone.
    const pull = (!item.card && !each.card ? 8 : !item.card || !each.card ? 2 : 1) / company ** 2;
    total += pull * each.y;
    mass += pull;
  });
  return { y: total / mass, mass };
}
