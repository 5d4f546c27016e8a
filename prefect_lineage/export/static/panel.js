// The panel on the right: what is known of the selected card, and the way to its neighbours.
import { button, byId, copyButton, drawing, el } from "./dom.js";
import { ageWords, flat, linkWords, previewOf, runFacts, versionFacts } from "./facts.js";
import { count, counted, heading, inline, moment, safeUrl, shortMoment } from "./format.js";
import { iconOf, markColour } from "./icons.js";
import { childrenOf, runOf, versionsOf } from "./model.js";
import { warns } from "./paint.js";
import { staleWords } from "./tips.js";

const PAGE = 40;
const MOST_COLUMNS = 400;

/** Fills, shows or hides the panel. */
export function showPanel(app) {
  const panel = byId("panel");
  const card = app.selectedCard();
  const open = Boolean(card) && app.settings.panel;
  const moved = panel.hidden === open;
  panel.hidden = !open;
  if (open && panel.shown === card && !moved) return false; // the same card: what is open in it stays so
  panel.shown = open ? card : null;
  panel.replaceChildren(...(open ? [...headOf(app, card), ...(card.stack ? stackBody(app, card) : nodeBody(app, card))] : []));
  panel.scrollTop = 0;
  return moved;
}

function headOf(app, card) {
  const close = button("✕", () => app.close(), { class: "icon", "aria-label": "Close the details" });
  const words = el("div", { class: "panel-words" }, el("div", { class: `eyebrow ${card.kind}`, dir: "auto" }, eyebrowOf(card)), el("h2", { dir: "auto" }, card.title));
  const note = card.fresh === "stale" && !card.stack ? [el("p", { class: "note" }, `${staleWords(app.model, card).replace(/^s/, "S")}. `, causeLink(app, card))] : [];
  return [el("div", { class: "panel-head" }, words, close), badgesOf(app, card), ...note, actionsOf(app, card)];
}

function eyebrowOf(card) {
  if (card.stack) return card.label;
  return card.kind === "run" ? `Run · ${card.label.replace(/^.*? · /, "")}` : `Artifact · ${card.group}`;
}

function causeLink(app, card) {
  const cause = app.model.nodes[card.cause];
  return cause ? button("Show what it was made from", () => app.select(cause.id), { class: "as-link" }) : "";
}

function badgesOf(app, card) {
  const list = el("div", { class: "badges" });
  const run = card.flowRun && runOf(app.model, card.flowRun);
  if (run) list.append(stateBadge({ kind: "run", mark: run.mark, state: run.data.state }));
  if (card.stack) list.append(el("span", { class: "badge" }, counted(card.stack, card.noun)));
  else if (card.kind === "run") list.append(stateBadge(card));
  else list.append(...card.data.aliases.map((alias) => el("span", { class: "badge alias" }, alias)));
  list.append(...card.badges.filter(warns).map((badge) => el("span", { class: `badge ${warns(badge)}` }, badge)));
  return list;
}

/** A run's state with its sign. */
export function stateBadge(node) {
  return el("span", { class: `badge state ${markColour(node.mark)}` }, drawing(iconOf(node), "sign"), node.state || "Unknown");
}

function actionsOf(app, card) {
  const { only, second } = app.settings;
  const unfold = app.canUnfold(card) ? [button("Unfold on the map", () => app.unfold(card))] : [];
  return el(
    "div",
    { class: "actions" },
    ...unfold,
    button(only ? "Show the whole map" : "Only its lineage", () => app.change({ only: !only }, true), { "aria-pressed": only }),
    button(second ? "End the path" : "Path to…", () => app.startPath(), { "aria-pressed": Boolean(second), title: "Light the way to what is selected next (p, or Shift and a click)" }),
    button("Copy link", (event) => app.copyLink(event.currentTarget)),
  );
}

function nodeBody(app, node) {
  const { model } = app;
  const [into, out] = node.kind === "run" ? ["Inputs", "Outputs"] : ["Logged by", "Used by"];
  const near = (links, end) => links.map((link) => [model.nodes[link[end]], linkWords(link)]);
  const lists = [...listOf(app, into, near(model.up[node.index], "from")), ...listOf(app, out, near(model.down[node.index], "to"))];
  const facts = node.kind === "run" ? runFacts(node.data, model.about.ui_url) : versionFacts(node.data);
  return [...lists, el("h3", {}, "Details"), factList(app, facts, node), ...schemaOf(node), ...previewPart(node), ...relatives(app, node)];
}

function relatives(app, node) {
  if (node.kind === "run") {
    const inside = childrenOf(app.model, node);
    return inside.length ? listOf(app, "Runs inside", inside.map((run) => [run, run.state])) : [];
  }
  const all = versionsOf(app.model, node);
  const words = (other) => [other.id === node.id ? "this one" : shortMoment(other.data.created_at), other.fresh === "latest" ? "latest" : other.fresh].filter(Boolean).join(" · ");
  return all.length > 1 ? listOf(app, "Versions here", all.map((other) => [other, words(other)])) : [];
}

/** Of a card that stands for many: its neighbours on the map, the flow run's own facts, and its members. */
function stackBody(app, card) {
  const { model, view } = app;
  const words = (link) => (link.times > 1 ? `${count(link.times)} times` : link.how);
  const near = (own, other) => view.links.filter((link) => link[own] === card).map((link) => [link[other], words(link)]);
  const run = card.flowRun && runOf(model, card.flowRun);
  const facts = run ? [el("h3", {}, "Flow run"), factList(app, runFacts(run.data, model.about.ui_url), run)] : [];
  const said = (node) => (node.kind === "run" ? [node.state, shortMoment(node.data.started_at)].filter(Boolean).join(" · ") : shortMoment(node.data.created_at));
  const members = card.members.map((index) => model.nodes[index]).reverse();
  return [...listOf(app, "From", near("to", "from")), ...listOf(app, "To", near("from", "to")), ...facts, ...searchable(app, "Members", members, said)];
}

