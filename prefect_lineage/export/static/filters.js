// The left side: the legend, and the filters in one.
import { button, byId, drawing, el } from "./dom.js";
import { count } from "./format.js";
import { markColour, markPath, typePath } from "./icons.js";
import { tally } from "./model.js";

const MOST = 12;
const LEVELS = [["run", "Runs", "Every run and every version"], ["flow", "Flows", "A flow run is one card"], ["artifact", "Artifacts", "Artifact to artifact; runs are on the links"]];
const TOO_MANY = "Too many to be looked at: search, unfold one card, or show only one lineage";

/** Draws the filters anew. */
export function showFilters(app) {
  const { model } = app;
  const signs = app.signs || (app.signs = signsOf(model));
  const group = (node) => node.group;
  const state = (node) => node.state;
  const typeSign = (type) => drawing(typePath(signs.types.get(type)), "sign art chip");
  const jobSign = () => el("span", { class: "pill", "aria-hidden": "true" });
  const stateSign = (name) => drawing(markPath(signs.states.get(name)), `sign ${markColour(signs.states.get(name))}`);
  app.tallies = app.tallies || { types: tally(model, "version", group), jobs: tally(model, "run", group), states: tally(model, "run", state) };
  byId("filters").replaceChildren(
    ...levels(app),
    ...switches(app),
    ...section(app, "Artifacts", "offTypes", app.tallies.types, typeSign),
    ...section(app, "Jobs", "offJobs", app.tallies.jobs, jobSign, (job) => signs.jobs.get(job).replace(/^[A-Z]+ · /, "")),
    ...section(app, "Run states", "offStates", app.tallies.states, stateSign),
    ...legend(app),
  );
}

function levels(app) {
  const { settings } = app;
  const choice = ([level, text, title]) => button(text, () => app.toLevel(level), { "aria-pressed": settings.level === level, title });
  return [el("h2", { id: "level-head" }, "Level"), el("div", { class: "segments wide", role: "group", "aria-labelledby": "level-head" }, LEVELS.map(choice))];
}

/** What a type, a state and a job look like, and what else the filters ask of every node: found out once. */
function signsOf(model) {
  const signs = { types: new Map(), states: new Map(), jobs: new Map(), values: 0, flows: new Set(), partial: false, fresh: new Set(), how: new Map() };
  for (const node of model.nodes) {
    if (node.kind === "run") {
      signs.states.set(node.state, node.mark);
      signs.jobs.set(node.group, node.label);
      signs.flows.add(node.flow_run || node.id);
    } else {
      signs.types.set(node.group, node.icon);
      signs.fresh.add(node.fresh);
      signs.values += node.small ? 1 : 0;
    }
    signs.partial = signs.partial || node.partial;
  }
  for (const link of model.links) signs.how.set(link.how, (signs.how.get(link.how) || 0) + 1);
  return signs;
}

function section(app, head, key, entries, sign, name = (value) => value) {
  if (!entries.length) return [];
  const all = app.unfolded?.has(key) || entries.length <= MOST + 3;
  const values = entries.map(([value]) => value);
  const rows = entries.slice(0, all ? entries.length : MOST).map(([value, number]) => row({
    checked: !app.settings[key].has(value),
    sign: sign(value),
    text: name(value) || "unknown",
    title: value,
    number,
    toggle: (on) => app.toggle(key, value, on),
    solo: entries.length > 1 ? () => app.solo(key, value, values) : null,
  }));
  const more = all ? [] : [button(`Show all ${count(entries.length)}`, () => {
    app.unfolded = new Set([...(app.unfolded || []), key]);
    showFilters(app);
  }, { class: "more" })];
  return [el("h2", {}, head), ...rows, ...more];
}

