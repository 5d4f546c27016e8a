// What is lit on the map and what lies in the dark. Pure.
import { wayBetween } from "./model.js";
import { lineage, usable } from "./sight.js";

/** The lineage of a card: what lies on which side, the cards that are lit, and the side of each lit link. */
export function lineageLights(model, view, card, settings) {
  const found = lineage(model, card.members, settings);
  const lights = { up: new Set(found.up.keys()), down: new Set(found.down.keys()) };
  return { ...lights, ...litBy(view, lights), own: card.members.length };
}

function litBy(view, { up, down }) {
  const cards = new Set(view.cards.filter((card) => card.members.some((index) => up.has(index) || down.has(index))).map((card) => card.key));
  const sides = new Map();
  const among = (set) => (link) => set.has(link.from) && set.has(link.to);
  for (const link of view.links) {
    if (link.sources.some(among(up))) sides.set(link, "up");
    else if (link.sources.some(among(down))) sides.set(link, "down");
  }
  return { cards, sides };
}

/** The shortest way along the data between two cards, in whichever direction there is one. */
export function pathLights(model, view, first, last, settings) {
  const there = wayBetween(model, first.members, last.members, usable(settings));
  const way = there || wayBetween(model, last.members, first.members, usable(settings)) || [];
  const on = new Map(way.map((index, place) => [index, place]));
  const cards = new Set([first.key, last.key]);
  for (const index of way) if (view.cardAt[index]) cards.add(view.cardAt[index].key);
  const along = (link) => on.get(link.to) === on.get(link.from) + 1 || (link.job && on.get(link.to) === on.get(link.from) + 2);
  const sides = new Map(view.links.filter((link) => link.sources.some(along)).map((link) => [link, "path"]));
  return { up: new Set(way), down: new Set(way), cards, sides, way };
}

/** What is newer than a time, and the links between it. */
export function newLights(view, since) {
  const cards = new Set(view.cards.filter((card) => isNew(card, since)).map((card) => card.key));
  const sides = new Map(view.links.filter((link) => cards.has(link.from.key) && cards.has(link.to.key)).map((link) => [link, "path"]));
  return { up: new Set(), down: new Set(), cards, sides };
}

/** Whether a card is of something newer than a time. */
export function isNew(card, since) {
  return since !== null && card.time !== null && card.time > since;
}
