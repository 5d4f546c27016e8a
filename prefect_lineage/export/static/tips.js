// What is said beside the pointer. Pure.
import { ageWords, linkWords } from "./facts.js";
import { counted, duration, shortMoment } from "./format.js";

/** The lines about a card. */
export function aboutCard(app, card) {
  const cut = (text) => String(text).slice(0, 300);
  if (card.stack) {
    const how = app.canUnfold(card) ? " · double-click to unfold" : "";
    return [cut(card.title), `${counted(card.stack, card.noun)}${how}`, ...(card.badges.length ? [card.badges.join(" · ")] : [])];
  }
  const { data } = card;
  if (card.kind === "run") {
    const took = card.seconds === null ? "" : ` · took ${duration(card.seconds)}`;
    const origin = data.cached_from ? [cut(`result of ${app.model.byId.get(data.cached_from)?.title || data.cached_from}`)] : [];
    return [cut(card.title), cut([data.job, data.state].join(" · ")), ...origin, `${shortMoment(data.started_at)}${took}`].filter(Boolean);
  }
  const stale = card.fresh === "stale" ? [cut(staleWords(app.model, card))] : [];
  return [cut(`${data.name}:${data.version}`), cut([data.type, ...data.aliases].join(" · ")), shortMoment(data.created_at) + ageWords(app.model, card), ...stale].filter(Boolean);
}

/** Why a version is stale. */
export function staleWords(model, node) {
  const cause = model.nodes[node.cause];
  return cause ? `stale: made from ${cause.title}, of which there is a newer version` : "stale: made from a version that has been replaced";
}

/** The lines about a link. */
export function aboutLink(link) {
  const ends = `${link.from.title.slice(0, 80)} → ${link.to.title.slice(0, 80)}`;
  if (link.bridge) return [`passed in memory: ${link.via[0]}`, ends];
  if (link.job) return [`by ${link.via.join(", ").slice(0, 200)}`, link.times > 1 ? `${ends} · ${counted(link.times, "run")}` : ends];
  const says = linkWords({ ...pick(link), edges: link.sources.length > 200 ? [] : link.sources.flatMap((source) => source.edges) });
  return [says || link.how, ends];
}

function pick({ via, times, how, unchanged, partial }) {
  return { via: via.slice(0, 12), times, how, unchanged, partial };
}
