// The left side: the legend, and the filters in one.
import { byId, drawing, el } from "./dom.js";
import { count } from "./format.js";
import { markColour, markPath, typePath } from "./icons.js";
import { tally } from "./model.js";

const MOST = 30;

/** Draws the filters anew. */
export function showFilters(app) {
  const { model } = app;
  const first = (kind, key, value) => model.nodes.find((node) => node.kind === kind && key(node) === value);
  const group = (node) => node.group;
  const state = (node) => node.data.state;
  const typeSign = (type) => drawing(typePath(first("version", group, type).icon), "sign art chip");
  const jobSign = () => el("span", { class: "pill", "aria-hidden": "true" });
  const stateSign = (name) => drawing(markPath(first("run", state, name).mark), `sign ${markColour(first("run", state, name).mark)}`);
  byId("filters").replaceChildren(
    ...section(app, "Artifacts", "offTypes", tally(model, "version", group), typeSign),
    ...section(app, "Jobs", "offJobs", tally(model, "run", group), jobSign, shortJob(model)),
    ...section(app, "Run states", "offStates", tally(model, "run", state), stateSign),
    ...switches(app),
  );
}

function shortJob(model) {
  const names = new Map(model.nodes.filter((node) => node.kind === "run").map((node) => [node.group, node.label.replace(/^[A-Z]+ · /, "")]));
  return (job) => names.get(job) || job;
}

function section(app, head, key, entries, sign, name = (value) => value) {
  if (!entries.length) return [];
  const rows = entries.slice(0, MOST).map(([value, number]) => row({
    checked: !app.settings[key].has(value),
    sign: sign(value),
    text: name(value) || "unknown",
    title: value,
    number,
    toggle: (on) => app.toggle(key, value, on),
  }));
  const more = entries.length > MOST ? [el("p", { class: "empty" }, `${count(entries.length - MOST)} more: use the search`)] : [];
  return [el("h2", {}, head), ...rows, ...more];
}

/** `hides` is whether a row without its tick takes something off the map; `idle` is why it can do nothing. */
function row({ checked, sign, text, title, number, toggle, hides = true, idle = "" }) {
  const box = el("input", { type: "checkbox", onchange: (event) => toggle(event.currentTarget.checked) });
  box.checked = checked;
  box.disabled = Boolean(idle);
  const amount = number === undefined ? null : el("span", { class: "amount" }, count(number));
  return el("label", { class: hides ? "filter hides" : "filter", title: idle || title }, box, sign, el("span", { class: "name", dir: "auto" }, text), amount);
}

function switches(app) {
  const { model, settings } = app;
  const values = model.nodes.filter((node) => node.small).length;
  const inferred = model.links.filter((link) => link.how === "inferred").length;
  const declared = model.links.some((link) => link.how === "declared");
  const line = (name) => el("span", { class: `line ${name}`, "aria-hidden": "true" });
  const entries = [];
  if (values) entries.push(row({ checked: settings.values, sign: drawing(typePath("value"), "sign art"), text: "Values", title: "Values passed from task to task in memory", number: values, toggle: (on) => app.change({ values: on }, true) }));
  if (inferred) entries.push(row({ checked: settings.inferred, sign: line("dashed"), text: "Inferred links", title: "Links that were concluded, not seen", number: inferred, toggle: (on) => app.change({ inferred: on }, true) }));
  const idle = app.view.foldable ? "" : "Nothing to fold: no four runs of one job or versions of one artifact, and no twelve versions of one type, have the same neighbours";
  const stack = el("span", { class: "stack", "aria-hidden": "true" });
  entries.push(row({ checked: settings.fold, sign: stack, text: "Fold look-alikes (4+)", title: "Cards that play the same part, as one stack", hides: false, idle, toggle: (on) => app.change({ fold: on, opened: new Set() }, true) }));
  const legend = [["solid", "observed"], ...(declared ? [["declared", "declared in code"]] : []), ...(inferred ? [["dashed", "inferred"]] : [])];
  const partial = model.nodes.some((node) => node.partial) ? [el("div", { class: "legend" }, el("span", { class: "partial", "aria-hidden": "true" }), "partial: the attempt failed")] : [];
  return [el("h2", {}, "Map"), ...entries, el("h2", {}, "Legend"), ...legend.map(([name, text]) => el("div", { class: "legend" }, line(name), text)), ...partial];
}
