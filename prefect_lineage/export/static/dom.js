// The only way anything gets into the page: elements by name, text as text.

const SVG = "http://www.w3.org/2000/svg";

/** The element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** An element. Properties that start with "on" are listeners; null and false are left out. */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") && value !== null) element.setAttribute(name, String(value));
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A drawing of one stroked path in a box of 24 by 24. */
export function drawing(path, className) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** A button with words on it. */
export function button(text, onclick, properties = {}) {
  return el("button", { type: "button", onclick, ...properties }, text);
}

/** Says something to a screen reader. */
export function announce(text) {
  byId("live").textContent = text;
}

/** Puts text on the clipboard; resolves to whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (refused) {
    return copyByHand(text); // a sandboxed frame has no clipboard of its own
  }
}

function copyByHand(text) {
  const area = el("textarea", { class: "away", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** A button that copies and says so. */
export function copyButton(text, what) {
  const made = button("Copy", async () => {
    made.textContent = (await copy(text)) ? "Copied" : "Not allowed";
    setTimeout(() => {
      made.textContent = "Copy";
    }, 1500);
  }, { class: "copy", "aria-label": `Copy ${what}` });
  return made;
}
