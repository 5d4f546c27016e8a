// The picture itself: links first, cards above. Draws with whatever pen it is given.
import { arrival, ARROW } from "./curves.js";
import { bytes, counted, day, duration } from "./format.js";
import { iconOf, markColour } from "./icons.js";

const FADED = 0.16;
const FADED_LINK = 0.22;
const META_FROM = 0.54; // the zoom from which three lines can be read
const LABEL = { least: 9.5, most: 14.5 };

/** How much of a card can be read at a zoom: everything, the name alone, or its colour. */
export function detail(scale) {
  if (scale >= 0.44) return "full";
  return scale >= 0.2 ? "name" : "block";
}

/** Whether lights are on and leave this card in the dark. */
export function isFaded(card, lights) {
  return Boolean(lights) && !lights.cards.has(card.key);
}

/** "up", "down", "path" or null: on which side of the lit lineage a link lies. */
export function sideOf(link, lights) {
  return (lights && lights.sides.get(link)) || null;
}

/** The text, shortened in the middle of what matters least so that it fits; a version's number stays,
 * and how many a stack stands for. */
export function fit(text, room, width) {
  if (width(text) <= room) return text;
  const tail = /(?::v\d{1,6}| ×\d+)$/.exec(text)?.[0] || "";
  const whole = Array.from(text.slice(0, Math.min(text.length - tail.length, 400)));
  let [low, high] = [0, whole.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (width(`${whole.slice(0, middle).join("")}…${tail}`) <= room) low = middle;
    else high = middle - 1;
  }
  return `${whole.slice(0, low).join("")}…${tail}`;
}