/** `hides` is whether a row without its tick takes something off the map; `idle` is why it can do nothing. */
function row({ checked, sign, text, title, number, toggle, solo = null, hides = true, idle = "", type = "checkbox", name = null }) {
  const box = el("input", { type, name, onchange: (event) => toggle(event.currentTarget.checked) });
  box.checked = checked;
  box.disabled = Boolean(idle);
  const amount = number === undefined ? null : el("span", { class: "amount" }, count(number));
  const label = el("label", { class: hides ? "filter hides" : "filter", title: idle || title }, box, sign, el("span", { class: "name", dir: "auto" }, text), amount);
  if (!solo) return label;
  return el("div", { class: "filter-row" }, label, button("only", solo, { class: "solo", "aria-label": `Only ${String(text).slice(0, 80)}` }));
}

function switches(app) {
  const { settings, view } = app;
  const { values } = app.signs;
  const inferred = app.signs.how.get("inferred") || 0;
  const flows = app.signs.flows.size;
  const entries = settings.level === "run" ? grains(app) : [];
  if (settings.level === "run") {
    const idle = settings.grain !== "all" ? "Jobs and artifacts are folded already" : view.foldable ? "" : "Nothing to fold: no four runs of one job or versions of one artifact, and no twelve versions of one type, have the same neighbours";
    entries.push(row({ checked: settings.fold, sign: el("span", { class: "stack", "aria-hidden": "true" }), text: "Fold look-alikes (4+)", title: "Cards that play the same part, as one stack", hides: false, idle, toggle: (on) => app.change({ fold: on, opened: new Set() }, true) }));
    const [framed, says] = settings.grain === "all" ? ["Frame flow runs", "What each flow run did, in a lane of its own"] : ["Frame flows", "What the runs of each flow did, in a lane of its own"];
    if (flows > 1) entries.push(row({ checked: settings.frames, sign: el("span", { class: "frame", "aria-hidden": "true" }), text: framed, title: says, hides: false, idle: view.cards.length > 1500 ? TOO_MANY : "", toggle: (on) => app.change({ frames: on }, true) }));
  }
  if (values) entries.push(row({ checked: settings.values, sign: drawing(typePath("value"), "sign art"), text: "Values", title: "Values passed from task to task in memory", number: values, idle: settings.level === "flow" ? "A flow run's values are its own" : "", toggle: (on) => app.change({ values: on }, true) }));
  if (inferred) entries.push(row({ checked: settings.inferred, sign: line("dashed"), text: "Inferred links", title: "Links that were concluded, not seen", number: inferred, toggle: (on) => app.change({ inferred: on }, true) }));
  return entries.length ? [el("div", { class: "switches" }, entries)] : [];
}

/** How coarse the map is, for graphs that are worth an overview. */
function grains(app) {
  const { model, settings } = app;
  if (model.nodes.length <= 24) return [];
  const choices = [["flow", "Flows and artifacts"], ["job", "Jobs and artifacts"], ["all", "Runs and versions"]];
  const idle = (grain) => (grain === "all" && model.nodes.length > 10_000 ? TOO_MANY : "");
  return choices.map(([grain, text]) => row({ type: "radio", name: "grain", checked: settings.grain === grain, sign: el("span", { class: `grain ${grain}`, "aria-hidden": "true" }), text, hides: false, idle: idle(grain), toggle: () => app.change({ grain, opened: new Set(), apart: new Set(), only: false }, true) }));
}

const line = (name) => el("span", { class: `line ${name}`, "aria-hidden": "true" });

function legend(app) {
  const { signs } = app;
  const has = (how) => signs.how.has(how);
  const lines = [["solid", "observed"], ...(has("declared") ? [["declared", "declared in code"]] : []), ...(has("inferred") ? [["dashed", "inferred"]] : [])];
  const marks = [
    [signs.partial, "partial", "partial: the attempt failed"],
    [signs.fresh.has("stale"), "stale-sign", "stale: its input has changed"],
    [signs.fresh.has("older"), "older-sign", "not the latest version"],
  ].filter(([shown]) => shown);
  const entry = (sign, text) => el("div", { class: "legend" }, sign, text);
  return [el("h2", {}, "Legend"), ...lines.map(([name, text]) => entry(line(name), text)), ...marks.map(([, name, text]) => entry(el("span", { class: name, "aria-hidden": "true" }), text))];
}
