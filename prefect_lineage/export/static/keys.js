// The keyboard: everything that the pointer can do.
import { byId } from "./dom.js";

const NEXT = { run: "flow", flow: "artifact", artifact: "run" };

/** Keys that act anywhere on the page but in a field. */
export function watchKeys(app, stage) {
  const actions = {
    "/": () => byId("find").focus(),
    ArrowRight: () => app.select(alongLinks(app, "down"), { quiet: true }),
    ArrowLeft: () => app.select(alongLinks(app, "up"), { quiet: true }),
    ArrowDown: () => app.select(inColumn(app, 1), { quiet: true }),
    ArrowUp: () => app.select(inColumn(app, -1), { quiet: true }),
    Enter: () => openOrUnfold(app),
    Escape: () => app.close(),
    f: () => stage.fit(),
    0: () => stage.fit(),
    "+": () => stage.zoom(1.25),
    "=": () => stage.zoom(1.25),
    "-": () => stage.zoom(0.8),
    p: () => app.startPath(),
    l: () => app.toLevel(NEXT[app.settings.level]),
    u: () => app.change({ direction: "up" }),
    d: () => app.change({ direction: "down" }),
    b: () => app.change({ direction: "both" }),
    i: () => app.settings.selected && app.change({ only: !app.settings.only }, true),
    t: () => app.change({ table: !app.settings.table }),
    "?": () => byId("keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (target.closest("input, select, textarea, [role=menu]")) return;
    const onButton = Boolean(target.closest("button, a"));
    if (onButton && event.key === "Enter") return;
    if (app.settings.table && event.key.startsWith("Arrow")) return;
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
}

/** Opens the details; of a stack whose details are open, its members. */
function openOrUnfold(app) {
  const card = app.selectedCard();
  if (card && app.settings.panel && card.stack && app.canUnfold(card)) app.unfold(card);
  else app.open();
}

/** The neighbour that lies nearest in height; at first, the leftmost or rightmost card. */
export function alongLinks(app, direction) {
  const card = app.selectedCard();
  if (!card) return edgeCard(app, direction);
  const near = app.view.links
    .filter((link) => (direction === "down" ? link.from : link.to) === card)
    .map((link) => (direction === "down" ? link.to : link.from));
  near.sort((a, b) => Math.abs(a.y - card.y) - Math.abs(b.y - card.y));
  return near.length ? near[0].key : card.key;
}

function edgeCard(app, direction) {
  const cards = [...app.view.cards].sort((a, b) => a.x - b.x || a.y - b.y);
  const card = direction === "down" ? cards[0] : cards[cards.length - 1];
  return card ? card.key : null;
}

/** The card above or below in the same column. */
export function inColumn(app, step) {
  const card = app.selectedCard();
  if (!card) return edgeCard(app, "down");
  const column = app.view.cards.filter((other) => other.x === card.x).sort((a, b) => a.y - b.y);
  const next = column[column.indexOf(card) + step];
  return next ? next.key : card.key;
}
