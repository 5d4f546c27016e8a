// The whole of a large map in a corner, with a frame around what is on the stage.
import { byId } from "./dom.js";
import { isFaded } from "./paint.js";

const SIZE = { width: 208, height: 124 };
const FROM = 24; // cards from which the corner is worth its room

/** Draws after each frame, at most once per frame of the screen. */
export function watchMinimap(app, stage) {
  const canvas = byId("minimap");
  let waiting = false;
  let place = null;
  stage.onFrame(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      canvas.hidden = app.view.cards.length < FROM || app.settings.table || allSeen(app.view.bounds, stage.boxInMap());
      if (!canvas.hidden) place = draw(app, stage, canvas);
    });
  });
  const travel = (event) => {
    if (!place || !(event.buttons & 1)) return;
    const frame = canvas.getBoundingClientRect();
    stage.centre((event.clientX - frame.left - place.dx) / place.scale, (event.clientY - frame.top - place.dy) / place.scale);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    travel(event);
  });
  canvas.addEventListener("pointermove", travel);
}

function allSeen(bounds, seen) {
  return seen.left <= bounds.left && seen.top <= bounds.top && seen.right >= bounds.right && seen.bottom >= bounds.bottom;
}

function draw(app, stage, canvas) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = SIZE.width * ratio;
  canvas.height = SIZE.height * ratio;
  const { bounds } = app.view;
  const scale = Math.min((SIZE.width - 20) / (bounds.right - bounds.left), (SIZE.height - 20) / (bounds.bottom - bounds.top));
  const dx = (SIZE.width - (bounds.right - bounds.left) * scale) / 2 - bounds.left * scale;
  const dy = (SIZE.height - (bounds.bottom - bounds.top) * scale) / 2 - bounds.top * scale;
  const context = canvas.getContext("2d");
  context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * dx, ratio * dy);
  canvas.dataset.cards = String(app.view.cards.length);
  const thick = Math.max(0, 3 / scale);
  for (const card of app.view.cards) {
    const bad = card.mark === "failed" || card.mark === "crashed";
    context.globalAlpha = isFaded(card, app.lights) ? 0.18 : 0.9;
    context.fillStyle = bad ? app.palette.bad : card.kind === "run" ? app.palette.run : app.palette.art;
    const height = Math.max(card.height * 0.8, thick);
    context.fillRect(card.x - card.width / 2, card.y - height / 2, card.width, height);
  }
  frame(context, stage.boxInMap(), app.palette.accent, scale);
  return { scale, dx, dy };
}

function frame(context, seen, colour, scale) {
  context.globalAlpha = 1;
  context.strokeStyle = colour;
  context.lineWidth = 1.6 / scale;
  context.strokeRect(seen.left, seen.top, seen.right - seen.left, seen.bottom - seen.top);
  context.globalAlpha = 0.08;
  context.fillStyle = colour;
  context.fillRect(seen.left, seen.top, seen.right - seen.left, seen.bottom - seen.top);
  context.globalAlpha = 1;
}