function factList(app, facts, node) {
  const list = el("dl", {});
  for (const fact of facts) {
    if (fact.as === "tree") list.append(el("dt", { class: "wide" }, fact.label), el("dd", { class: "wide" }, tree(fact.value)));
    else list.append(el("dt", {}, fact.label), el("dd", { class: fact.as === "code" ? "code" : null }, factValue(app, fact, node)));
  }
  return list;
}

function factValue(app, { label, value, as, href }, node) {
  const address = as === "link" ? safeUrl(href || value) : null;
  if (address) return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, value);
  if (as === "node") return nodeValue(app, value);
  if (as === "time") return timeValue(app, value, label === "Created" ? node : null);
  if (as === "code" || as === "link") return el("span", { class: "copied" }, el("span", { dir: "auto" }, String(value)), copyButton(String(value), label));
  return el("span", { dir: "auto" }, inline(value));
}

/** On the reader's clock; in UTC on hover. */
function timeValue(app, iso, node) {
  const age = node ? ageWords(app.model, node).replace(/^ · /, "") : "";
  return [el("time", { datetime: iso, title: moment(iso) }, shortMoment(iso)), age ? el("span", { class: "age" }, ` ${age}`) : null];
}

function nodeValue(app, id) {
  const node = app.model.byId.get(id);
  const around = app.model.around.get(id);
  if (around) return app.showsFlowRun(id) ? button(around.title, () => app.openFlowRun(id), { class: "as-link" }) : el("span", { class: "copied" }, el("span", { dir: "auto", title: id }, around.title), copyButton(id, "its id"));
  if (!node) return el("span", { class: "copied code" }, el("span", {}, id), copyButton(id, "its id"));
  return button(node.title, () => app.select(id), { class: "as-link" });
}

/** Keys and values in two columns; what lies deeper has its whole way as its key. */
function tree(value) {
  const rows = flat(value).map(([path, item]) => el("tr", {}, el("th", { scope: "row", dir: "auto" }, path), el("td", { dir: "auto" }, inline(item))));
  return el("table", { class: "tree" }, el("tbody", {}, rows));
}

function schemaOf(node) {
  const columns = node.data.schema || [];
  if (!columns.length) return [];
  const rows = columns.slice(0, MOST_COLUMNS).map((column) => el("tr", {}, el("th", { scope: "row", dir: "auto" }, column.name), el("td", {}, column.type)));
  const more = columns.length > MOST_COLUMNS ? [el("p", { class: "empty" }, `${count(columns.length - MOST_COLUMNS)} further columns are in the JSON export.`)] : [];
  const head = el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Column"), el("th", { scope: "col" }, "Type")));
  return [el("h3", {}, `Schema · ${counted(columns.length, "column")}`), el("table", { class: "tree" }, head, el("tbody", {}, rows)), ...more];
}

function previewPart(node) {
  const preview = node.kind === "version" ? previewOf(node.data) : null;
  if (!preview) return [];
  const head = el("thead", {}, el("tr", {}, preview.columns.map((name) => el("th", { scope: "col", dir: "auto" }, name))));
  const rows = preview.rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", { dir: "auto" }, inline(cell).slice(0, 200)))));
  return [el("h3", {}, "Preview"), el("div", { class: "sideways", tabindex: "0", role: "region", "aria-label": "Preview of the rows" }, el("table", { class: "tree preview" }, head, el("tbody", {}, rows)))];
}

/** A list with a field that searches in it, where it is long. */
function searchable(app, head, nodes, said) {
  const place = el("div", {});
  const fill = (words) => {
    const found = nodes.filter((node) => node.title.toLowerCase().includes(words) || said(node).toLowerCase().includes(words));
    place.replaceChildren(...listOf(app, head, found.map((node) => [node, said(node)]), words ? nodes.length : null));
  };
  fill("");
  if (nodes.length < 8) return [place];
  return [el("input", { type: "search", class: "within", placeholder: "Find in this group", "aria-label": "Find in this group", oninput: (event) => fill(event.currentTarget.value.trim().toLowerCase()) }), place];
}

function listOf(app, head, entries, of = null) {
  const items = el("ul", { class: "neighbours" });
  const more = button("", () => fill(), { class: "more" });
  let shown = 0;
  const fill = () => {
    items.append(...entries.slice(shown, shown + PAGE).map(([node, words]) => neighbour(app, node, words)));
    shown += PAGE;
    more.hidden = shown >= entries.length;
    more.textContent = `Show ${count(Math.min(PAGE, entries.length - shown))} more of ${count(entries.length - shown)}`;
  };
  fill();
  const sum = of === null ? count(entries.length) : `${count(entries.length)} of ${count(of)}`;
  return [el("h3", {}, `${head} · ${sum}`), entries.length ? items : el("p", { class: "empty" }, "None recorded"), more];
}

function neighbour(app, node, words) {
  const sign = drawing(iconOf(node), `sign ${node.kind === "run" ? markColour(node.mark) : "art"}`);
  const name = el("span", { class: "name", dir: "auto" }, node.title);
  const how = el("span", { class: "how", dir: "auto" }, node.stack ? `${counted(node.stack, node.noun)} · ${words}` : words);
  return el("li", {}, el("button", { type: "button", onclick: () => app.select(node.key || node.id), title: heading(node.kind) }, sign, el("span", { class: "two" }, name, how)));
}
