// The other side of export/packing.py: columns and shapes back into values. Pure.

/** A column: a plain list; or the different values and where each stands; or one value and how often. */
export function column(packed) {
  if (Array.isArray(packed)) return packed;
  return packed.at ? packed.at.map((place) => packed.of[place]) : Array(packed.times).fill(packed.one);
}

/** How many values a column has. */
export function lengthOf(packed) {
  if (!packed || Array.isArray(packed)) return packed ? packed.length : 0;
  return packed.at ? packed.at.length : packed.times;
}

/**
 * A class of rows that hold their number only and read everything else from the columns: many cost next to nothing.
 * `found` are fields that are worked out from the row each time. `row.with(patch)` is a copy that stands for itself.
 */
export function rowClass(columns, found = {}) {
  const names = Object.keys(columns);
  class Copy {
    constructor(row, patch) {
      this.index = row.index;
      for (const name of names) this[name] = row[name];
      Object.assign(this, patch);
    }
    with(patch) {
      return new Copy(this, patch);
    }
  }
  class Row {
    constructor(index) {
      this.index = index;
    }
    with(patch) {
      return new Copy(this, patch);
    }
  }
  for (const name of names) Object.defineProperty(Row.prototype, name, { get: reader(columns[name]), enumerable: true });
  for (const [name, find] of Object.entries(found)) {
    for (const Kind of [Row, Copy]) Object.defineProperty(Kind.prototype, name, { get() { return find(this); } });
  }
  return Row;
}

function reader(packed) {
  if (Array.isArray(packed)) return function listed() { return packed[this.index]; };
  const { at, of, one } = packed;
  return at ? function looked() { return of[at[this.index]]; } : () => one;
}

/** An object of columns, as one object per row. */
export function rows(columns) {
  const names = Object.keys(columns);
  const lists = names.map((name) => column(columns[name]));
  const length = lists.length ? lists[0].length : 0;
  return Array.from({ length }, (_, index) => {
    const row = {};
    for (let place = 0; place < names.length; place += 1) row[names[place]] = lists[place][index];
    return row;
  });
}

/** A block of records, ready to be asked for them one by one. */
export function unshaped(block) {
  const tables = block.tables.map((columns) => columns.map(([name, packed]) => [name, column(packed)]));
  const seen = tables.map(() => 0);
  const places = block.kinds.map((kind) => seen[kind]++);
  return (index) => Object.fromEntries(tables[block.kinds[index]].map(([name, values]) => [name, values[places[index]]]));
}

/** Microseconds since the epoch as ISO 8601, as the store writes them. */
export function iso(micros) {
  if (micros === null || micros === undefined) return null;
  const seconds = Math.floor(micros / 1e6);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros - seconds * 1e6).padStart(6, "0")}Z`;
}
