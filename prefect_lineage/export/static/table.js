// The same as a table: for reading, for screen readers, for print.
import { button, byId, el } from "./dom.js";
import { bytes, count, duration, moment, shortMoment } from "./format.js";
import { warns } from "./paint.js";
import { stateBadge } from "./panel.js";

const HEADS = ["Kind", "Name", "Type or job", "State", "Time", "Size", "Inputs", "Outputs"];
const PAGE = 400;
const NEIGHBOURS = 12;

/** The nodes of the present view, in lineage order: by column, then from the top. */
export function rowsOf(app) {
  const shown = app.view.cards.flatMap((card) => card.members.map((index) => app.model.nodes[index]));
  const level = (node) => app.view.cardAt[node.index]?.column ?? 0;
  return shown.sort((a, b) => level(a) - level(b) || (a.y ?? 0) - (b.y ?? 0) || a.index - b.index);
}

/** Draws the table anew. */
export function showTable(app) {
  const nodes = rowsOf(app);
  const body = el("tbody", {});
  const more = button("", () => fill(), { class: "more" });
  let shown = 0;
  const fill = () => {
    body.append(...nodes.slice(shown, shown + PAGE).map((node) => rowOf(app, node)));
    shown += PAGE;
    more.hidden = shown >= nodes.length;
    more.textContent = `Show ${count(Math.min(PAGE, nodes.length - shown))} more of ${count(nodes.length - shown)} rows`;
  };
  fill();
  const caption = el("caption", {}, `${app.model.about.title}: runs and versions in the order of the data`);
  const head = el("thead", {}, el("tr", {}, HEADS.map((name) => el("th", { scope: "col" }, name))));
  byId("table").replaceChildren(el("table", { class: "rows" }, caption, head, body), more);
}

function rowOf(app, node) {
  const { model } = app;
  const run = node.kind === "run";
  const near = (links, end) => neighbours(app, links.map((link) => model.nodes[link[end]]));
  const chosen = node.id === app.settings.selected;
  return el(
    "tr",
    { class: chosen ? "chosen" : null, "aria-selected": chosen ? "true" : null },
    el("td", {}, run ? "Run" : "Artifact"),
    el("th", { scope: "row" }, link(app, node)),
    el("td", { dir: "auto" }, node.group),
    el("td", {}, run ? stateBadge(node) : "", ...node.badges.map((badge) => el("span", { class: `badge ${warns(badge) || "alias"}` }, badge))),
    el("td", { class: "time" }, timeOf(run ? node.data.started_at : node.data.created_at)),
    el("td", { class: "size" }, sizeOf(node)),
    el("td", {}, near(model.up[node.index], "from")),
    el("td", {}, near(model.down[node.index], "to")),
  );
}

function timeOf(iso) {
  return iso ? el("time", { datetime: iso, title: moment(iso) }, shortMoment(iso)) : "";
}

function sizeOf(node) {
  if (node.kind === "run") return node.seconds === null ? "" : duration(node.seconds);
  return [node.rows === null ? "" : `${count(node.rows)} rows`, node.size === null ? "" : bytes(node.size)].filter(Boolean).join(", ");
}

function link(app, node) {
  return button(node.title, () => app.select(node.id), { class: "as-link", dir: "auto" });
}

function neighbours(app, nodes) {
  const links = nodes.slice(0, NEIGHBOURS).flatMap((node, index) => (index ? [", ", link(app, node)] : [link(app, node)]));
  if (nodes.length > NEIGHBOURS) links.push(` and ${count(nodes.length - NEIGHBOURS)} more`);
  return links;
}
