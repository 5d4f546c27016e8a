// vis-network holds the cards, pans, zooms and asks for frames; what is seen is painted by us.
import { byId, el } from "./dom.js";
import { distance } from "./curves.js";
import { canvasPen, measure } from "./pens.js";
import { isFaded, paintCard, paintHalo, paintLanes, paintLinks } from "./paint.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)").matches;
const MARGIN = { side: 26, top: 64, bottom: 48 };
const READABLE = 0.62;
const LEGIBLE = 0.33; // below it, names are too small to be read
const GRID = 28;
const SMALLEST = 0.006;

/** The stage. `app` gives view, lights and palette; the stage tells it about the pointer. */
export function createStage(app, options) {
  const box = byId("net");
  const nodes = new vis.DataSet();
  const cards = { shape: "custom", ctxRenderer: ({ ctx, id }) => ({ drawNode: () => drawCard(app, network, ctx, id) }) };
  const network = new vis.Network(box, { nodes, edges: [] }, { ...options, nodes: cards });
  const stage = { box, network, nodes, fitted: true };
  network.on("beforeDrawing", (context) => drawBelow(app, network, box, context));
  watchPointer(app, stage);
  return {
    box,
    network,
    show: (refit) => show(app, stage, refit),
    redraw: () => network.redraw(),
    fit: (quickly) => fit(app, stage, quickly),
    zoom: (factor) => move(stage, network.getViewPosition(), network.getScale() * factor),
    reveal: (card, always) => reveal(stage, card, always),
    centre: (x, y) => network.moveTo({ position: { x, y } }),
    resized: () => resized(app, stage),
    boxInMap: () => boxInMap(network, box),
    pageOf: (card) => pageOf(network, box, card),
    onFrame: (listener) => network.on("afterDrawing", listener),
  };
}

function sceneOf(app, scale) {
  return { view: app.view, lights: app.lights, hoveredLink: app.hoveredLink, palette: app.palette, scale, measure, now: app.model.about.generated_at };
}

function drawCard(app, network, context, id) {
  const card = app.busy ? null : app.view.byKey.get(id);
  if (!card) return;
  const chosen = card === app.selectedCard() || id === app.settings.second;
  const look = { selected: chosen, hovered: card === app.hovered, root: id === app.model.root, faded: isFaded(card, app.lights) };
  paintCard(canvasPen(context), card, look, sceneOf(app, network.getScale()));
}

function drawBelow(app, network, box, context) {
  if (app.busy) return;
  const scale = network.getScale();
  const area = boxInMap(network, box);
  if (scale > 0.35) {
    context.fillStyle = app.palette.grid;
    for (let x = Math.floor(area.left / GRID) * GRID; x < area.right; x += GRID) {
      for (let y = Math.floor(area.top / GRID) * GRID; y < area.bottom; y += GRID) context.fillRect(x - 1, y - 1, 2, 2);
    }
  }
  paintLanes(canvasPen(context), sceneOf(app, scale));
  const selected = app.selectedCard();
  if (selected) paintHalo(canvasPen(context), selected, sceneOf(app, scale));
  paintLinks(canvasPen(context), sceneOf(app, scale), area);
}

function boxInMap(network, box) {
  const first = network.DOMtoCanvas({ x: 0, y: 0 });
  const last = network.DOMtoCanvas({ x: box.clientWidth, y: box.clientHeight });
  return { left: first.x, top: first.y, right: last.x, bottom: last.y };
}

function pageOf(network, box, card) {
  const point = network.canvasToDOM({ x: card.x, y: card.y });
  const frame = box.getBoundingClientRect();
  return { x: point.x + frame.left, y: point.y + frame.top };
}

/** Puts the app's cards on the canvas. Links are painted below them and are not vis-network's: it would walk through
 * every one of them in every frame. */
