// Line drawings in a box of 24 by 24, for canvas, DOM and SVG alike.

const ICONS = {
  dataset: "M4 6c0-1.7 3.6-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3zM4 6v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3",
  model: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9",
  chart: "M5 20v-7M12 20V4M19 20v-11",
  table: "M3.500 5h17v14h-17zM3.500 10h17M9.500 10v9",
  folder: "M3 7c0-1.100.9-2 2-2h4l2 2.500h8c1.100 0 2 .9 2 2V17c0 1.100-.9 2-2 2H5c-1.100 0-2-.9-2-2z",
  image: "M4 4h16v16H4zM4 16l5-5 4 4 3-3 4 4M15.500 8.200v.6",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5M13.500 5l-3 14",
  value: "M9 4c-3 0-3 1.500-3 4s0 4-2.500 4c2.500 0 2.500 1.500 2.500 4s0 4 3 4M15 4c3 0 3 1.500 3 4s0 4 2.500 4c-2.500 0-2.500 1.500-2.500 4s0 4-3 4",
  file: "M6 3h8l4.500 4.500V21H6zM14 3v5h4.500",
};

const MARKS = {
  completed: "M5 12.500l4.500 4.500L19 7.500",
  cached: "M2.500 12.500l4 4 8-9M11.500 15l1.500 1.500 8.500-9",
  failed: "M6.500 6.500l11 11M17.500 6.500l-11 11",
  crashed: "M6.500 6.500l11 11M17.500 6.500l-11 11",
  running: "M8.500 5.500v13l10-6.500z",
  retrying: "M18.500 14a7 7 0 1 1-1-6.500M18.500 3v5h-5",
  cancelled: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16zM6.500 6.500l11 11",
  waiting: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16zM12 7.500V12l3.500 2",
  other: "M9 9c0-4 6-4 6 0 0 2-3 2.500-3 5M12 18v.5",
};

const COLOURS = {
  completed: "good",
  cached: "reused",
  failed: "bad",
  crashed: "bad",
  running: "busy",
  retrying: "again",
  cancelled: "still",
  waiting: "still",
  other: "still",
};

/** The drawing of a node: a run's state or an artifact's type. */
export function iconOf(node) {
  return node.kind === "run" ? markPath(node.mark) : ICONS[node.icon] || ICONS.file;
}

/** The drawing of a class of states. */
export function markPath(mark) {
  return MARKS[mark] || MARKS.other;
}

/** The name of the colour of a class of states. */
export function markColour(mark) {
  return COLOURS[mark] || COLOURS.other;
}

/** The drawing of a type's icon by its name. */
export function typePath(icon) {
  return ICONS[icon] || ICONS.file;
}
