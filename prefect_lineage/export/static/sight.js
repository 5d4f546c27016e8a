// What of the graph is on the map under the present settings. Pure.
import { arrange } from "./arrange.js";
import { curvesOf, columnsOf } from "./curves.js";
import { foldsOf } from "./fold.js";
import { counted } from "./format.js";
import { flowRunOf, groupCard, groupsOf, innerVersions } from "./grains.js";
import { linkTimes, reach, runOf } from "./model.js";
import { acrossRuns, bridges, without } from "./projection.js";

const UNFOLDED = 400;
const MANY = 1 << 20; // more than a view has cards

/** The settings of a fresh page. */
export function freshSettings() {
  return {
    selected: null,
    second: null,
    direction: "both",
    depth: 0,
    only: false,
    level: "run",
    grain: "all",
    frames: false,
    values: true,
    inferred: true,
    fold: false,
    until: null,
    since: null,
    opened: new Set(),
    apart: new Set(),
    offTypes: new Set(),
    offJobs: new Set(),
    offStates: new Set(),
  };
}

/** What of the settings decides on cards and their places: as long as it is the same, a view stays valid. */
export function viewKey(settings) {
  const { selected, direction, depth, only, level, grain, frames, values, inferred, fold, until } = settings;
  const focus = only ? [selected, direction, depth] : [];
  const folded = fold || grain !== "all";
  const sets = [settings.opened, settings.apart, settings.offTypes, settings.offJobs, settings.offStates].map((set) => [...set].sort());
  return JSON.stringify([focus, level, grain, frames, values, inferred, fold, until, folded ? sets : sets.slice(2)]);
}

/** Whether a link counts: inferred ones can be switched off. */
export function usable(settings) {
  return (link) => settings.inferred || link.how !== "inferred";
}

/** The lineage of some nodes in the chosen direction and depth: two Maps of index → distance. */
export function lineage(model, starts, settings) {
  const { direction, depth } = settings;
  const alone = new Map([starts].flat().map((start) => [start, 0]));
  return {
    up: direction === "down" ? alone : reach(model, starts, "up", depth, usable(settings)),
    down: direction === "up" ? alone : reach(model, starts, "down", depth, usable(settings)),
  };
}

/** Whether filters and the time let a node through; values apart. */
function passes(node, settings) {
  if (settings.until !== null && node.time !== null && node.time > settings.until) return false;
  if (node.kind === "run") return !settings.offJobs.has(node.group) && !settings.offStates.has(node.state);
  return !settings.offTypes.has(node.group);
}

/** The nodes of a card that is not on the view: of a node, of a group. */
function startsOf(model, settings, known) {
  const node = model.byId.get(settings.selected);
  if (node) return [node.index];
  return known?.get(settings.selected)?.members || null;
}

/** Which nodes there are, values included: `hidden` are the values among them that are not to be shown. */
function chosen(model, settings, known) {
  const starts = settings.only ? startsOf(model, settings, known) : null;
  const near = starts && lineage(model, starts, settings);
  const start = new Set(starts || []);
  const all = model.nodes.filter((node) => {
    if (near && !near.up.has(node.index) && !near.down.has(node.index)) return false;
    return passes(node, settings) || start.has(node.index);
  });
  const flows = settings.level === "flow";
  const stays = (node) => start.has(node.index) || (flows && node.id === model.root); // what the map was made of
  const hidden = settings.values && !flows ? [] : all.filter((node) => node.small && !stays(node));
  const inner = flows ? innerVersions(model, all).filter((node) => !node.small && !stays(node)) : [];
  const off = new Set([...hidden, ...inner].map((node) => node.index));
  return { nodes: off.size ? all.filter((node) => !off.has(node.index)) : all, hidden, inner };
}

/** The links between the chosen nodes, on the chosen level. */
function linksAmong(model, { nodes, hidden }, settings) {
  const shown = new Set(nodes.map((node) => node.index));
  const counts = usable(settings);
  const times = settings.until === null ? null : linkTimes(model);
  const known = (link) => counts(link) && (!times || times[link.index] <= settings.until);
  if (settings.level === "artifact") {
    const every = new Set([...shown, ...hidden.map((node) => node.index)]);
    const across = acrossRuns(model, nodes.filter((node) => node.kind === "run"), every, known);
    return hidden.length ? without(across, hidden) : across;
  }
  const plain = model.links.filter((link) => shown.has(link.from) && shown.has(link.to) && known(link));
  return hidden.length ? [...plain, ...bridges(model, hidden, shown, known)] : plain;
}

function asCard(node) {
  return node.with({ key: node.id, members: [node.index] });
}

