// The search box: everything on the page, whatever the filters say.
import { announce, byId, drawing, el } from "./dom.js";
import { counted } from "./format.js";
import { iconOf, markColour } from "./icons.js";
import { foundIn, search, searchText } from "./searching.js";

/** Makes the box work. */
export function watchSearch(app) {
  const input = byId("find");
  const list = byId("hits");
  const state = { app, input, list, hits: [], at: -1, texts: null };
  input.addEventListener("input", () => look(state));
  input.addEventListener("focus", () => look(state));
  input.addEventListener("blur", () => close(state));
  input.addEventListener("keydown", (event) => key(state, event));
}

/** The flow run of a run, where it is no card of its own. */
const flowRunAround = (app, node) => app.model.around.get(node.flow_run);

function look(state) {
  const { app, input, list } = state;
  if (!input.value.trim()) {
    close(state);
    return;
  }
  state.texts = state.texts || app.model.nodes.map((node) => searchText(node, flowRunAround(app, node)));
  state.hits = search(app.model, state.texts, input.value);
  list.replaceChildren(...state.hits.map((node, index) => hit(state, node, index)));
  if (!state.hits.length) list.append(el("li", { class: "none" }, "Nothing on this page has all of these words."));
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  mark(state, state.hits.length ? 0 : -1);
  announce(counted(state.hits.length, "hit"));
}

function hit(state, node, index) {
  const choose = (event) => {
    event.preventDefault(); // keep the focus, or the list would close before the click arrives
    pick(state, index);
  };
  return el(
    "li",
    { id: `hit-${index}`, role: "option", onmousedown: choose },
    drawing(iconOf(node), `sign ${node.kind === "run" ? markColour(node.mark) : "art"}`),
    el("span", { class: "name", dir: "auto" }, ...marked(node.title, state.input.value)),
    el("span", { class: "how" }, foundIn(node, state.input.value, flowRunAround(state.app, node))),
  );
}

function marked(title, words) {
  const term = words.trim().toLowerCase().split(/\s+/)[0];
  const at = title.toLowerCase().indexOf(term);
  if (at < 0) return [title];
  return [title.slice(0, at), el("mark", {}, title.slice(at, at + term.length)), title.slice(at + term.length)];
}

function mark(state, index) {
  state.at = index;
  [...state.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === index)));
  if (index < 0) {
    state.input.removeAttribute("aria-activedescendant");
    return;
  }
  state.input.setAttribute("aria-activedescendant", `hit-${index}`);
  state.list.children[index].scrollIntoView({ block: "nearest" });
}

function pick(state, index) {
  const node = state.hits[index];
  if (!node) return;
  close(state);
  state.input.value = "";
  state.input.blur();
  state.app.select(node.id);
}

function close(state) {
  state.list.hidden = true;
  state.input.setAttribute("aria-expanded", "false");
  state.input.removeAttribute("aria-activedescendant");
}

function key(state, event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps && state.hits.length) {
    mark(state, Math.min(Math.max(state.at + steps[event.key], 0), state.hits.length - 1));
    event.preventDefault();
  } else if (event.key === "Enter") {
    pick(state, state.at);
  } else if (event.key === "Escape") {
    state.input.value = "";
    close(state);
    state.input.blur();
  }
  event.stopPropagation();
}
