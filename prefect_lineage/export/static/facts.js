// What the panel says about a node: rows of a label and a value. Pure.
// A row: { label, value, as, href } where `as` is text, code, link, time, tree or node.
import { before, bytes, count, duration, heading, safeUrl } from "./format.js";

const KNOWN_OF_RUN = new Set(["kind", "id", "run_kind", "name", "job", "flow", "flow_run", "parent", "state", "started_at",
  "ended_at", "duration", "attempt", "cached_from", "parameters", "code", "environment", "tags", "host", "user", "ui_url", "deployment"]);

const COVERS = {
  all: "all bytes",
  none: "nothing: one version per producing run",
};

function row(label, value, as = "text") {
  const empty = value === null || value === undefined || value === "" || (typeof value === "object" && !Object.keys(value).length);
  return empty ? [] : [{ label, value, as }];
}

/** Keys and values of an object, those of objects inside it with the way to them; lists stay whole. */
export function flat(value, path = "") {
  return Object.entries(value).flatMap(([key, item]) => {
    const name = path ? `${path} › ${key}` : key;
    const deeper = item !== null && typeof item === "object" && !Array.isArray(item) && Object.keys(item).length;
    return deeper ? flat(item, name) : [[name, item]];
  });
}

/** Where a run is in Prefect's UI: its own link, or one built from the page's; null when there is none. */
export function uiLink(data, uiUrl) {
  const own = safeUrl(data.ui_url);
  if (own || !safeUrl(uiUrl) || !["task", "flow"].includes(data.run_kind)) return own;
  return safeUrl(`${uiUrl.replace(/\/+$/, "")}/runs/${data.run_kind}-run/${encodeURIComponent(data.id)}`);
}

/** Where the code of a run can be read: at its commit, on the host that its repository came from. */
export function commitLink(code) {
  if (!code || typeof code !== "object" || !/^[0-9a-f]{7,64}$/i.test(String(code.commit || ""))) return null;
  const home = safeUrl(code.remote);
  if (!home) return null;
  const base = home.replace(/\/+$/, "").replace(/\.git$/, "");
  return safeUrl(`${base}${/^https?:\/\/[^/]*gitlab/.test(base) ? "/-" : ""}/commit/${code.commit}`);
}

function codeRows(code) {
  if (!code || typeof code !== "object") return row("Code version", code, "code");
  const { commit, dirty, branch, remote, ...rest } = code;
  const state = dirty === true ? " (with uncommitted changes)" : "";
  const link = commitLink(code);
  return [
    ...row("Commit", commit ? `${commit}${state}` : null, link ? "link" : "code").map((fact) => ({ ...fact, href: link })),
    ...row("Branch", branch),
    ...row("Repository", remote, safeUrl(remote) ? "link" : "code"),
    ...row("Code", rest, "tree"),
  ];
}

/** Everything known of a run, but for its inputs and outputs. */
export function runFacts(data, uiUrl) {
  const others = Object.entries(data).filter(([key]) => !KNOWN_OF_RUN.has(key));
  return [
    ...row("State", data.state),
    ...row("Started", data.started_at, "time"),
    ...row("Ended", data.ended_at, "time"),
    ...row("Duration", typeof data.duration === "number" ? duration(data.duration) : null),
    ...row("Attempts", data.attempt),
    ...row("Job", data.job, "code"),
    ...row("Run ID", data.id, "code"),
    ...row("Full name", data.name),
    ...row("Kind", data.run_kind),
    ...row("Flow", data.flow),
    ...row("Cached from", data.cached_from, "node"),
    ...row("Parent run", data.parent !== data.id ? data.parent : null, "node"),
    ...row("Flow run", data.flow_run !== data.id && data.flow_run !== data.parent ? data.flow_run : null, "node"),
    ...row("Prefect UI", uiLink(data, uiUrl), "link"),
    ...row("Deployment", data.deployment, typeof data.deployment === "object" ? "tree" : "text"),
    ...row("User", data.user),
    ...row("Host", data.host),
    ...row("Tags", (data.tags || []).join(", ")),
    ...row("Parameters", data.parameters, "tree"),
    ...codeRows(data.code),
    ...row("Environment", data.environment, "tree"),
    ...others.flatMap(([key, value]) => row(heading(key), value, typeof value === "object" ? "tree" : "text")),
  ];
}

const PREVIEW = "preview"; // rows of a table that a plugin attached to a version, shown beside its schema

/** Everything known of a version, but for its producers and consumers. */
export function versionFacts(data) {
  const { [PREVIEW]: preview, ...metadata } = data.metadata || {};
  return [
    ...row("Description", data.description),
    ...row("Full name", `${data.name}:${data.version}`),
    ...row("Type", data.type),
    ...row("Version", data.version),
    ...row("Aliases", data.aliases.join(", ")),
    ...row("Created", data.created_at, "time"),
    ...row("Deleted", data.deleted_at, "time"),
    ...row("Complete", data.partial ? "no: only attempts that did not complete wrote it" : null),
    ...row("Replaced by", data.replaced_by, "node"),
    ...row("Size", data.size === null ? null : sizeOf(data.size)),
    ...row("Rows", data.rows === null ? null : count(data.rows)),
    ...row("Format", data.format),
    ...row("Location", data.uri, safeUrl(data.uri) ? "link" : "code"),
    ...row("Namespace", data.namespace, "code"),
    ...row("Digest", data.digest, "code"),
    ...row("Digest covers", COVERS[data.covers] || data.covers),
    ...row("Changed while read", data.raced ? "yes: the digest may be of a later content" : null),
    ...row("Version ID", data.id, "code"),
    ...row("Artifact ID", data.artifact, "code"),
    ...row("Metadata", tableOf(preview) ? metadata : data.metadata, "tree"),
  ];
}

/** Rows of a table that was attached to a version: { columns, rows }; null when there is none that can be shown. */
export function previewOf(data) {
  return tableOf(data.metadata && data.metadata[PREVIEW]);
}

function tableOf(preview) {
  if (!Array.isArray(preview) || !preview.length || !preview.every((entry) => entry && typeof entry === "object" && !Array.isArray(entry))) return null;
  const columns = [...new Set(preview.slice(0, 20).flatMap((entry) => Object.keys(entry)))].slice(0, 12);
  return { columns, rows: preview.slice(0, 20).map((entry) => columns.map((name) => entry[name])) };
}

/** " · 3 days before this page": how old a version was when the page was made. */
export function ageWords(model, node) {
  const age = node.time === null ? "" : before(node.time / 1000, model.about.generated_at);
  return age ? ` · ${age} before this page` : "";
}

function sizeOf(size) {
  return size < 1000 ? bytes(size) : `${bytes(size)} (${count(size)} bytes)`;
}

/** What a link did, in the words of a list: "pandas.read_csv · ×3 · inferred". */
export function linkWords(link) {
  const attempts = [...new Set(link.edges.map((edge) => edge.attempt))].filter((attempt) => attempt > 1);
  return [
    link.via.join(", "),
    link.times > 1 ? `×${count(link.times)}` : "",
    link.how,
    attempts.length ? `attempt ${attempts.join(", ")}` : "",
    link.unchanged ? "unchanged" : "",
    link.partial ? "partial" : "",
  ].filter(Boolean).join(" · ");
}
