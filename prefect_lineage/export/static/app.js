// The state of the page, and the one way in which it changes.
import { addressOf, readAddress, writeAddress } from "./address.js";
import { announce, byId, copy } from "./dom.js";
import { counted } from "./format.js";
import { cardKey } from "./grains.js";
import { lineageLights, newLights, pathLights } from "./lights.js";
import { isFaded } from "./paint.js";
import { readPalette } from "./palette.js";
import { freshSettings, see, viewKey } from "./sight.js";
import { aboutCard, aboutLink } from "./tips.js";

/** The app over a model; `draw({ changed, refit })` is called after each change. */
export function createApp(model, opening) {
  const fresh = { ...freshSettings(), table: false, ...opening };
  const app = { model, fresh, settings: { ...fresh, panel: false }, palette: readPalette(), hovered: null, hoveredLink: null, lights: null, missing: null };
  app.view = see(model, app.settings);
  app.viewKey = viewKey(app.settings);
  return Object.assign(app, looks(app), changes(app), { aboutCard: (card) => aboutCard(app, card), aboutLink });
}

/** What the app answers. */
function looks(app) {
  return {
    selectedCard: () => cardOf(app, app.settings.selected),
    isFaded: (card) => isFaded(card, app.lights),
    light() {
      const { model, view, settings } = app;
      const card = app.selectedCard();
      const from = card && cardOf(app, settings.second);
      if (from && from !== card) app.lights = pathLights(model, view, from, card, settings);
      else if (card) app.lights = lineageLights(model, view, card, settings);
      else if (app.hovered) app.lights = lineageLights(model, view, app.hovered, { ...settings, direction: "both", depth: 0 });
      else app.lights = settings.since === null ? null : newLights(view, settings.since);
    },
  };
}

/** The card of a key: its own, or the one that the node of this id lies in on this level. */
function cardOf(app, key) {
  if (!key) return null;
  const own = app.view.byKey.get(key);
  const node = app.model.byId.get(key);
  return own || (node && app.view.cardAt[node.index]) || null;
}

