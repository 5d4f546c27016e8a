// What the panel says about a node: rows of a label and a value. Pure.
// A row: { label, value, as } where `as` is text, code, link, tree or node.
import { bytes, count, duration, heading, moment, safeUrl } from "./format.js";

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

/** Everything known of a run, but for its inputs and outputs. */
export function runFacts(data, uiUrl) {
  const others = Object.entries(data).filter(([key]) => !KNOWN_OF_RUN.has(key));
  return [
    ...row("Run ID", data.id, "code"),
    ...row("Full name", data.name),
    ...row("State", data.state),
    ...row("Job", data.job, "code"),
    ...row("Kind", data.run_kind),
    ...row("Flow", data.flow),
    ...row("Started", data.started_at && moment(data.started_at)),
    ...row("Ended", data.ended_at && moment(data.ended_at)),
    ...row("Duration", typeof data.duration === "number" ? duration(data.duration) : null),
    ...row("Attempts", data.attempt),
    ...row("Cached from", data.cached_from, "node"),
    ...row("Parent run", data.parent !== data.id ? data.parent : null, "node"),
    ...row("Flow run", data.flow_run !== data.id && data.flow_run !== data.parent ? data.flow_run : null, "node"),
    ...row("Prefect UI", uiLink(data, uiUrl), "link"),
    ...row("Deployment", data.deployment, typeof data.deployment === "object" ? "tree" : "text"),
    ...row("User", data.user),
    ...row("Host", data.host),
    ...row("Tags", (data.tags || []).join(", ")),
    ...row("Parameters", data.parameters, "tree"),
    ...row("Code version", data.code, typeof data.code === "object" ? "tree" : "code"),
    ...row("Environment", data.environment, "tree"),
    ...others.flatMap(([key, value]) => row(heading(key), value, typeof value === "object" ? "tree" : "text")),
  ];
}

/** Everything known of a version, but for its producers and consumers. */
export function versionFacts(data) {
  return [
    ...row("Full name", `${data.name}:${data.version}`),
    ...row("Type", data.type),
    ...row("Version", data.version),
    ...row("Aliases", data.aliases.join(", ")),
    ...row("Created", moment(data.created_at)),
    ...row("Deleted", data.deleted_at ? moment(data.deleted_at) : null),
    ...row("Description", data.description),
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
    ...row("Metadata", data.metadata, "tree"),
  ];
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