function show(app, stage, refit) {
  const { network, nodes } = stage;
  app.busy = true; // vis-network would paint every card between these steps
  nodes.clear();
  nodes.add(app.view.cards.map((card) => ({ id: card.key, label: " ", shape: "custom", x: card.x, y: card.y })));
  for (const card of app.view.cards) giveSize(network.body.nodes[card.key], card);
  if (refit) fit(app, stage, true);
  app.busy = false;
  network.redraw();
}

/** vis-network learns a custom shape's size when it first draws it, and draws nothing whose size it does not know
 * while that is off screen (visjs/vis-network#1488): so it is told. */
function giveSize(body, card) {
  if (!body) return;
  Object.assign(body.shape, { customSizeWidth: card.width, customSizeHeight: card.height, width: card.width, height: card.height, radius: card.width / 2 });
  body.updateBoundingBox();
}

/** What of the stage is not behind the panel, which lies over it on narrow screens. */
function freeHeight(box) {
  const panel = byId("panel");
  const frame = box.getBoundingClientRect();
  if (panel.hidden || panel.getBoundingClientRect().left >= frame.right) return box.clientHeight;
  return Math.max(120, panel.getBoundingClientRect().top - frame.top);
}

function move(stage, position, scale, quickly) {
  const held = Math.min(Math.max(scale, SMALLEST), 3);
  const animation = quickly || CALM ? false : { duration: 260, easingFunction: "easeInOutQuad" };
  stage.fitted = false;
  stage.network.moveTo({ position, scale: held, animation });
}

/** Everything at once where that can be read or was asked for; otherwise a readable part of it. */
function fit(app, stage, quickly) {
  const { bounds } = app.view;
  const free = freeHeight(stage.box);
  const wide = (stage.box.clientWidth - 2 * MARGIN.side) / Math.max(bounds.right - bounds.left, 1);
  const high = (free - MARGIN.top - MARGIN.bottom) / Math.max(bounds.bottom - bounds.top, 1);
  const whole = Math.max(Math.min(wide, high, 1.3), SMALLEST);
  const down = (MARGIN.bottom - MARGIN.top + stage.box.clientHeight - free) / 2;
  if (whole >= LEGIBLE || !quickly) {
    move(stage, { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2 + down / whole }, whole, quickly);
  } else {
    const scale = high >= 0.44 ? Math.min(READABLE, high) : READABLE; // all rows at once, if labels are drawn then
    const half = { x: (stage.box.clientWidth / 2 - MARGIN.side) / scale, y: (free - MARGIN.top - MARGIN.bottom) / 2 / scale };
    const { x, y } = startOf(app, half);
    move(stage, { x, y: y + down / scale }, scale, quickly);
  }
  stage.fitted = true;
}

/** Where a map that is too large begins: at the selection or the root, else at its left end, where most stands. */
function startOf(app, half) {
  const { bounds, cardAt, byKey, cards, lanes } = app.view;
  const { root, byId: nodes } = app.model;
  const first = { x: bounds.left, y: lanes.length ? bounds.top : crowded(cards.filter((card) => card.x < bounds.left + 2 * half.x), half.y) };
  const asked = byKey.get(app.settings.selected) || cardAt[nodes.get(root)?.index];
  const within = (wish, least, most) => (least > most ? (least + most) / 2 : Math.min(Math.max(wish, least), most));
  const { x, y } = asked || first;
  const top = bounds.top + half.y;
  const level = within(!asked && y < top + half.y / 3 ? top : y, top, bounds.bottom - half.y); // from the top, if it is near
  // Half a stage of nothing is better than a beginning in the corner.
  const middle = asked && bounds.bottom - bounds.top > 2 * half.y ? within(level, y - half.y / 2, y + half.y / 2) : level;
  return { x: within(x, bounds.left + half.x, bounds.right - half.x), y: middle };
}

const FIRST = 3; // so many cards are worth one at which something begins
const WORTH = 1.25; // how much more there must be elsewhere than at the top