/** What changes the app. */
function changes(app) {
  return {
    /** Takes new settings over; `refit` brings all of the new view onto the stage. */
    change(patch, refit = false) {
      Object.assign(app.settings, patch);
      const key = viewKey(app.settings);
      const changed = key !== app.viewKey;
      if (changed) {
        app.viewKey = key;
        app.view = see(app.model, app.settings, app.view.byKey);
        app.hovered = app.hoveredLink = null;
      }
      app.light();
      writeAddress(app.settings, app.fresh);
      app.draw({ changed, refit: refit && changed });
    },
    /** Goes to a level, with all of it on the stage, and says so. */
    toLevel(level) {
      app.change({ level, opened: new Set(), apart: new Set(), only: false }, true);
      announce(`Level of ${level}s, ${counted(app.view.cards.length, "card")}`);
    },
    toggle(key, value, on) {
      const next = new Set(app.settings[key]);
      if (on) next.delete(value);
      else next.add(value);
      app.change({ [key]: next }, true);
    },
    /** Everything of one kind off but one, or everything on again if it is the only one already. */
    solo(key, value, all) {
      const others = all.filter((other) => other !== value);
      const alone = others.every((other) => app.settings[key].has(other)) && !app.settings[key].has(value);
      app.change({ [key]: new Set(alone ? [] : others) }, true);
    },
    /** Selects a card; one that filters or stacks hide is brought back. Null selects none. */
    select(key, { quiet = false, within = false } = {}) {
      const known = key === null || app.view.byKey.has(key);
      if (!known && !app.model.byId.has(key)) return;
      if (!known && !(within && cardOf(app, key))) bringBack(app, key);
      const panel = key === null ? false : !quiet || app.settings.panel;
      const none = key === null;
      app.change({ selected: key, panel, only: none ? false : app.settings.only, second: none ? null : app.settings.second }, app.settings.only);
      const card = app.selectedCard();
      if (card) {
        app.reveal(card);
        announce(spoken(app, card));
      }
    },
    /** Whether a flow run that is no card on the level of runs is one on its own. */
    showsFlowRun: (id) => app.model.nodes.some((node) => node.flow_run === id),
    /** Shows a flow run on the level where it is a card, with its panel. */
    openFlowRun(id) {
      app.change({ level: "flow", only: false, selected: null, second: null }, true);
      app.select(`flow-run:${id}`);
    },
    open() {
      if (app.selectedCard()) app.change({ panel: true });
    },
    close() {
      app.select(null);
      byId("net").focus({ preventScroll: true });
    },
    click({ card, link }, extend) {
      byId("net").focus({ preventScroll: true });
      if (card && extend && app.settings.selected) app.change({ second: app.settings.selected, selected: card.key, panel: true });
      else if (card) app.select(card.key);
      else if (!link) app.select(null);
    },
    doubleClick(card) {
      if (!card) return;
      if (card.stack && app.canUnfold(card)) app.unfold(card);
      else app.change({ selected: card.key, only: true, panel: true }, true);
    },
    /** Whether a stack can be taken apart where it is: flow runs and artifacts are what their level is made of. */
    canUnfold: (card) => app.settings.level === "run" && Boolean(card.stack),
    unfold(card) {
      app.change({ opened: new Set([...app.settings.opened, card.key]), selected: null, second: null, panel: false });
      announce(`${card.title} unfolded`);
    },
    /** From now on, the way from the selection to whatever is selected next is lit. */
    startPath() {
      const { selected, second } = app.settings;
      if (selected) app.change({ second: second ? null : selected });
      announce(app.settings.second ? "Select the other end of the way" : "No way is shown");
    },
    hover(card, link) {
      if (card === app.hovered && link === app.hoveredLink) return;
      app.hovered = card;
      app.hoveredLink = link;
      app.light();
      app.redraw();
    },
    /** Follows an address; says so when it names a node that is not on the page. */
    follow(hash) {
      const asked = readAddress(hash, app.fresh);
      const isNode = (id) => app.model.byId.has(id);
      Object.assign(app.settings, { ...asked, selected: null, second: null, only: false });
      if (asked.selected && !isNode(asked.selected)) app.view = see(app.model, app.settings); // perhaps a group's key
      const known = (id) => id && (isNode(id) || app.view.byKey.has(id));
      app.missing = asked.selected && !known(asked.selected) ? asked.selected : null;
      const selected = app.missing ? null : asked.selected;
      const second = known(asked.second) ? asked.second : null;
      if (selected && isNode(selected) && (app.settings.fold || app.settings.grain !== "all")) bringBack(app, selected);
      app.viewKey = null;
      app.change({ selected, second, only: Boolean(selected) && asked.only, panel: Boolean(selected) }, true);
      if (selected && !app.selectedCard()) app.select(selected);
      else if (selected) app.reveal(app.selectedCard());
    },
    async copyLink(button) {
      const address = location.href.replace(/#.*$/, "") + addressOf(app.settings, app.fresh);
      button.textContent = (await copy(address)) ? "Copied" : "Not allowed";
    },
  };
}

function spoken(app, card) {
  const ups = app.view.links.filter((link) => link.to === card).length;
  const downs = app.view.links.filter((link) => link.from === card).length;
  const what = card.stack ? `${card.stack} ${card.noun}s` : card.kind === "run" ? "Run" : "Artifact";
  return `${what} ${card.title}, ${card.label}${card.kind === "run" && !card.stack ? `, ${card.state}` : ""}, ${ups} in, ${downs} out`;
}

/** Loosens whatever hides a node: what was asked for is never invisible. */
function bringBack(app, id) {
  const node = app.model.byId.get(id);
  const { settings } = app;
  if (!node) return;
  settings.only = false;
  settings.offTypes = less(settings.offTypes, node.group);
  settings.offJobs = less(settings.offJobs, node.group);
  settings.offStates = less(settings.offStates, node.state);
  if (node.small) settings.values = true;
  if (settings.until !== null && node.time > settings.until) settings.until = null;
  if (settings.level === "run") settings.apart = new Set([...settings.apart, id]);
  else if (cardKey(node, settings) === null || settings.level === "flow") settings.level = "run";
}

function less(set, value) {
  return new Set([...set].filter((entry) => entry !== value));
}
