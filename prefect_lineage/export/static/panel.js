// The panel on the right: what is known of the selected card, and the way to its neighbours.
import { button, byId, copyButton, drawing, el } from "./dom.js";
import { flat, linkWords, runFacts, versionFacts } from "./facts.js";
import { count, heading, inline, safeUrl, shortMoment } from "./format.js";
import { iconOf, markColour } from "./icons.js";
import { childrenOf, versionsOf } from "./model.js";
import { warns } from "./paint.js";

const PAGE = 40;

/** Fills, shows or hides the panel. */
export function showPanel(app) {
  const panel = byId("panel");
  const card = app.selectedCard();
  const open = Boolean(card) && app.settings.panel;
  const moved = panel.hidden === open;
  panel.hidden = !open;
  panel.replaceChildren(...(open ? [...headOf(app, card), ...(card.stack ? stackBody(app, card) : nodeBody(app, card))] : []));
  panel.scrollTop = 0;
  return moved;
}

function headOf(app, card) {
  const kind = card.kind === "run" ? "Run" : "Artifact";
  const group = card.kind === "run" ? card.label.replace(/^.*? · /, "") : card.group;
  const close = button("✕", () => app.close(), { class: "icon", "aria-label": "Close the details" });
  const words = el("div", { class: "panel-words" }, el("div", { class: `eyebrow ${card.kind}` }, `${kind} · ${group}`), el("h2", { dir: "auto" }, card.title));
  return [el("div", { class: "panel-head" }, words, close), badgesOf(card), actionsOf(app, card)];
}

function badgesOf(card) {
  const list = el("div", { class: "badges" });
  if (card.stack) list.append(el("span", { class: "badge" }, `${count(card.stack)} ${card.kind === "run" ? "runs" : "versions"}`));
  else if (card.kind === "run") list.append(stateBadge(card));
  else list.append(...card.data.aliases.map((alias) => el("span", { class: "badge alias" }, alias)));
  if (!card.stack) list.append(...card.badges.filter(warns).map((badge) => el("span", { class: "badge warn" }, badge)));
  return list;
}

/** A run's state with its sign. */
export function stateBadge(node) {
  return el("span", { class: `badge state ${markColour(node.mark)}` }, drawing(iconOf(node), "sign"), node.data.state || "Unknown");
}

function actionsOf(app, card) {
  if (card.stack) return el("div", { class: "actions" }, button("Unfold on the map", () => app.unfold(card)));
  return el(
    "div",
    { class: "actions" },
    button(app.settings.only ? "Show the whole map" : "Only its lineage", () => app.change({ only: !app.settings.only }, true), { "aria-pressed": app.settings.only }),
    button("Copy link", (event) => app.copyLink(event.currentTarget)),
  );
}

function nodeBody(app, node) {
  const { model } = app;
  const [into, out] = node.kind === "run" ? ["Inputs", "Outputs"] : ["Logged by", "Used by"];
  const near = (links, end) => links.map((link) => [model.nodes[link[end]], linkWords(link)]);
  const lists = [...listOf(app, into, near(model.up[node.index], "from")), ...listOf(app, out, near(model.down[node.index], "to"))];
  const facts = node.kind === "run" ? runFacts(node.data, model.about.ui_url) : versionFacts(node.data);
  return [...lists, el("h3", {}, "Details"), factList(app, facts), ...schemaOf(node), ...relatives(app, node)];
}

function relatives(app, node) {
  if (node.kind === "run") {
    const inside = childrenOf(app.model, node);
    return inside.length ? listOf(app, "Runs inside", inside.map((run) => [run, run.data.state])) : [];
  }
  const all = versionsOf(app.model, node);
  const words = (other) => (other === node ? "this one" : shortMoment(other.data.created_at));
  return all.length > 1 ? listOf(app, "Versions here", all.map((other) => [other, words(other)])) : [];
}

function stackBody(app, card) {
  const members = card.members.map((index) => app.model.nodes[index]);
  const words = (node) => (node.kind === "run" ? node.data.state : shortMoment(node.data.created_at));
  return listOf(app, "Members", members.map((node) => [node, words(node)]).reverse());
}

function factList(app, facts) {
  const list = el("dl", {});
  for (const fact of facts) {
    if (fact.as === "tree") list.append(el("dt", { class: "wide" }, fact.label), el("dd", { class: "wide" }, tree(fact.value)));
    else list.append(el("dt", {}, fact.label), el("dd", { class: fact.as === "code" ? "code" : null }, factValue(app, fact)));
  }
  return list;
}

function factValue(app, { label, value, as }) {
  if (as === "link") return el("a", { href: safeUrl(value), target: "_blank", rel: "noopener noreferrer" }, value);
  if (as === "node") return nodeValue(app, value);
  if (as === "code") return el("span", { class: "copied" }, el("span", { dir: "auto" }, String(value)), copyButton(String(value), label));
  return el("span", { dir: "auto" }, inline(value));
}

function nodeValue(app, id) {
  const node = app.model.byId.get(id);
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
  const rows = columns.slice(0, 400).map((column) => el("tr", {}, el("th", { scope: "row", dir: "auto" }, column.name), el("td", {}, column.type)));
  const more = columns.length > 400 ? [el("p", { class: "empty" }, `${count(columns.length - 400)} further columns are in the JSON export.`)] : [];
  return [el("h3", {}, `Schema · ${count(columns.length)} columns`), el("table", { class: "tree" }, el("tbody", {}, rows)), ...more];
}

function listOf(app, head, entries) {
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
  return [el("h3", {}, `${head} · ${count(entries.length)}`), entries.length ? items : el("p", { class: "empty" }, "None recorded"), more];
}

function neighbour(app, node, words) {
  const sign = drawing(iconOf(node), `sign ${node.kind === "run" ? markColour(node.mark) : "art"}`);
  const name = el("span", { class: "name", dir: "auto" }, node.title);
  return el("li", {}, el("button", { type: "button", onclick: () => app.select(node.id), title: heading(node.kind) }, sign, el("span", { class: "two" }, name, el("span", { class: "how" }, words))));
}
