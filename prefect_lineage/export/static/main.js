// Puts the page together.
import { createApp } from "./app.js";
import { button, byId, el } from "./dom.js";
import { showFilters } from "./filters.js";
import { watchSearch } from "./find.js";
import { isCrowded } from "./fold.js";
import { count, counted, moment, shortMoment } from "./format.js";
import { watchKeys } from "./keys.js";
import { watchMinimap } from "./minimap.js";
import { createModel, edgeCount, graphOf } from "./model.js";
import { unshaped } from "./packing.js";
import { readPalette, watchTheme } from "./palette.js";
import { showPanel } from "./panel.js";
import { watchPrinting } from "./printing.js";
import { watchSaving } from "./saving.js";
import { createStage } from "./stage.js";
import { showTable } from "./table.js";
import { watchTime } from "./time.js";

const FOLD_FROM = 150;
const FOLDED = { all: "", run: "", job: ": jobs and artifacts", flow: ": flows and artifacts", artifact: ": artifacts" };
const DEPTHS = [0, 1, 2, 3, 4, 6, 8, 12];

const read = (id) => JSON.parse(byId(id).textContent);

/** The public JSON of a node, out of the block that it stands in; a block is read once. */
function factsReader(size) {
  const blocks = new Map();
  return (index) => {
    const number = Math.floor(index / size);
    if (!blocks.has(number)) blocks.set(number, unshaped(read(`facts-${number}`)));
    return blocks.get(number)(index % size);
  };
}

/** What a fresh page looks like: as it was asked for, folded where there is much. */
function opening(model) {
  const { about, opens } = model;
  const large = opens !== "all";
  return { level: about.level || "run", frames: about.group === "flow", grain: opens, fold: large || model.nodes.length >= FOLD_FROM || isCrowded(model) };
}

function start() {
  const core = read("lineage-data");
  const network = { nodes: read("network-nodes"), edges: read("network-edges") };
  const model = createModel(core, network, factsReader(core.chunk), () => read("lineage-edges"), () => read("lineage-levels"), () => read("lineage-around"));
  const app = createApp(model, opening(model));
  const stage = createStage(app, JSON.parse(read("network-options")));
  app.redraw = stage.redraw;
  app.reveal = stage.reveal;
  app.draw = (what) => draw(app, stage, what);
  byId("empty").hidden = model.nodes.length > 0;
  watchKeys(app, stage);
  watchMinimap(app, stage);
  watchButtons(app, stage);
  watchTheme(() => {
    app.palette = readPalette();
    stage.redraw();
  });
  window.addEventListener("hashchange", () => app.follow(location.hash));
  if (location.hash.length > 1) app.follow(location.hash);
  else app.draw({ changed: true, refit: true });
  expose(app, stage);
  performance.mark("lineage-ready");
  if (hasArrived()) complete(app);
  else document.addEventListener("DOMContentLoaded", () => complete(app));
}

/** Whether the whole page is here: the map is drawn while its facts are still being read. */
const hasArrived = () => document.readyState !== "loading";

/** What needs every node's facts, or can wait for them. */
function complete(app) {
  watchTime(app);
  watchSearch(app);
  watchSaving(app);
  watchPrinting(app);
  if (app.settings.panel || app.settings.table) app.draw({ changed: false });
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
  if (app.showTime) app.showTime();
  showBar(app);
  showStatus(app);
  if (table && hasArrived()) showTable(app);
  const moved = hasArrived() && showPanel(app);
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
  byId("skip").addEventListener("click", () => {
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
  if (lights.way) {
    const second = app.model.byId.get(app.settings.second) || app.view.byKey.get(app.settings.second);
    const says = lights.way.length ? `${counted(lights.way.length - 1, "step")} between ${second.title.slice(0, 60)} and ${card.title.slice(0, 60)}` : `No way along the data between ${second.title.slice(0, 60)} and ${card.title.slice(0, 60)}`;
    bar.replaceChildren(el("span", { class: "sums" }, says), button("End the path", () => app.startPath()), button("✕", () => app.close(), { class: "icon", "aria-label": "Clear the selection" }));
    return;
  }
  if (app.settings.second) {
    bar.replaceChildren(el("span", { class: "sums" }, `Select the other end of the path from ${card.title.slice(0, 60)}`), button("End the path", () => app.startPath()));
    return;
  }
  const sums = el("span", { class: "sums" }, `${count(lights.up.size - lights.own)} up · ${count(lights.down.size - lights.own)} down`);
  const only = button("Only its lineage", () => app.change({ only: !app.settings.only }, true), { "aria-pressed": app.settings.only });
  bar.replaceChildren(way("up", "← Upstream"), way("both", "Both"), way("down", "Downstream →"), depth, only, sums, button("✕", () => app.close(), { class: "icon", "aria-label": "Clear the selection" }));
}

function showStatus(app) {
  const { model, view, settings } = app;
  const { about } = model;
  const runs = model.nodes.filter((node) => node.kind === "run").length;
  const parts = [`${counted(runs, "run")} · ${counted(model.nodes.length - runs, "version")} · ${counted(edgeCount(model), "edge")}`];
  if (view.hidden) parts.push(`${count(view.hidden)} hidden by ${settings.until === null && !settings.only ? "filters" : settings.only ? "“only its lineage”" : "the time"}`);
  if (view.inner) parts.push(`${counted(view.inner, "version")} inside flow runs`);
  if (view.passing) parts.push(`${counted(view.passing, "value")} left out here`);
  if (view.cards.length !== model.nodes.length || settings.level !== "run") parts.push(`${counted(view.cards.length, "card")}${FOLDED[settings.level === "run" ? view.grain : settings.level]}`);
  const cut = model.truncated ? [el("span", { class: "warning" }, `${counted(model.truncated, "node")} left out by a bound`)] : [];
  const missing = app.missing ? [el("span", { class: "warning" }, `The node ${app.missing.slice(0, 80)} is not on this page`)] : [];
  const made = `Made ${shortMoment(about.generated_at)}${about.source ? ` of ${about.source}` : ""}`;
  byId("status").replaceChildren(...parts.map((part) => el("span", {}, part)), ...cut, ...missing, el("span", { class: "made", title: `Made ${moment(about.generated_at)}${about.source ? ` of ${about.source}` : ""}` }, made));
}

/** A small window for tests and for scripts in the console: reads, and selects. */
function expose(app, stage) {
  const places = (point) => Object.fromEntries(app.view.cards.map((card) => [card.key, point(card)]));
  window.lineage = Object.freeze({
    ready: true,
    get data() {
      return { graph: graphOf(app.model), about: app.model.about };
    },
    select: (id) => app.select(id),
    selected: () => app.settings.selected,
    visible: () => app.view.cards.flatMap((card) => card.members.map((index) => app.model.nodes[index].id)),
    faded: () => app.view.cards.filter((card) => app.isFaded(card)).map((card) => card.key),
    view: () => ({ level: app.settings.level, grain: app.settings.grain, cards: app.view.cards.length, links: app.view.links.length, lanes: app.view.lanes.length }),
    titles: () => app.view.cards.map((card) => card.title),
    change: (patch) => app.change(patch, true),
    positions: () => places((card) => stage.pageOf(card)),
    places: () => places((card) => ({ x: card.x, y: card.y, width: card.width, height: card.height })),
  });
}

start();
