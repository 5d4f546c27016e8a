// Cards that stand for many nodes: flow runs, artifacts, jobs, flows. Pure.
// export/fold.py makes the same groups for the overview of a large page.
import { common } from "./fold.js";

const SIZE = { width: 230, height: 72 };

/** The groups that a node lies in, from the widest to itself. */
export function pathOf(node) {
  if (node.kind === "version") return [...(node.series ? [`series:${node.series}`] : []), `artifact:${node.artifact}`, node.id];
  return [`flow:${node.flow || node.group}`, `job:${node.group}`, node.id];
}

/** The flow run that a run belongs to: its own id for what belongs to none. */
export function flowRunOf(node) {
  return node.flow_run || node.id;
}

const WORDS = { job: "RUNS OF A JOB", flow: "RUNS OF A FLOW" };

/** The key of the card that stands for a node under the settings; null for none. */
export function cardKey(node, settings) {
  if (settings.level === "artifact") return node.kind === "version" ? `artifact:${node.artifact}` : null;
  if (settings.level === "flow") return node.kind === "version" ? node.id : `flow-run:${flowRunOf(node)}`;
  if (settings.grain === "all" || settings.apart.has(node.id)) return node.id;
  const path = pathOf(node);
  const from = node.kind === "run" && settings.grain === "job" ? 1 : 0;
  return path.find((key, place) => place >= from && !settings.opened.has(key));
}

/** Versions that one flow run wrote and read and nobody else touched: its own business on the level of flows. */
export function innerVersions(model, nodes) {
  const at = (index) => flowRunOf(model.nodes[index]);
  return nodes.filter((node) => {
    if (node.kind !== "version") return false;
    const writers = model.up[node.index].map((link) => at(link.from));
    const readers = model.down[node.index].map((link) => at(link.to));
    return writers.length > 0 && readers.length > 0 && new Set([...writers, ...readers]).size === 1;
  });
}

/** Groups of nodes by the key of their card, in the order of the nodes. */
export function groupsOf(nodes, settings) {
  const groups = new Map();
  for (const node of nodes) {
    const key = cardKey(node, settings);
    if (key === null) continue;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(node);
  }
  return groups;
}

/** One card for all members of a group; a node of its own keeps its own. */
export function groupCard(model, key, members, settings) {
  if (members.length === 1 && !/^(flow-run|artifact):/.test(key)) return null;
  if (members.length === 1 && settings.level === "run") return null;
  const [first] = members;
  const card = Object.create(first);
  const words = first.kind === "version" ? artifactWords(key, members) : runWords(model, key, members);
  return Object.assign(card, SIZE, words, {
    key,
    stack: members.length,
    members: members.map((node) => node.index),
    mark: first.kind === "version" ? "" : newest(members).mark,
    small: first.kind === "version" && first.small,
    partial: members.every((node) => node.partial),
    fresh: members.some((node) => node.fresh === "stale") ? "stale" : "",
    badges: badgesOf(members),
    time: latest(members),
    rows: null,
    size: null,
    seconds: null,
    column: undefined,
  });
}

function artifactWords(key, members) {
  const names = [...new Set(members.map((node) => node.title.replace(/:v\d+$/, "")))];
  const title = key.startsWith("series:") ? members[0].series.split("/").pop() : common(names);
  return { title, label: members[0].label, group: members[0].group, noun: "version" };
}

function runWords(model, key, members) {
  const [first] = members;
  const [kind] = key.split(":", 1);
  const short = first.label.replace(/^[A-Z]+ · /, "");
  if (WORDS[kind]) return { title: (kind === "flow" && first.flow) || short, label: WORDS[kind], noun: "run" };
  const id = flowRunOf(first);
  const own = model.byId.get(id);
  const flow = first.flow || short;
  return { title: own ? own.title : `${flow} ${id.slice(0, 8)}`, label: `FLOW RUN · ${flow}`, noun: "run", flowRun: id };
}

/** The run that started last: its state is the group's; how many failed stands beside it. */
function newest(members) {
  return members.reduce((best, node) => ((node.time ?? 0) > (best.time ?? 0) ? node : best));
}

function badgesOf(members) {
  const failed = members.filter((node) => node.mark === "failed" || node.mark === "crashed").length;
  const stale = members.filter((node) => node.fresh === "stale").length;
  return [...(failed ? [`${failed.toLocaleString("en-US")} failed`] : []), ...(stale ? ["stale"] : [])];
}

function latest(members) {
  return newest(members).time;
}
