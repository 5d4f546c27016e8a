// Takes what is on the page out of it: PNG, SVG, CSV, JSON, print.
import { announce, byId, el } from "./dom.js";
import { graphOf } from "./model.js";
import { canvasPen, measure, svgPen } from "./pens.js";
import { paintCard, paintLanes, paintLinks } from "./paint.js";
import { rowsOf } from "./table.js";

const LARGEST = 12_000;
const MOST_PIXELS = 9e7;

/** The menu and what its entries do. */
export function watchSaving(app) {
  const menu = byId("save-menu");
  const opener = byId("save");
  const open = (shown) => {
    menu.hidden = !shown;
    opener.setAttribute("aria-expanded", String(shown));
  };
  const actions = {
    png: savePng,
    svg: saveSvg,
    csv: () => download(app, `\ufeff${csvOf(app)}`, "csv", "text/csv;charset=utf-8", "-nodes"),
    edges: () => download(app, `\ufeff${edgesCsvOf(app)}`, "csv", "text/csv;charset=utf-8", "-edges"),
    json: () => download(app, JSON.stringify(graphOf(app.model), null, 2), "json", "application/json"),
    print: () => window.print(),
  };
  opener.addEventListener("click", () => {
    open(menu.hidden);
    if (!menu.hidden) menu.firstElementChild.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !opener.parentElement.contains(event.target)) open(false);
  });
  menu.addEventListener("click", (event) => {
    const action = actions[event.target.dataset.as];
    if (!action) return;
    open(false);
    action(app);
  });
  menu.addEventListener("keydown", (event) => {
    const entries = [...menu.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      entries[(entries.indexOf(document.activeElement) + step + entries.length) % entries.length].focus();
      event.preventDefault();
    }
    if (event.key !== "Escape") return;
    open(false);
    opener.focus();
  });
}

/** A cell that a spreadsheet neither splits nor takes for a formula. */
export function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line per node of the view. */
export function csvOf(app) {
  const { model } = app;
  const names = (links, end) => links.map((link) => model.nodes[link[end]].title).join("; ");
  const line = (node) => {
    const { data } = node;
    const run = node.kind === "run";
    return [node.kind, node.id, node.title, node.group, run ? data.state : node.fresh, run ? data.started_at : data.created_at,
      run ? data.ended_at : "", run ? "" : data.uri, run ? "" : data.digest, run ? "" : data.size, run ? "" : data.rows,
      names(model.up[node.index], "from"), names(model.down[node.index], "to")];
  };
  const head = ["kind", "id", "name", "type_or_job", "state", "time", "ended", "uri", "digest", "size", "rows", "inputs", "outputs"];
  return asCsv([head, ...rowsOf(app).map(line)]);
}

/** One line per edge between nodes of the view. */
export function edgesCsvOf(app) {
  const { model, view } = app;
  const shown = new Set(view.cards.flatMap((card) => card.members.map((index) => model.nodes[index].id)));
  const names = ["run", "version", "direction", "how", "via", "times", "attempt", "at", "unchanged", "partial"];
  const edges = model.edgesOf().filter((edge) => shown.has(edge.version) && (shown.has(edge.run) || app.settings.level === "artifact"));
  return asCsv([names, ...edges.map((edge) => names.map((name) => edge[name]))]);
}

function asCsv(lines) {
  return lines.map((cells) => cells.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function paintAll(app, pen, scale) {
  const scene = { view: app.view, lights: app.lights, hoveredLink: null, palette: app.palette, scale, measure, now: app.model.about.generated_at };
  paintLanes(pen, scene);
  paintLinks(pen, scene, null);
  for (const card of app.view.cards) {
    paintCard(pen, card, { selected: card === app.selectedCard(), hovered: false, root: card.key === app.model.root, faded: app.isFaded(card) }, scene);
  }
}

function saveSvg(app) {
  const pen = svgPen(app.view.bounds, app.palette.back);
  paintAll(app, pen, 1);
  download(app, pen.markup(), "svg", "image/svg+xml");
}

/** The whole view on a canvas of its own, at most so many times its size. */
export function pictureOf(app, largest, most = LARGEST) {
  const { bounds } = app.view;
  const [width, height] = [bounds.right - bounds.left + 80, bounds.bottom - bounds.top + 80];
  const scale = Math.min(largest, most / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height)));
  const canvas = el("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  const context = canvas.getContext("2d");
  context.fillStyle = app.palette.back;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, (40 - bounds.left) * scale, (40 - bounds.top) * scale);
  paintAll(app, canvasPen(context), Math.min(scale, 1));
  return canvas;
}

function savePng(app) {
  pictureOf(app, 2).toBlob((blob) => {
    if (blob) download(app, blob, "png", "image/png");
    else announce("The map is too large for one image: isolate a part of it first.");
  });
}

function download(app, content, ending, type, part = "") {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const name = app.model.about.title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60) || "lineage";
  const anchor = el("a", { href: address, download: `${name}${part}.${ending}` });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
