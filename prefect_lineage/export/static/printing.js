// Paper: the map as one picture that fits a page, whatever the window shows.
import { byId, el } from "./dom.js";
import { readPalette } from "./palette.js";
import { pictureOf } from "./saving.js";

const LARGEST = 4000;

/** Before a page is printed the map is drawn in the light theme; afterwards everything is as it was. */
export function watchPrinting(app) {
  const root = document.documentElement;
  let kept = null;
  window.addEventListener("beforeprint", () => {
    if (app.settings.table) return;
    kept = root.dataset.theme;
    root.dataset.theme = "light";
    app.palette = readPalette();
    const picture = el("img", { id: "paper", alt: `Lineage map: ${app.model.about.title}`, src: pictureOf(app, 2, LARGEST).toDataURL() });
    byId("stage").append(picture);
  });
  window.addEventListener("afterprint", () => {
    byId("paper")?.remove();
    if (kept === null) return;
    root.dataset.theme = kept;
    kept = null;
    app.palette = readPalette();
    app.redraw();
  });
}
