// The colours live in the style sheet; the canvas reads them from there.
import { byId } from "./dom.js";

const NAMES = ["back", "grid", "card", "line", "text", "muted", "faint", "accent", "run", "run-soft", "run-line", "run-card", "art",
  "art-soft", "art-line", "art-card", "edge", "up", "down", "good", "bad", "bad-soft", "busy", "again", "reused", "still", "shade", "warn", "warn-soft", "lane"];
const STORED = "prefect-lineage-theme";

/** The colours of the present theme, by name, and the font. */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return { ...found, font: style.getPropertyValue("--font").trim() };
}

/** The theme's button, and the system's changes as long as nobody has chosen. */
export function watchTheme(changed) {
  const root = document.documentElement;
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (remembered()) return;
    root.dataset.theme = event.matches ? "dark" : "light";
    changed();
  });
}

function remember(theme) {
  try {
    localStorage.setItem(STORED, theme);
  } catch (refused) {
    document.documentElement.dataset.chosen = theme; // no storage in a sandboxed frame: for this visit only
  }
}

function remembered() {
  try {
    return localStorage.getItem(STORED);
  } catch (refused) {
    return document.documentElement.dataset.chosen;
  }
}