/** The middle of the stretch of this height in which most cards lie: the topmost, if no other has many more. */
function crowded(cards, half) {
  const sorted = [...cards].sort((a, b) => a.y - b.y);
  let top = { worth: 0, y: sorted[0]?.y ?? 0 };
  let best = top;
  let [worth, low] = [0, 0];
  for (const card of sorted) {
    worth += card.column ? 1 : FIRST;
    while (sorted[low].y < card.y - 2 * half + card.height) worth -= sorted[low++].column ? 1 : FIRST;
    if (worth > best.worth) best = { worth, y: (sorted[low].y + card.y) / 2 };
    if (!low) top = { worth, y: (sorted[0].y + card.y) / 2 };
  }
  return best.worth > top.worth * WORTH ? best.y : top.y;
}

function reveal(stage, card, always) {
  const { network, box } = stage;
  if (!card) return;
  const at = network.canvasToDOM({ x: card.x, y: card.y });
  const reach = (card.width / 2) * network.getScale() + 12;
  const seen = at.x > reach && at.x < box.clientWidth - reach && at.y > 76 && at.y < freeHeight(box) - 40;
  if (seen && network.getScale() >= 0.34 && !always) return;
  const scale = Math.max(network.getScale(), READABLE);
  move(stage, { x: card.x, y: card.y + (box.clientHeight - freeHeight(box)) / 2 / scale }, scale);
}

function resized(app, stage) {
  const { network, box } = stage;
  const { fitted } = stage;
  network.setSize(`${box.clientWidth}px`, `${box.clientHeight}px`);
  if (fitted) fit(app, stage, true);
  else network.redraw();
}

/** The card, or else the link, under a point of the stage. */
function under(app, stage, point) {
  const { x, y } = stage.network.DOMtoCanvas(point);
  const inside = (card) => Math.abs(card.x - x) <= card.width / 2 && Math.abs(card.y - y) <= card.height / 2;
  const card = app.view.cards.find(inside) || null;
  if (card) return { card, link: null };
  const limit = 7 / stage.network.getScale();
  let link = null;
  let best = limit;
  for (const each of app.view.links) {
    const away = distance(each.curves, x, y, limit);
    if (away < best) [link, best] = [each, away];
  }
  return { card, link };
}

function watchPointer(app, stage) {
  const { box, network } = stage;
  const point = (event) => {
    const frame = box.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  box.addEventListener("mousemove", (event) => {
    if (event.buttons) return;
    const found = under(app, stage, point(event));
    box.style.cursor = found.card || found.link ? "pointer" : "";
    app.hover(found.card, found.link);
    if (stage.clicked && found.card === stage.clicked.card && found.link === stage.clicked.link) return;
    stage.clicked = null;
    showTip(app, found, point(event), box);
  });
  box.addEventListener("mouseleave", () => {
    app.hover(null, null);
    byId("tip").hidden = true;
  });
  network.on("click", (event) => {
    // What was clicked says no more beside the pointer until that has been elsewhere.
    stage.clicked = under(app, stage, event.pointer.DOM);
    byId("tip").hidden = true;
    app.click(stage.clicked, Boolean(event.event.srcEvent?.shiftKey));
  });
  network.on("doubleClick", (event) => app.doubleClick(under(app, stage, event.pointer.DOM).card));
  network.on("dragStart", () => {
    stage.fitted = false;
    byId("tip").hidden = true;
  });
  network.on("zoom", () => {
    stage.fitted = false;
  });
}

/** Beside the pointer: the whole name of a card, or what a link did. */
function showTip(app, { card, link }, at, box) {
  const tip = byId("tip");
  const lines = document.readyState === "loading" ? null : card ? app.aboutCard(card) : link ? app.aboutLink(link) : null;
  tip.hidden = !lines;
  if (!lines) return;
  tip.replaceChildren(...lines.map((line, index) => el("div", { class: index ? "tip-more" : "tip-first" }, line)));
  const left = Math.min(at.x + 16, box.clientWidth - tip.offsetWidth - 8);
  const below = at.y + 20 + tip.offsetHeight < box.clientHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? at.y + 18 : at.y - tip.offsetHeight - 14}px`;
}
