// Puts the page together.
import { createApp } from "./app.js";
import { button, byId, el } from "./dom.js";
import { showFilters } from "./filters.js";
import { watchSearch } from "./find.js";
import { isCrowded } from "./fold.js";
import { count, counted, moment } from "./format.js";
import { watchKeys } from "./keys.js";
import { watchMinimap } from "./minimap.js";
import { createModel } from "./model.js";
import { readPalette, watchTheme } from "./palette.js";
import { showPanel } from "./panel.js";
import { watchSaving } from "./saving.js";
import { createStage } from "./stage.js";
import { showTable } from "./table.js";

const FOLD_FROM = 300;
const DEPTHS = [0, 1, 2, 3, 4, 6, 8, 12];

const read = (id) => JSON.parse(byId(id).textContent);

function start() {
  const network = { nodes: read("network-nodes"), edges: read("network-edges") };
  const model = createModel(read("lineage-data"), network);
  const app = createApp(model, model.nodes.length >= FOLD_FROM || isCrowded(model));
  const stage = createStage(app, JSON.parse(read("network-options")));
  app.redraw = stage.redraw;
  app.reveal = stage.reveal;
  app.draw = (what) => draw(app, stage, what);
  byId("empty").hidden = model.nodes.length > 0;
  watchSearch(app);
  watchSaving(app);
  watchKeys(app, stage);
  watchMinimap(app, stage);
  watchButtons(app, stage);
  watchTheme(() => {
    app.palette = readPalette();
    stage.redraw();
  });
  app.draw({ changed: true, refit: true });
  window.addEventListener("hashchange", () => app.follow(location.hash));
  if (location.hash.length > 1) app.follow(location.hash);
  expose(app, stage);
}

/** Everything that follows from the settings. */
function draw(app, stage, { changed, refit }) {
  const { table } = app.settings;
  byId("table").hidden = !table;
  byId("net").hidden = table;
  byId("zoom").hidden = table;
  byId("tip").hidden = true;
  if (table) byId("minimap").hidden = true;
  byId("graph-view").setAttribute("aria-pressed", String(!table));
  byId("table-view").setAttribute("aria-pressed", String(table));
  if (changed) showFilters(app);
  showBar(app);
  showStatus(app);
  if (table) showTable(app);
  const moved = showPanel(app);
  if (changed) stage.show(refit);
  else stage.redraw();
  if (moved) stage.resized();
}

function watchButtons(app, stage) {
  byId("graph-view").addEventListener("click", () => app.change({ table: false }));
  byId("table-view").addEventListener("click", () => app.change({ table: true }));
  byId("zoom-in").addEventListener("click", () => stage.zoom(1.25));
  byId("zoom-out").addEventListener("click", () => stage.zoom(0.8));
  byId("zoom-fit").addEventListener("click", () => stage.fit());
  byId("help").addEventListener("click", () => byId("keys").showModal());
  byId("side-toggle").addEventListener("click", () => {
    document.body.classList.toggle("side-away");
    stage.resized();
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    app.change({ table: true });
    byId("table").focus();
  });
  new ResizeObserver(() => stage.resized()).observe(byId("stage"));
}

/** The bar above the map: direction and depth of the lit lineage. */
function showBar(app) {
  const bar = byId("bar");
  const card = app.selectedCard();
  bar.hidden = !card || app.settings.table;
  if (bar.hidden) {
    bar.replaceChildren();
    return;
  }
  const way = (direction, text) => button(text, () => app.change({ direction }, app.settings.only), { class: direction, "aria-pressed": app.settings.direction === direction });
  const depth = el("select", { "aria-label": "Depth", onchange: (event) => app.change({ depth: Number(event.currentTarget.value) }, app.settings.only) });
  for (const steps of DEPTHS) {
    depth.append(el("option", { value: steps, selected: steps === app.settings.depth }, steps ? counted(steps, "step") : "All steps"));
  }
  const { lights } = app;
  const sums = el("span", { class: "sums" }, `${count(lights.up.size - card.members.length)} up · ${count(lights.down.size - card.members.length)} down`);
  const only = button("Only its lineage", () => app.change({ only: !app.settings.only }, true), { "aria-pressed": app.settings.only });
  bar.replaceChildren(way("up", "← Upstream"), way("both", "Both"), way("down", "Downstream →"), depth, only, sums, button("✕", () => app.close(), { class: "icon", "aria-label": "Clear the selection" }));
}

function showStatus(app) {
  const { model, view } = app;
  const { about, graph } = model;
  const runs = model.nodes.filter((node) => node.kind === "run").length;
  const parts = [`${counted(runs, "run")} · ${counted(model.nodes.length - runs, "version")} · ${counted(graph.edges.length, "edge")}`];
  if (view.hidden) parts.push(`${count(view.hidden)} hidden by filters`);
  if (view.cards.some((card) => card.stack)) parts.push(`${counted(view.cards.length, "card")}, look-alikes folded`);
  const cut = graph.truncated ? [el("span", { class: "warning" }, `${counted(graph.truncated, "node")} left out by a bound`)] : [];
  const missing = app.missing ? [el("span", { class: "warning" }, `The node ${app.missing.slice(0, 80)} is not on this page`)] : [];
  const made = `Made ${moment(about.generated_at)}${about.source ? ` of ${about.source}` : ""}`;
  byId("status").replaceChildren(...parts.map((part) => el("span", {}, part)), ...cut, ...missing, el("span", { class: "made", title: made }, made));
}

/** A small window for tests and for scripts in the console: reads, and selects. */
function expose(app, stage) {
  const places = (point) => Object.fromEntries(app.view.cards.map((card) => [card.key, point(card)]));
  window.lineage = Object.freeze({
    ready: true,
    get data() {
      return read("lineage-data");
    },
    select: (id) => app.select(id),
    selected: () => app.settings.selected,
    visible: () => app.view.cards.flatMap((card) => card.members.map((index) => app.model.nodes[index].id)),
    faded: () => app.view.cards.filter((card) => app.isFaded(card)).map((card) => card.key),
    positions: () => places((card) => stage.pageOf(card)),
    places: () => places((card) => ({ x: card.x, y: card.y, width: card.width, height: card.height })),
  });
}

start();
