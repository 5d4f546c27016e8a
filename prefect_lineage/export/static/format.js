// Numbers, times and links as a person reads them. Pure.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1234567 → "1,234,567" */
export function count(number) {
  return Number(number).toLocaleString("en-US");
}

/** "1 run", "2 runs" */
export function counted(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** Bytes → "612 MB", powers of a thousand. */
export function bytes(size) {
  let unit = 0;
  let value = size;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Seconds → "42 m 10 s". */
export function duration(seconds) {
  if (seconds < 0.0005) return "less than 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts.slice(first, first + 2).filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(" ");
}

/** "2026-11-23T09:12:04.120000Z" → "2026-11-23 09:12:04 UTC"; what is no such time stays as it is. */
export function moment(iso) {
  const found = /^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(String(iso));
  return found ? `${found[1]} ${found[2]} UTC` : String(iso);
}

const TWO = (number) => String(number).padStart(2, "0");

/** The same on the reader's clock, without a zone: "2026-11-23 10:12:04". */
export function shortMoment(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  if (!/^\d{4,}-\d\d-\d\dT/.test(String(iso)) || Number.isNaN(at.getTime())) return String(iso);
  return `${at.getFullYear()}-${TWO(at.getMonth() + 1)}-${TWO(at.getDate())} ${TWO(at.getHours())}:${TWO(at.getMinutes())}:${TWO(at.getSeconds())}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A day for a card, on the reader's clock: "Nov 23", with the year if it is another one than that of `now`. */
export function day(micros, now) {
  const at = new Date(micros / 1000);
  const short = `${MONTHS[at.getMonth()]} ${at.getDate()}`;
  return at.getFullYear() === new Date(now).getFullYear() ? short : `${short}, ${at.getFullYear()}`;
}

/** How long before another time: "5 minutes", "3 days"; empty when it was not before. */
export function before(iso, later) {
  const seconds = (new Date(later) - new Date(iso)) / 1000;
  if (!(seconds >= 0)) return "";
  for (const [size, word] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) if (seconds >= size) return counted(Math.floor(seconds / size), word);
  return "less than a minute";
}

/** The address, if it is one that may be opened from a page; otherwise null. */
export function safeUrl(text) {
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return null;
  try {
    const address = new URL(text);
    return /^https?:$/.test(address.protocol) ? address.href : null;
  } catch (malformed) {
    return null;
  }
}

/** A value of any JSON type on one line. */
export function inline(value) {
  if (value === null || value === undefined) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** "code_version" → "Code version" */
export function heading(key) {
  const words = String(key).replace(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
