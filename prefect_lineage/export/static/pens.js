// Two ways to put the same picture down: on a canvas, or as SVG. The painter does not know which it holds.

let gauge = null;

/** The width of a text in a font. */
export function measure(text, font) {
  gauge = gauge || document.createElement("canvas").getContext("2d");
  gauge.font = font;
  return gauge.measureText(text).width;
}

function trace(context, curves) {
  const [first] = curves;
  context.moveTo(first[0], first[1]);
  for (const [, , ax, ay, bx, by, x, y] of curves) context.bezierCurveTo(ax, ay, bx, by, x, y);
}

/** A pen that draws on a canvas. */
export function canvasPen(context) {
  const paths = new Map();
  const finish = ({ fill, stroke, line = 1, dash = [] }) => {
    if (fill) {
      context.fillStyle = fill;
      context.fill();
    }
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.setLineDash(dash);
      context.stroke();
      context.setLineDash([]);
    }
  };
  return {
    fade(alpha) {
      context.globalAlpha = alpha;
    },
    box(x, y, width, height, radius, look) {
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      finish(look);
    },
    curves(list, look) {
      context.beginPath();
      for (const curves of list) trace(context, curves);
      finish(look);
    },
    head(x, y, angle, size, fill) {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x - size * cos - size * 0.5 * sin, y - size * sin + size * 0.5 * cos);
      context.lineTo(x - size * cos + size * 0.5 * sin, y - size * sin - size * 0.5 * cos);
      context.closePath();
      finish({ fill });
    },
    icon(path, x, y, size, stroke, line) {
      if (!paths.has(path)) paths.set(path, new Path2D(path));
      context.save();
      context.translate(x - size / 2, y - size / 2);
      context.scale(size / 24, size / 24);
      context.lineCap = context.lineJoin = "round";
      context.strokeStyle = stroke;
      context.lineWidth = (line * 24) / size;
      context.stroke(paths.get(path));
      context.restore();
    },
    text(text, x, y, font, fill) {
      context.font = font;
      context.fillStyle = fill;
      context.textAlign = "left";
      context.textBaseline = "alphabetic";
      context.fillText(text, x, y);
    },
  };
}

/** A pen that collects SVG elements; `markup()` gives the document. */
export function svgPen(bounds, back) {
  const root = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  let alpha = 1;
  const number = (value) => String(Math.round(value * 100) / 100);
  const add = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, typeof value === "number" ? number(value) : value);
    if (alpha < 1) element.setAttribute("opacity", number(alpha));
    root.append(element);
    return element;
  };
  const looks = ({ fill, stroke, line = 1, dash = [] }) => ({
    fill: fill || "none",
    ...(stroke ? { stroke, "stroke-width": line, "stroke-dasharray": dash.join(" ") || "none" } : {}),
  });
  const [x, y, width, height] = [bounds.left - 24, bounds.top - 24, bounds.right - bounds.left + 48, bounds.bottom - bounds.top + 48];
  for (const [name, value] of Object.entries({ viewBox: [x, y, width, height].map(number).join(" "), width: number(width), height: number(height) })) {
    root.setAttribute(name, value);
  }
  add("rect", { x, y, width, height, fill: back });
  return {
    fade(value) {
      alpha = value;
    },
    box(left, top, wide, high, radius, look) {
      add("rect", { x: left, y: top, width: wide, height: high, rx: radius, ...looks(look) });
    },
    curves(list, look) {
      const d = list.map((curves) => curves.map(([x1, y1, ...rest], index) => `${index ? "" : `M${number(x1)} ${number(y1)}`}C${rest.map(number).join(" ")}`).join("")).join("");
      if (d) add("path", { d, ...looks(look) });
    },
    head(tipX, tipY, angle, size, fill) {
      const turn = (angle * 180) / Math.PI;
      add("path", { d: `M0 0L${-size} ${-size / 2}V${size / 2}Z`, fill, transform: `translate(${number(tipX)} ${number(tipY)}) rotate(${number(turn)})` });
    },
    icon(path, middleX, middleY, size, stroke, line) {
      const scale = size / 24;
      add("path", { d: path, fill: "none", stroke, "stroke-width": line / scale, "stroke-linecap": "round", "stroke-linejoin": "round", transform: `translate(${number(middleX - size / 2)} ${number(middleY - size / 2)}) scale(${scale})` });
    },
    text(text, left, base, font, fill) {
      const [, weight, size, family] = /^(\d+) ([\d.]+)px (.*)$/.exec(font);
      add("text", { x: left, y: base, fill, "font-weight": weight, "font-size": size, "font-family": family }).textContent = text;
    },
    markup() {
      return new XMLSerializer().serializeToString(root);
    },
  };
}
