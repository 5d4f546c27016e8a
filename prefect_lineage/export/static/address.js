// The page's address says what it shows: #node=<id>&dir=up&depth=2&only=1&view=table

/** The settings that an address asks for. Pure. */
export function readAddress(hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, ""));
  const direction = asked.get("dir");
  const depth = Number(asked.get("depth"));
  return {
    selected: asked.get("node"),
    direction: direction === "up" || direction === "down" ? direction : "both",
    depth: Number.isInteger(depth) && depth > 0 && depth < 100 ? depth : 0,
    only: asked.get("only") === "1",
    table: asked.get("view") === "table",
  };
}

/** The address of settings. Pure. */
export function addressOf(settings) {
  const asked = new URLSearchParams();
  if (settings.selected) asked.set("node", settings.selected);
  if (settings.selected && settings.direction !== "both") asked.set("dir", settings.direction);
  if (settings.selected && settings.depth) asked.set("depth", String(settings.depth));
  if (settings.selected && settings.only) asked.set("only", "1");
  if (settings.table) asked.set("view", "table");
  return asked.size ? `#${asked}` : "#";
}

/** Writes it without a new entry in the history. */
export function writeAddress(settings) {
  try {
    history.replaceState(null, "", addressOf(settings));
  } catch (refused) {
    document.documentElement.dataset.address = "off"; // a frame made from text has no address of its own
  }
}
