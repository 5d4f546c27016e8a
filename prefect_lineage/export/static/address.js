// The page's address says what it shows: #node=<id>&dir=up&depth=2&only=1&level=flow&view=table
const LEVELS = ["run", "flow", "artifact"];
const GRAINS = ["all", "job", "flow"];
const SETS = [["types", "offTypes"], ["jobs", "offJobs"], ["states", "offStates"]];

/** The settings that an address asks for, over those of the fresh page. Pure. */
export function readAddress(hash, fresh) {
  const asked = new URLSearchParams(hash.replace(/^#/, ""));
  const one = (name, allowed, otherwise) => (allowed.includes(asked.get(name)) ? asked.get(name) : otherwise);
  const number = (name) => (/^\d{1,16}$/.test(asked.get(name) || "") ? Number(asked.get(name)) : null);
  const depth = Number(asked.get("depth"));
  const sets = SETS.map(([name, key]) => [key, new Set(asked.getAll(`hide-${name}`))]);
  return {
    selected: asked.get("node"),
    second: asked.get("from"),
    direction: one("dir", ["up", "down"], "both"),
    depth: Number.isInteger(depth) && depth > 0 && depth < 100 ? depth : 0,
    only: asked.get("only") === "1",
    table: asked.get("view") === "table",
    level: one("level", LEVELS, fresh.level),
    grain: one("grain", GRAINS, fresh.grain),
    frames: asked.has("frames") ? asked.get("frames") === "1" : fresh.frames,
    fold: asked.has("fold") ? asked.get("fold") === "1" : fresh.fold,
    values: asked.get("values") !== "0",
    inferred: asked.get("inferred") !== "0",
    until: number("until"),
    since: number("since"),
    ...Object.fromEntries(sets),
  };
}

/** The address of settings: only what differs from the fresh page. Pure. */
export function addressOf(settings, fresh) {
  const asked = new URLSearchParams();
  if (settings.selected) {
    asked.set("node", settings.selected);
    if (settings.second) asked.set("from", settings.second);
    if (settings.direction !== "both") asked.set("dir", settings.direction);
    if (settings.depth) asked.set("depth", String(settings.depth));
    if (settings.only) asked.set("only", "1");
  }
  if (settings.table) asked.set("view", "table");
  for (const name of ["level", "grain"]) if (settings[name] !== fresh[name]) asked.set(name, settings[name]);
  for (const name of ["frames", "fold", "values", "inferred"]) if (settings[name] !== fresh[name]) asked.set(name, settings[name] ? "1" : "0");
  for (const name of ["until", "since"]) if (settings[name] !== null) asked.set(name, String(settings[name]));
  for (const [name, key] of SETS) for (const value of [...settings[key]].sort()) asked.append(`hide-${name}`, value);
  return asked.size ? `#${asked}` : "#";
}

/** Writes it without a new entry in the history. */
export function writeAddress(settings, fresh) {
  try {
    history.replaceState(null, "", addressOf(settings, fresh));
  } catch (refused) {
    document.documentElement.dataset.address = "off"; // a frame made from text has no address of its own
  }
}
