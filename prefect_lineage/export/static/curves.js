// Links as chains of cubic curves, for the eye and for the pointer. Pure.

export const ARROW = 9;
const STEEP = 260;

/** Half the width of each column, by its middle. */
export function columnsOf(cards) {
  const halves = new Map();
  for (const card of cards) halves.set(card.x, Math.max(halves.get(card.x) || 0, card.width / 2));
  return halves;
}

/** A link's curves, each [x1, y1, control 1, control 2, x2, y2]; the arrow's tip is where the last one ends. */
export function curvesOf(link, columns) {
  const { from, to, route } = link;
  if (to.x <= from.x) return [loop(from, to)];
  const curves = [];
  const share = trunkOf(from);
  let [x, y] = [from.x + from.width / 2, from.y];
  for (let index = 0; index < route.length; index += 2) {
    const half = columns.get(route[index]) || 60;
    const next = route[index + 1];
    curves.push(...bends(x, y, route[index] - half, next, share));
    curves.push(bend(route[index] - half, next, route[index] + half, next));
    [x, y] = [route[index] + half, next];
  }
  curves.push(...bends(x, y, to.x - to.width / 2 - 1, to.y, share));
  return curves;
}

function bend(x1, y1, x2, y2) {
  const pull = Math.min(Math.max((x2 - x1) * 0.5, 12), 180);
  return [x1, y1, x1 + pull, y1, x2 - pull, y2, x2, y2];
}

/** Where between two columns the steep links of a card run: those of one card on one line, others beside it. */
function trunkOf(card) {
  return 0.28 + 0.44 * (((card.index ?? 0) * 0.618034) % 1);
}

/** From one column to the next. A steep link turns into the trunk of its card, and out again where it has to. */
function bends(x1, y1, x2, y2, share) {
  const [wide, high] = [x2 - x1, Math.abs(y2 - y1)];
  if (high < STEEP || high < 3 * wide) return [bend(x1, y1, x2, y2)];
  const trunk = x1 + wide * share;
  const turn = Math.sign(y2 - y1) * Math.min(22, high / 4);
  return [
    [x1, y1, trunk, y1, trunk, y1, trunk, y1 + turn],
    [trunk, y1 + turn, trunk, y1 + turn, trunk, y2 - turn, trunk, y2 - turn],
    [trunk, y2 - turn, trunk, y2, trunk, y2, x2, y2],
  ];
}

/** Back to the left, below both cards: what closes a loop. */
function loop(from, to) {
  const depth = 34 + Math.min(Math.abs(from.x - to.x) * 0.06, 60);
  const [y1, y2] = [from.y + from.height / 2, to.y + to.height / 2 + 1];
  const low = Math.max(y1, y2) + depth;
  return [from.x, y1, from.x, low, to.x, low, to.x, y2];
}

/** A point on a curve, t from 0 to 1. */
export function pointAt([x1, y1, ax, ay, bx, by, x2, y2], t) {
  const s = 1 - t;
  const [p, q, r, u] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  return { x: p * x1 + q * ax + r * bx + u * x2, y: p * y1 + q * ay + r * by + u * y2 };
}

/** The direction in which the last curve arrives, in radians. */
export function arrival(curves) {
  const [, , , , bx, by, x2, y2] = curves[curves.length - 1];
  return Math.atan2(y2 - by, x2 - bx);
}

/** The distance of a point to a link, or Infinity when it is clearly farther than the limit. */
export function distance(curves, x, y, limit) {
  let best = Infinity;
  for (const curve of curves) {
    const [x1, y1, ax, ay, bx, by, x2, y2] = curve;
    if (x < Math.min(x1, x2, ax, bx) - limit || x > Math.max(x1, x2, ax, bx) + limit) continue;
    if (y < Math.min(y1, y2, ay, by) - limit || y > Math.max(y1, y2, ay, by) + limit) continue;
    for (let step = 0; step <= 24; step += 1) {
      const point = pointAt(curve, step / 24);
      best = Math.min(best, Math.hypot(point.x - x, point.y - y));
    }
  }
  return best;
}
