/** Numbers, sizes and times as people read them. A time is Unix ms, as a BigInt where it is a record's. */

/** @type {[string, number][]} names and milliseconds */
const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]];

const whole = new Intl.NumberFormat("en");

/** @param {number|bigint} value */
export const number = (value) => whole.format(value);

/**
 * "1 record", "2 records".
 * @param {number|bigint} count
 * @param {string} one
 * @param {string} many
 */
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${Number(count) === 1 ? one : many}`;

/**
 * 1234 -> "1.2 KiB".
 * @param {number} count
 */
export function bytes(count) {
  if (count < 1024) return `${count} B`;
  const exponent = Math.min(4, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** exponent).toFixed(1)} ${["KiB", "MiB", "GiB", "TiB"][exponent - 1]}`;
}

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

/**
 * A moment in the browser's own time zone, as its date and its time; null where the calendar does not reach.
 * @param {number|bigint} ms
 */
export function local(ms) {
  // The calendar ends before the whole numbers of a double do.
  const at = new Date(Number(ms));
  if (Number.isNaN(at.getTime())) return null;
  const date = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return { date, time, fraction: `.${String(at.getMilliseconds()).padStart(3, "0")}` };
}

/**
 * The same as one text; a moment that the calendar does not reach is its number.
 * @param {number|bigint} ms
 */
export function localText(ms) {
  const at = local(ms);
  return at ? `${at.date} ${at.time}${at.fraction}` : String(ms);
}

/**
 * A moment in UTC; one that the calendar does not reach is its number.
 * @param {number|bigint} ms
 */
export function utcText(ms) {
  const at = new Date(Number(ms));
  return Number.isNaN(at.getTime()) ? String(ms) : at.toISOString().replace("T", " ").replace("Z", " UTC");
}

/**
 * How far the browser's time zone is from UTC at a moment: "UTC+05:30".
 * @param {number|bigint|null} ms
 */
export function zone(ms = Date.now()) {
  const minutes = -new Date(Number(ms)).getTimezoneOffset();
  if (minutes === 0 || Number.isNaN(minutes)) return "UTC";
  const distance = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
}

/**
 * What a datetime-local input takes; "" where the calendar does not reach.
 * @param {number|bigint} ms
 */
export function toInput(ms) {
  const at = local(ms);
  return at ? `${at.date}T${at.time}${at.fraction}` : "";
}

/**
 * The moment that a datetime-local input holds; null for none.
 * @param {string} text
 */
export function fromInput(text) {
  const at = new Date(text).getTime();
  return Number.isNaN(at) ? null : BigInt(at);
}

/** @returns {bigint} the current time */
export const present = () => BigInt(Date.now());

/**
 * @param {bigint} one
 * @param {bigint} other
 */
export const earlier = (one, other) => (other < one ? other : one);
/**
 * @param {bigint} one
 * @param {bigint} other
 */
export const later = (one, other) => (other > one ? other : one);

/**
 * A span as one says it: "3 min".
 * @param {number|bigint} length in milliseconds
 */
export function span(length) {
  const ms = Number(length);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  for (const [unit, size] of UNITS) {
    if (ms >= 2 * size || (ms >= size && ms % size === 0)) return `${number(Math.round(ms / size))} ${unit}`;
  }
  return `${number(Math.round(ms / 1000))} s`;
}

/**
 * A rate as one says it: 0.25 -> "0.25", 812.3 -> "812".
 * @param {number} value
 */
export const rate = (value) => (value < 10 ? String(Number(value.toPrecision(2))) : number(Math.round(value)));
