// Cards that stand for many nodes: flow runs, artifacts, jobs, flows. Pure.
// export/fold.py makes the same groups for the overview of a large page.
import { runOf } from "./model.js";

const SIZE = { width: 250, height: 72 };

const names = { series: new Map(), artifact: new Map(), flow: new Map(), job: new Map() };

/** The key of a group: one string for all that lie in it, for making and comparing many is what folding costs. */
function keyed(kind, name) {
  const known = names[kind];
  let key = known.get(name);
  if (key === undefined) {
    key = `${kind}:${name}`;
    known.set(name, key);
  }
  return key;
}

/** The group that a node lies in, by the widest that is not open; the node itself if all are. */
function groupKey(node, grain, opened) {
  if (node.kind === "version") {
    const series = node.series && keyed("series", node.series);
    if (series && !opened.has(series)) return series;
    const artifact = keyed("artifact", node.artifact);
    return opened.has(artifact) ? node.id : artifact;
  }
  const flow = grain === "flow" && keyed("flow", node.flow || node.group);
  if (flow && !opened.has(flow)) return flow;
  const job = keyed("job", node.group);
  return opened.has(job) ? node.id : job;
}

/** The flow run that a run belongs to: its own id for what belongs to none. */
export function flowRunOf(node) {
  return node.flow_run || node.id;
}

const WORDS = { job: "RUNS OF A JOB", flow: "RUNS OF A FLOW" };

/** The key of the card that stands for a node under the settings; null for none. */
export function cardKey(node, settings) {
  if (settings.level === "artifact") return node.kind === "version" ? keyed("artifact", node.artifact) : null;
  if (settings.level === "flow") return node.kind === "version" ? node.id : `flow-run:${flowRunOf(node)}`;
  if (settings.grain === "all" || settings.apart.has(node.id)) return node.id;
  return groupKey(node, settings.grain, settings.opened);
}

/** Versions that the same flow runs wrote and read, each for itself: their own business on the level of flows. */
export function innerVersions(model, nodes) {
  const flowRuns = (links, end) => new Set(links.map((link) => flowRunOf(model.nodes[link[end]])));
  return nodes.filter((node) => {
    if (node.kind !== "version") return false;
    const writers = flowRuns(model.up[node.index], "from");
    const readers = flowRuns(model.down[node.index], "to");
    return writers.size > 0 && writers.size === readers.size && [...writers].every((run) => readers.has(run));
  });
}

/** Groups of nodes by the key of their card, in the order of the nodes. */
export function groupsOf(nodes, settings) {
  const groups = new Map();
  for (const node of nodes) {
    const key = cardKey(node, settings);
    if (key === null) continue;
    const known = groups.get(key);
    if (known) known.push(node);
    else groups.set(key, [node]);
  }
  return groups;
}

/** One card for all members of a group; a node of its own keeps its own. */
export function groupCard(model, key, members, settings) {
  if (members.length === 1 && !/^(flow-run|artifact):/.test(key)) return null;
  if (members.length === 1 && settings.level === "run") return null;
  const [first] = members;
  const version = first.kind === "version";
  const words = version ? artifactWords(key, members) : runWords(model, key, members);
  const last = newest(members);
  const stale = version ? members.filter((node) => node.fresh === "stale").length : 0;
  return first.with({
    ...SIZE,
    mark: version ? "" : last.mark,
    ...words,
    key,
    stack: members.length,
    members: members.map((node) => node.index),
    small: version && first.small,
    partial: version && members.every((node) => node.partial),
    fresh: stale ? "stale" : "",
    badges: version ? (stale ? ["stale"] : []) : failuresOf(members),
    time: last.time,
    rows: null,
    size: null,
    seconds: null,
    column: undefined,
  });
}

function artifactWords(key, members) {
  const title = key.startsWith("series:") ? members[0].series.split("/").pop() : members[0].title.replace(/:v\d+$/, "");
  return { title, label: members[0].label, group: members[0].group, noun: "version" };
}

function runWords(model, key, members) {
  const [first] = members;
  const [kind] = key.split(":", 1);
  const short = first.label.replace(/^[A-Z]+ · /, "");
  if (WORDS[kind]) return { title: (kind === "flow" && first.flow) || short, label: WORDS[kind], noun: "run" };
  const id = flowRunOf(first);
  const own = runOf(model, id);
  const flow = first.flow || short;
  const known = own ? { title: own.title, mark: own.mark } : { title: `${flow} ${id.slice(0, 8)}` };
  return { ...known, label: `FLOW RUN · ${flow}`, noun: "run", flowRun: id };
}

/** The run that started last: its state is the group's where that has none of its own; how many failed stands beside it. */
function newest(members) {
  return members.reduce((best, node) => ((node.time ?? 0) > (best.time ?? 0) ? node : best));
}

function failuresOf(members) {
  const failed = members.filter(({ mark }) => mark === "failed" || mark === "crashed").length;
  return failed ? [`${failed.toLocaleString("en-US")} failed`] : [];
}
