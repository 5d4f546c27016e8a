// The same as a table: for reading, for screen readers, for print.
import { button, byId, el } from "./dom.js";
import { count, shortMoment } from "./format.js";
import { stateBadge } from "./panel.js";

const HEADS = ["Kind", "Name", "Type or job", "State", "Time", "Inputs", "Outputs"];
const PAGE = 400;
const NEIGHBOURS = 12;

/** The nodes of the present view, in lineage order: by column, then from the top. */
export function rowsOf(app) {
  const shown = app.view.cards.flatMap((card) => card.members.map((index) => app.model.nodes[index]));
  return shown.sort((a, b) => a.column - b.column || a.y - b.y || a.index - b.index);
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
    el("td", {}, run ? stateBadge(node) : node.partial ? el("span", { class: "badge warn" }, "partial") : ""),
    el("td", { class: "time" }, shortMoment(run ? node.data.started_at : node.data.created_at)),
    el("td", {}, near(model.up[node.index], "from")),
    el("td", {}, near(model.down[node.index], "to")),
  );
}

function link(app, node) {
  return button(node.title, () => app.select(node.id), { class: "as-link", dir: "auto" });
}

function neighbours(app, nodes) {
  const links = nodes.slice(0, NEIGHBOURS).flatMap((node, index) => (index ? [", ", link(app, node)] : [link(app, node)]));
  if (nodes.length > NEIGHBOURS) links.push(` and ${count(nodes.length - NEIGHBOURS)} more`);
  return links;
}
