// What of the graph is on the map under the present filters. Pure.
import { reach } from "./model.js";
import { arrange } from "./arrange.js";
import { foldsOf } from "./fold.js";
import { curvesOf, columnsOf } from "./curves.js";

/** The settings of a fresh page. */
export function freshSettings() {
  return {
    selected: null,
    direction: "both",
    depth: 0,
    only: false,
    values: true,
    inferred: true,
    fold: false,
    opened: new Set(),
    apart: new Set(),
    offTypes: new Set(),
    offJobs: new Set(),
    offStates: new Set(),
  };
}

/** What of the settings decides on cards and their places: as long as it is the same, a view stays valid. */
export function viewKey(settings) {
  const { selected, direction, depth, only, values, inferred, fold } = settings;
  const focus = only ? [selected, direction, depth] : [];
  const sets = [settings.opened, settings.apart, settings.offTypes, settings.offJobs, settings.offStates].map((set) => [...set].sort());
  return JSON.stringify([focus, values, inferred, fold, fold ? sets : sets.slice(2)]);
}

/** Whether a link counts: inferred ones can be switched off. */
export function usable(settings) {
  return (link) => settings.inferred || link.how !== "inferred";
}

/** The lineage of a node in the chosen direction and depth: two Maps of index → distance. */
export function lineage(model, start, settings) {
  const alone = new Map([[start, 0]]);
  const { direction, depth } = settings;
  return {
    up: direction === "down" ? alone : reach(model, start, "up", depth, usable(settings)),
    down: direction === "up" ? alone : reach(model, start, "down", depth, usable(settings)),
  };
}

function passes(node, settings) {
  if (node.kind === "run") return !settings.offJobs.has(node.group) && !settings.offStates.has(node.data.state);
  return !settings.offTypes.has(node.group) && (settings.values || !node.small);
}

function visibleNodes(model, settings) {
  const start = settings.only ? model.byId.get(settings.selected) : null;
  const near = start && lineage(model, start.index, settings);
  return model.nodes.filter((node) => {
    if (near && !near.up.has(node.index) && !near.down.has(node.index)) return false;
    return passes(node, settings) || node === start;
  });
}

/** Links that lead past hidden values, so that taking values away does not tear the map apart. */
function bridges(model, settings, shown) {
  if (settings.values) return [];
  const found = new Map();
  for (const value of model.nodes) {
    if (!value.small || shown.has(value.index)) continue;
    for (const into of model.up[value.index].filter(usable(settings))) {
      for (const out of model.down[value.index].filter(usable(settings))) {
        const key = `${into.from} ${out.to}`;
        if (into.from === out.to || found.has(key) || !shown.has(into.from) || !shown.has(out.to)) continue;
        const how = into.how === "inferred" || out.how === "inferred" ? "inferred" : out.how;
        found.set(key, { from: into.from, to: out.to, how, via: [value.title], times: 1, edges: [], route: [], bridge: true });
      }
    }
  }
  return [...found.values()];
}

function asCard(node) {
  return { ...node, key: node.id, members: [node.index] };
}

/** Links between cards: those of folded nodes become one, with a count. */
function cardLinks(links, cardAt) {
  const found = new Map();
  for (const link of links) {
    const from = cardAt.get(link.from);
    const to = cardAt.get(link.to);
    if (from === to) continue;
    const key = `${from.key}\u0000${to.key}`;
    const known = found.get(key);
    if (known) {
      known.sources.push(link);
      known.times += link.times;
      if (link.how !== "inferred" && known.how === "inferred") known.how = link.how;
      known.unchanged = known.unchanged && link.unchanged;
      known.partial = known.partial && link.partial;
    } else {
      found.set(key, { ...link, from, to, sources: [link] });
    }
  }
  return [...found.values()];
}

/** Cards and links with their places: all that the stage has to know. */
export function see(model, settings) {
  const nodes = visibleNodes(model, settings);
  const shown = new Set(nodes.map((node) => node.index));
  const inside = (link) => shown.has(link.from) && shown.has(link.to);
  const plain = [...model.links.filter((link) => usable(settings)(link) && inside(link)), ...bridges(model, settings, shown)];
  const folds = settings.fold ? foldsOf(nodes, plain, settings) : [];
  const foldable = settings.fold || foldsOf(nodes, plain, { ...settings, opened: new Set() }).length > 0;
  const folded = new Map(folds.flatMap((card) => card.members.map((index) => [index, card])));
  const singles = nodes.filter((node) => !folded.has(node.index)).map(asCard);
  const cards = [...singles, ...folds];
  const cardAt = new Map(cards.flatMap((card) => card.members.map((index) => [index, card])));
  const links = cardLinks(plain, cardAt);
  if (cards.length !== model.nodes.length) arrange(cards, links);
  const columns = columnsOf(cards);
  for (const link of links) link.curves = curvesOf(link, columns);
  return { cards, links, cardAt, foldable, byKey: new Map(cards.map((card) => [card.key, card])), hidden: model.nodes.length - nodes.length, bounds: boundsOf(cards) };
}

function boundsOf(cards) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const card of cards) {
    box.left = Math.min(box.left, card.x - card.width / 2);
    box.right = Math.max(box.right, card.x + card.width / 2);
    box.top = Math.min(box.top, card.y - card.height / 2);
    box.bottom = Math.max(box.bottom, card.y + card.height / 2);
  }
  return cards.length ? box : { left: 0, top: 0, right: 1, bottom: 1 };
}