/** One line, without marks that would turn the direction of what stands beside it. */
export function oneLine(text) {
  return text.slice(0, 600).replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ").replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** A ring of light around the selected card, below everything else so that arrows stay whole. */
export function paintHalo(pen, card, { palette }) {
  const { x, y, width, height, radius } = frameOf(card);
  pen.box(x - 8, y - 8, width + 16, height + 16, radius + 8, { fill: coloursOf(card, palette).soft });
}

/** The frames of flow runs, with their names. */
export function paintLanes(pen, { view, palette, scale, measure }) {
  const font = `600 ${Math.min(30, Math.max(13, 11 / scale)).toFixed(1)}px ${palette.font}`;
  for (const lane of view.lanes) {
    pen.box(lane.left - 18, lane.top - 30, lane.right - lane.left + 36, lane.bottom - lane.top + 44, 16, { fill: palette.lane, stroke: palette.line, line: 1.2 });
    const name = fit(oneLine(lane.title), lane.right - lane.left, (text) => measure(text, font));
    pen.text(name, lane.left - 6, lane.top - 11, font, palette.muted);
  }
}

/** All links that touch the box, in the order plain, then lit. */
export function paintLinks(pen, scene, box) {
  const { view, lights, hoveredLink, palette, scale } = scene;
  const plain = { solid: [], dashed: [], declared: [] };
  const lit = [];
  for (const link of view.links) {
    if (box && outside(link, box)) continue;
    const side = link === hoveredLink ? sideOf(link, lights) || "hover" : sideOf(link, lights);
    if (side) lit.push([link, side]);
    else plain[styleOf(link)].push(link);
  }
  pen.fade(lights ? FADED_LINK : 1);
  for (const [style, links] of Object.entries(plain)) strokeLinks(pen, links, style, palette.edge, Math.max(1.4, 0.8 / scale), scene);
  pen.fade(1);
  for (const [link, side] of lit) {
    const colour = side === "hover" ? palette.text : side === "path" ? palette.accent : palette[side];
    strokeLinks(pen, [link], styleOf(link), colour, Math.max(2.4, 1.5 / scale), scene);
  }
}

function styleOf(link) {
  if (link.how === "inferred" || link.bridge) return "dashed";
  return link.how === "declared" ? "declared" : "solid";
}

function strokeLinks(pen, links, style, stroke, line, scene) {
  if (!links.length) return;
  pen.curves(links.map((link) => link.curves), { stroke, line, dash: style === "dashed" ? [line * 4, line * 3] : [] });
  if (scene.scale < 0.2) return;
  for (const link of links) {
    const curve = link.curves[link.curves.length - 1];
    pen.head(curve[6], curve[7], arrival(link.curves), Math.max(ARROW, line * 3.6), stroke);
    if (style === "declared") declaredMark(pen, link, stroke, scene.palette);
  }
}

/** A small diamond where a declared link begins: somebody said so. */
function declaredMark(pen, link, stroke, palette) {
  const [x, y] = link.curves[0];
  const side = 4.2;
  const diamond = [[x, y, x, y, x, y, x + side, y - side], [0, 0, x + side, y - side, x + side, y - side, x + 2 * side, y],
    [0, 0, x + 2 * side, y, x + 2 * side, y, x + side, y + side], [0, 0, x + side, y + side, x + side, y + side, x, y]];
  pen.curves([diamond], { fill: palette.card, stroke, line: 1.6 });
}

function outside(link, box) {
  const { from, to, route } = link;
  const slack = 120;
  if (Math.max(from.x, to.x) + slack < box.left || Math.min(from.x, to.x) - slack > box.right) return true;
  if (route.length) return false;
  return Math.max(from.y, to.y) + slack < box.top || Math.min(from.y, to.y) - slack > box.bottom;
}

/** The colours of a card. */
function coloursOf(card, palette) {
  const run = card.kind === "run";
  const bad = run && (card.mark === "failed" || card.mark === "crashed");
  return {
    strong: bad ? palette.bad : run ? palette.run : palette.art,
    line: bad ? palette.bad : run ? palette["run-line"] : palette["art-line"],
    soft: bad ? palette["bad-soft"] : run ? palette["run-soft"] : palette["art-soft"],
    ground: bad ? palette.card : run ? palette["run-card"] : palette["art-card"],
    mark: run ? palette[markColour(card.mark)] : palette.art,
  };
}

/** One card. `look` tells whether it is selected, hovered, the root of the map, or faded. */
export function paintCard(pen, card, look, scene) {
  const { palette, scale } = scene;
  const colours = coloursOf(card, palette);
  const level = detail(scale);
  const frame = frameOf(card);
  pen.fade(look.faded ? FADED : 1);
  if (level === "block") {
    pen.box(frame.x, frame.y, frame.width, frame.height, frame.radius, { fill: colours.strong, stroke: look.selected ? palette.text : null, line: 2.5 / scale });
  } else {
    paintFrame(pen, card, frame, colours, look, scene);
    if (level === "full") paintFull(pen, card, frame, colours, scene);
    else paintName(pen, card, frame, colours, scene);
  }
  pen.fade(1);
}

function frameOf(card) {
  const radius = card.kind === "run" ? card.height / 2 : card.small ? 8 : 10;
  return { x: card.x - card.width / 2, y: card.y - card.height / 2, width: card.width, height: card.height, radius };
}

function paintFrame(pen, card, frame, colours, look, { palette, scale }) {
  const { x, y, width, height, radius } = frame;
  const line = (look.selected || look.hovered || look.root ? 2.6 : 1.5) * Math.max(1, 0.5 / scale);
  if (card.stack > 1) {
    for (const shift of [9, 4.5]) pen.box(x + shift, y + shift, width, height, radius, { fill: colours.ground, stroke: colours.line, line: 1.2 });
  }
  if (scale >= 0.4 && !look.selected) pen.box(x, y + 2.5, width, height, radius, { fill: palette.shade });
  pen.box(x, y, width, height, radius, { fill: colours.ground, stroke: look.selected || look.root ? colours.strong : colours.line, line, dash: card.partial ? [7, 5] : [] });
}

function paintChip(pen, card, frame, colours, { palette }) {
  const size = card.small ? 22 : 36;
  const middle = frame.x + (card.small ? 16 : card.kind === "run" ? 28 : 25);
  const solid = card.mark === "crashed";
  const radius = card.kind === "run" ? size / 2 : card.small ? 6 : 8;
  pen.box(middle - size / 2, card.y - size / 2, size, size, radius, { fill: solid ? colours.strong : colours.soft });
  const heavy = card.kind === "run" ? 2.5 : 1.7;
  pen.icon(iconOf(card), middle, card.y, size * (card.kind === "run" ? 0.56 : 0.6), solid ? palette.card : colours.mark, card.small ? 1.5 : heavy);
  return middle + size / 2 + (card.small ? 5 : 7);
}

function paintFull(pen, card, frame, colours, scene) {
  const { palette, measure, scale } = scene;
  const left = paintChip(pen, card, frame, colours, scene);
  const end = frame.x + frame.width - (card.kind === "run" ? 16 : 10);
  const nameEnd = card.stack > 1 ? paintCount(pen, card, end, colours, scene) : end;
  const meta = card.small ? "" : metaOf(card, scene);
  const below = scale >= META_FROM && Boolean(meta);
  const largest = below ? 18 : 20;
  const [least, wished] = card.small ? [12, 10 / scale] : [14.5, Math.min(largest, 11.5 / scale)];
  const title = oneLine(card.title);
  const size = sizeFor(title, card.small ? 500 : 650, least, wished, nameEnd - left, scene);
  const nameFont = `${card.small ? 500 : 650} ${size}px ${palette.font}`;
  const name = fit(title, nameEnd - left, (text) => measure(text, nameFont));
  if (card.small) {
    pen.text(name, left, card.y + size * 0.35, nameFont, nameColour(card, palette));
    return;
  }
  const middle = below ? card.y - 9 : card.y;
  const whole = oneLine(card.label);
  const narrow = measure(whole, `600 ${LABEL.least}px ${palette.font}`);
  const labelEnd = paintBadges(pen, card, left + narrow + 8, end, middle, colours, scene);
  const labelSize = sizeFor(whole, 600, LABEL.least, Math.min(Math.max(10.5, 8.4 / scale), LABEL.most), labelEnd - left, scene);
  const labelFont = `600 ${labelSize}px ${palette.font}`;
  const label = fit(whole, labelEnd - left, (text) => measure(text, labelFont));
  pen.text(label, left, middle - 7 - (labelSize - 10.5) * 0.2, labelFont, palette.muted);
  pen.text(name, left, middle + 12 + (size - 14.5) * 0.5, nameFont, nameColour(card, palette));
  if (below) paintMeta(pen, meta, left, nameEnd, card.y + 24.5, scene);
}

/** A version that is not the latest stands back a little. */
function nameColour(card, palette) {
  return card.fresh === "older" ? palette.muted : palette.text;
}

/** What stands below the name: rows and size, or how long it took, and the day. */
export function metaOf(card, { now }) {
  const parts = [];
  if (card.deleted && !card.stack) parts.push("deleted");
  if (card.rows !== null && card.rows !== undefined) parts.push(counted(card.rows, "row"));
  if (card.size !== null && card.size !== undefined) parts.push(bytes(card.size));
  if (card.seconds !== null && card.seconds !== undefined) parts.push(duration(card.seconds));
  if (card.time !== null && card.time !== undefined) parts.push(`${card.stack ? "last " : ""}${day(card.time, now)}`);
  return parts.join(" · ");
}

function paintMeta(pen, meta, left, end, base, { palette, measure, scale }) {
  const size = sizeFor(meta, 400, 10.5, Math.min(13, 8.4 / scale), end - left, { measure, palette });
  const font = `400 ${size}px ${palette.font}`;
  pen.text(fit(meta, end - left, (text) => measure(text, font)), left, base, font, palette.muted);
}

/** A size between the least and the wished at which a text fits: names stay readable from afar where there is room. */
function sizeFor(text, weight, least, wished, room, { measure, palette }) {
  if (wished <= least) return least;
  const width = measure(text, `${weight} ${least}px ${palette.font}`);
  const largest = width ? (least * room) / width : least;
  return Math.max(least, Math.floor(Math.min(wished, largest * 0.99) * 10) / 10);
}

/** How loud a badge is: "bad" for what went wrong, "warn" for what is out of date, else empty. */
export function warns(badge) {
  if (badge === "partial" || / (attempts|failed)$/.test(badge)) return "bad";
  return badge === "stale" ? "warn" : "";
}

/** Badges stand at the right end of the upper line, as many as leave room for the label; where they begin. */
function paintBadges(pen, card, left, end, middle, colours, { palette, measure, scale }) {
  const font = `600 9.5px ${palette.font}`;
  let right = end;
  for (const badge of card.badges) {
    const warning = warns(badge);
    if (scale < 0.62 && !warning) continue;
    const text = fit(oneLine(badge), 84, (part) => measure(part, font));
    const width = measure(text, font) + 12;
    if (right - width < left && !warning) continue;
    const fill = warning === "bad" ? palette["bad-soft"] : warning ? palette["warn-soft"] : colours.soft;
    pen.box(right - width, middle - 19.5, width, 16, 8, { fill });
    pen.text(text, right - width + 6, middle - 8, font, warning === "bad" ? palette.bad : warning ? palette.warn : colours.strong);
    right -= width + 5;
  }
  return right - 4;
}

function paintCount(pen, card, end, colours, { palette, measure }) {
  const font = `700 12px ${palette.font}`;
  const text = `×${card.stack.toLocaleString("en-US")}`;
  const width = measure(text, font) + 14;
  pen.box(end - width, card.y - 11, width, 22, 11, { fill: colours.soft });
  pen.text(text, end - width + 7, card.y + 4.3, font, colours.strong);
  return end - width - 6;
}

/** Far away: the name alone, as large as the card allows, on two lines if it must. */
function paintName(pen, card, frame, colours, scene) {
  const { palette, scale, measure } = scene;
  const run = card.kind === "run";
  const signed = !card.small && scale >= 0.28;
  const bar = signed ? frame.height * (run ? 0.72 : 0.62) : 9;
  pen.box(frame.x, frame.y, bar + (run ? 8 : 0), frame.height, frame.radius, { fill: colours.soft });
  if (signed) pen.icon(iconOf(card), frame.x + bar / 2 + (run ? 6 : 0), card.y, 26, colours.mark, run ? 3.4 : 2.4);
  const left = frame.x + bar + (run ? 14 : 8);
  const room = frame.x + frame.width - left - (run ? 12 : 6);
  const title = oneLine(card.stack > 1 ? `${card.title} ×${card.stack}` : card.title);
  const wished = Math.min(card.small ? 18 : 26, 9.6 / scale);
  const width = (size) => (text) => measure(text, `600 ${size}px ${palette.font}`);
  const one = sizeFor(title, 600, card.small ? 11 : wished * 0.86, wished, room, scene);
  const halves = width(one)(title) <= room || card.small ? null : halved(title);
  const lines = halves || [title];
  const size = halves ? Math.min(one, (frame.height - 10) / 2.1) : one;
  lines.forEach((line, index) => {
    const base = card.y + size * 0.36 + (index - (lines.length - 1) / 2) * size * 1.08;
    pen.text(fit(line, room, width(size)), left, base, `600 ${size.toFixed(1)}px ${palette.font}`, nameColour(card, palette));
  });
}

/** The text in two, at the separator that is nearest to its middle; null where there is none. */
export function halved(text) {
  const cuts = [...text.matchAll(/[-_/. :]+/g)].map((found) => (found[0].startsWith(":") ? found.index : found.index + found[0].length));
  const inside = cuts.filter((cut) => cut > 1 && cut < text.length - 1);
  if (!inside.length) return null;
  const middle = text.length / 2;
  const cut = inside.reduce((best, each) => (Math.abs(each - middle) < Math.abs(best - middle) ? each : best));
  return [text.slice(0, cut), text.slice(cut)];
}