/** Cards of the chosen nodes: groups first, then look-alikes among what stands alone. */
function cardsOf(model, nodes, links, settings) {
  const cards = [];
  const singles = [];
  for (const [key, members] of groupsOf(nodes, settings)) {
    const card = groupCard(model, key, members, settings);
    if (card) cards.push(card);
    else singles.push(...members);
  }
  if (settings.level === "artifact") return { cards: [...cards, ...singles.map(asCard)], foldable: false };
  const free = settings.level === "run" && settings.grain === "all";
  const folds = free && settings.fold ? foldsOf(singles, links, settings) : [];
  const foldable = free && (settings.fold || foldsOf(singles, links, { ...settings, opened: new Set() }).length > 0);
  const held = new Set(folds.flatMap((card) => card.members));
  return { cards: [...singles.filter((node) => !held.has(node.index)).map(asCard), ...folds, ...cards], foldable };
}

/** Links between cards: those of folded nodes become one, with a count. */
function cardLinks(links, cardAt, { level, grain }) {
  const found = new Map();
  for (const link of links) {
    const from = cardAt[link.from];
    const to = cardAt[link.to];
    if (!from || !to || from === to) continue;
    const known = found.get(from.number * MANY + to.number);
    if (known) merge(known, link);
    else found.set(from.number * MANY + to.number, cardLink(link, from, to));
  }
  // What a flow, or a run of one, writes and reads again is its own business: only the writing is drawn.
  const own = (card) => (level === "flow" ? card.kind === "run" : level === "run" && grain === "flow" && card.key.startsWith("flow:"));
  return [...found.values()].filter((link) => !own(link.to) || !found.has(link.to.number * MANY + link.from.number));
}

function cardLink(link, from, to) {
  const { how, via, times, unchanged, partial, route, bridge, job } = link;
  return { from, to, how, via, times, unchanged, partial, route, bridge, job, sources: [link], key: `${from.key}\u0000${to.key}` };
}

function merge(known, link) {
  known.sources.push(link);
  known.times += link.times;
  if (known.sources.length <= 40 && !link.via.every((call) => known.via.includes(call))) known.via = [...new Set([...known.via, ...link.via])];
  if (link.how !== "inferred" && known.how === "inferred") known.how = link.how;
  known.unchanged = known.unchanged && link.unchanged;
  known.partial = known.partial && link.partial;
}

/**
 * Lanes of flow runs, or of flows where a card stands for the runs of many: a version lies with the run that wrote it,
 * or else with the first that read it.
 */
function lanesOf(model, cards, { grain }) {
  const coarse = grain !== "all";
  const words = coarse ? flowTitles(model) : null;
  const numbers = new Map();
  const names = [];
  const laneOf = (card) => {
    const node = model.nodes[card.members[0]];
    const run = node.kind === "run" ? node : model.nodes[model.up[node.index][0]?.from ?? model.down[node.index][0]?.to];
    const id = !run ? "" : coarse ? run.flow || run.group : flowRunOf(run);
    if (!numbers.has(id)) {
      numbers.set(id, names.length);
      names.push({ id, title: !run ? "Without a run" : coarse ? words.get(id) : laneTitle(model, run, id) });
    }
    return numbers.get(id);
  };
  const byTime = [...cards].sort((a, b) => (a.time ?? 0) - (b.time ?? 0) || a.members[0] - b.members[0]);
  for (const card of byTime) laneOf(card);
  return { laneOf, names };
}

/** What each flow is called where all its runs lie together: "nightly · 29 flow runs". */
function flowTitles(model) {
  const found = new Map();
  for (const node of model.nodes) {
    if (node.kind !== "run") continue;
    const flow = node.flow || node.group;
    if (!found.has(flow)) found.set(flow, new Set());
    found.get(flow).add(flowRunOf(node));
  }
  return new Map([...found].map(([flow, runs]) => [flow, `${flow} · ${counted(runs.size, "flow run")}`]));
}

function laneTitle(model, run, id) {
  const own = runOf(model, id);
  const flow = run.flow || run.group;
  return own && own !== run ? `${flow} · ${own.title}` : `${flow} · ${id.slice(0, 8)}`;
}

/** Gives the cards of a view their places: those that were found beforehand, or new ones. */
function place(model, cards, links, settings) {
  if (settings.frames && settings.level === "run") return placeInLanes(model, cards, links, settings);
  const home = model.homes.get(settings.level);
  const sliding = settings.until !== null && !settings.only; // what comes later leaves its place empty
  if (home && (sliding || cards.length === home.cards.size) && cards.every((card) => home.cards.has(card.key))) {
    for (const card of cards) Object.assign(card, home.cards.get(card.key));
    for (const link of links) link.route = home.routes.get(link.key) || [];
    return [];
  }
  const whole = model.placed && settings.level === "run" && (cards.length === model.nodes.length || (sliding && cards.every((card) => !card.stack)));
  if (!whole) arrange(cards, links);
  return [];
}

