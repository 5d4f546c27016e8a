// The state of the page, and the one way in which it changes.
import { addressOf, readAddress, writeAddress } from "./address.js";
import { announce, byId, copy } from "./dom.js";
import { linkWords } from "./facts.js";
import { counted, shortMoment } from "./format.js";
import { isFaded } from "./paint.js";
import { readPalette } from "./palette.js";
import { freshSettings, lineage, see, viewKey } from "./sight.js";

/** The app over a model; `draw({ changed, refit })` is called after each change. */
export function createApp(model, fold) {
  const app = { model, settings: { ...freshSettings(), table: false, panel: false, fold }, palette: readPalette(), hovered: null, hoveredLink: null, lights: null, missing: null };
  app.view = see(model, app.settings);
  app.viewKey = viewKey(app.settings);
  return Object.assign(app, looks(app), changes(app), words());
}

/** What the app answers. */
function looks(app) {
  return {
    selectedCard: () => app.view.byKey.get(app.settings.selected) || null,
    isFaded: (card) => isFaded(card, app.lights),
    light() {
      const card = app.selectedCard() || app.hovered;
      app.lights = card && lightsOf(app, card);
    },
  };
}

function lightsOf(app, card) {
  const settings = app.selectedCard() ? app.settings : { ...app.settings, direction: "both", depth: 0 };
  const lights = { up: new Set(), down: new Set() };
  for (const index of card.members.slice(0, 200)) {
    const found = lineage(app.model, index, settings);
    for (const other of found.up.keys()) lights.up.add(other);
    for (const other of found.down.keys()) lights.down.add(other);
  }
  return lights;
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
        app.view = see(app.model, app.settings);
        app.hovered = app.hoveredLink = null;
      }
      app.light();
      writeAddress(app.settings);
      app.draw({ changed, refit: refit && changed });
    },
    toggle(key, value, on) {
      const next = new Set(app.settings[key]);
      if (on) next.delete(value);
      else next.add(value);
      app.change({ [key]: next }, true);
    },
    /** Selects a card; one that filters or stacks hide is brought back. Null selects none. */
    select(key, { quiet = false } = {}) {
      const known = key === null || app.view.byKey.has(key);
      if (!known && !app.model.byId.has(key)) return;
      if (!known) bringBack(app, key);
      const panel = key === null ? false : !quiet || app.settings.panel;
      app.change({ selected: key, panel, only: key === null ? false : app.settings.only }, app.settings.only);
      const card = app.selectedCard();
      if (card) {
        app.reveal(card);
        announce(`${card.kind === "run" ? "Run" : "Artifact"} ${card.title}, ${card.label}`);
      }
    },
    open() {
      if (app.selectedCard()) app.change({ panel: true });
    },
    close() {
      app.select(null);
      byId("net").focus({ preventScroll: true });
    },
    click({ card, link }) {
      byId("net").focus({ preventScroll: true });
      if (card) app.select(card.key);
      else if (!link) app.select(null);
    },
    doubleClick(card) {
      if (!card) return;
      if (card.stack) app.unfold(card);
      else app.change({ selected: card.key, only: true, panel: true }, true);
    },
    unfold(card) {
      app.change({ opened: new Set([...app.settings.opened, card.key]), selected: null, panel: false });
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
      const asked = readAddress(hash);
      app.missing = asked.selected && !app.model.byId.has(asked.selected) ? asked.selected : null;
      const selected = app.missing ? null : asked.selected;
      if (selected && !app.view.byKey.has(selected)) bringBack(app, selected);
      app.change({ ...asked, selected, only: Boolean(selected) && asked.only, panel: Boolean(selected) }, asked.only);
      if (selected) app.reveal(app.selectedCard());
    },
    async copyLink(button) {
      const address = location.href.replace(/#.*$/, "") + addressOf(app.settings);
      button.textContent = (await copy(address)) ? "Copied" : "Not allowed";
    },
  };
}

/** Loosens whatever hides a node: what was asked for is never invisible. */
function bringBack(app, id) {
  const node = app.model.byId.get(id);
  const { settings } = app;
  settings.apart = new Set([...settings.apart, id]);
  settings.only = false;
  settings.offTypes = without(settings.offTypes, node.group);
  settings.offJobs = without(settings.offJobs, node.group);
  settings.offStates = without(settings.offStates, node.data.state);
  if (node.small) settings.values = true;
}

function without(set, value) {
  return new Set([...set].filter((entry) => entry !== value));
}

/** What is said beside the pointer. */
function words() {
  return {
    aboutCard(card) {
      const { data } = card;
      if (card.stack) return [card.title, `${counted(card.stack, card.kind === "run" ? "run" : "version")} · double-click to unfold`];
      if (card.kind === "run") return [card.title.slice(0, 300), [data.job, data.state].join(" · ").slice(0, 300), shortMoment(data.started_at)].filter(Boolean);
      return [`${data.name}:${data.version}`.slice(0, 300), [data.type, ...data.aliases].join(" · ").slice(0, 300), shortMoment(data.created_at)].filter(Boolean);
    },
    aboutLink(link) {
      const ends = `${link.from.title.slice(0, 80)} → ${link.to.title.slice(0, 80)}`;
      if (link.bridge) return [`passed in memory: ${link.via[0]}`, ends];
      const says = linkWords({ ...link, edges: link.sources.flatMap((source) => source.edges) });
      return [says || link.how, ends];
    },
  };
}
