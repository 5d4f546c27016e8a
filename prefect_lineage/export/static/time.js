// The time slider: the map as of a moment, and what is new since another.
import { button, byId, el } from "./dom.js";
import { count, moment, shortMoment } from "./format.js";
import { iso } from "./packing.js";

const BARS = 44;

/** The different times of the nodes, oldest first. Pure. */
export function timesOf(nodes) {
  return [...new Set(nodes.map((node) => node.time).filter((time) => time !== null))].sort((a, b) => a - b);
}

/** How many nodes fall into each of so many equal parts of the time. Pure. */
export function histogram(nodes, times, bars = BARS) {
  const found = Array(bars).fill(0);
  const [first, last] = [times[0], times[times.length - 1]];
  for (const { time } of nodes) {
    if (time !== null) found[Math.min(bars - 1, Math.floor(((time - first) / Math.max(1, last - first)) * bars))] += 1;
  }
  return found;
}

/** Puts the sliders where they belong; they stay away where everything happened at once. */
export function watchTime(app) {
  const place = byId("time");
  const times = timesOf(app.model.nodes);
  place.hidden = times.length < 3;
  if (place.hidden) return;
  const slider = (label, change) => el("input", { type: "range", min: 0, max: times.length - 1, step: 1, "aria-label": label, oninput: (event) => change(Number(event.currentTarget.value)) });
  const until = slider("As of", (at) => app.change({ until: at === times.length - 1 ? null : times[at] }));
  const since = slider("New since", (at) => app.change({ since: at === 0 ? null : times[at] }));
  const untilWords = el("output", {});
  const sinceWords = el("output", {});
  const reset = button("Now", () => app.change({ until: null, since: null }), { class: "more" });
  place.replaceChildren(
    el("h2", {}, "Time", reset),
    bars(app, times),
    el("div", { class: "slide" }, el("span", {}, "As of"), until, untilWords),
    el("div", { class: "slide" }, el("span", {}, "New since"), since, sinceWords),
  );
  const tell = (output, time, otherwise) => {
    output.textContent = time === null ? otherwise : shortMoment(iso(time));
    output.title = time === null ? "" : moment(iso(time));
  };
  app.showTime = () => {
    const { settings } = app;
    until.value = settings.until === null ? times.length - 1 : nearest(times, settings.until);
    since.value = settings.since === null ? 0 : nearest(times, settings.since);
    reset.hidden = settings.until === null && settings.since === null;
    tell(untilWords, settings.until, "now: everything");
    const fresh = settings.since === null ? 0 : app.model.nodes.filter((node) => node.time !== null && node.time > settings.since && (settings.until === null || node.time <= settings.until)).length;
    tell(sinceWords, settings.since, "off");
    if (settings.since !== null) sinceWords.textContent += ` · ${count(fresh)} new`;
  };
  app.showTime();
}

function nearest(times, time) {
  const found = times.findIndex((each) => each >= time);
  return found < 0 ? times.length - 1 : found;
}

function bars(app, times) {
  const heights = histogram(app.model.nodes, times);
  const most = Math.max(...heights);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${BARS} 12`, preserveAspectRatio: "none", class: "histogram", "aria-hidden": "true" })) svg.setAttribute(name, value);
  const path = heights.map((value, index) => (value ? `M${index + 0.12} 12V${(12 - Math.max(1, (value / most) * 12)).toFixed(2)}h.76V12z` : "")).join("");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