/** The same in lanes: all cards where they were placed beforehand; stacks and a part of them by the order of those. */
function placeInLanes(model, cards, links, settings) {
  const { laneOf, names } = lanesOf(model, cards, settings);
  const home = settings.grain === "all" ? model.homes.get("frames") : null;
  const own = (lane) => cards.filter((card) => laneOf(card) === lane);
  const told = (lane) => ({ ...lane, ...names[lane.lane], ...sides(own(lane.lane)) });
  if (!home) return arrange(cards, links, laneOf).map(told);
  for (const card of cards) {
    const places = card.members.map((index) => home.cards.get(model.nodes[index].id));
    const y = places.reduce((sum, place) => sum + place.y, 0) / places.length;
    Object.assign(card, { x: places[0].x, y, column: places[0].column, width: places[0].width });
  }
  if (cards.length < home.cards.size) return arrange(cards, links, laneOf, true).map(told);
  for (const link of links) link.route = home.routes.get(link.key) || [];
  return names.map((_, lane) => told({ lane, ...heightOf(own(lane), links) }));
}

/** From where to where the cards of a lane reach, and the links that leave them. */
function heightOf(cards, links) {
  const inside = new Set(cards);
  const ys = links.filter((link) => inside.has(link.from)).flatMap((link) => link.route.filter((_, place) => place % 2));
  return {
    top: Math.min(...cards.map((card) => card.y - card.height / 2), ...ys),
    bottom: Math.max(...cards.map((card) => card.y + card.height / 2), ...ys),
  };
}

function sides(cards) {
  return { left: Math.min(...cards.map((card) => card.x - card.width / 2)), right: Math.max(...cards.map((card) => card.x + card.width / 2)) };
}

/** Cards and links with their places: all that the stage has to know. `known` are the cards of the view before. */
export function see(model, wanted, known = null) {
  const picked = chosen(model, wanted, known);
  const settings = focused(model, wanted, picked.nodes) ? { ...wanted, grain: "all" } : wanted;
  const plain = linksAmong(model, picked, settings);
  const whole = slidesFolded(settings) ? wholeView(model, settings) : null;
  const { cards, foldable } = whole ? remaining(whole, picked.nodes) : cardsOf(model, picked.nodes, plain, settings);
  const cardAt = Array(model.nodes.length);
  cards.forEach((card, number) => {
    card.number = number;
    for (const index of card.members) cardAt[index] = card;
  });
  const links = cardLinks(plain, cardAt, settings);
  const lanes = whole ? keepRoutes(whole, links) : place(model, cards, links, settings);
  const columns = columnsOf(cards);
  for (const link of links) link.curves = curvesOf(link, columns);
  const inner = picked.inner.length;
  const passing = settings.level === "flow" ? picked.hidden.length : 0; // left out by the level, not by a filter
  const hidden = model.nodes.length - picked.nodes.length - inner - passing;
  return { cards, links, lanes, cardAt, foldable, inner, passing, grain: settings.grain, byKey: new Map(cards.map((card) => [card.key, card])), hidden, bounds: boundsOf(cards, lanes) };
}

/** Whether this is a folded map as of a moment: what came later leaves its place empty there, too. */
function slidesFolded({ until, only, level, grain, fold, frames }) {
  return until !== null && !only && level === "run" && grain === "all" && fold && !frames;
}

/** The same without the moment; it stays the same while the slider moves. */
function wholeView(model, settings) {
  const wanted = { ...settings, until: null };
  const key = viewKey(wanted);
  if (model.slidOver?.key !== key) model.slidOver = { key, view: see(model, wanted) };
  return model.slidOver.view;
}

/** The cards of a view that were there, each where it is; stacks hold what was there. */
function remaining(whole, nodes) {
  const there = new Set(nodes.map((node) => node.index));
  const cards = whole.cards.flatMap((card) => {
    const members = card.members.filter((index) => there.has(index));
    return members.length ? [Object.assign(card.with({}), card, { members }, card.stack ? { stack: members.length } : {})] : [];
  });
  return { cards, foldable: whole.foldable };
}

function keepRoutes(whole, links) {
  const routes = new Map(whole.links.map((link) => [link.key, link.route]));
  for (const link of links) link.route = routes.get(link.key) || [];
  return [];
}

/** Whether the lineage of one node is small enough to be shown unfolded. */
function focused(model, settings, nodes) {
  return settings.only && model.byId.has(settings.selected) && nodes.length <= UNFOLDED;
}

function boundsOf(cards, lanes) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const card of cards) {
    box.left = Math.min(box.left, card.x - card.width / 2);
    box.right = Math.max(box.right, card.x + card.width / 2);
    box.top = Math.min(box.top, card.y - card.height / 2);
    box.bottom = Math.max(box.bottom, card.y + card.height / 2);
  }
  if (!cards.length) return { left: 0, top: 0, right: 1, bottom: 1 };
  return lanes.length ? { left: box.left - 30, top: box.top - 40, right: box.right + 30, bottom: box.bottom + 24 } : box;
}
