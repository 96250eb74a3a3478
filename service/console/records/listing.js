/** What a list of records asks for and says, one page after the other. */

import { earlier, later, number, plural } from "../page/format.js";

/**
 * @typedef {import("../app/address.js").Route} Route
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../api/bodies.d.ts").ScanItem} Scan
 */

/**
 * A list as far as it was read.
 * @typedef {Object} Listing
 * @property {import("../api/api.js").Query} query the same for each page
 * @property {string|null} cursor of the next page; null: before the first, and at the end
 * @property {number} total how many records there are, as the first page said
 * @property {"exact"|"upper_bound"} relation whether that is how many, or at most how many
 */

const PREVIEW_CHARACTERS = 160;
const DAY_MS = 86_400_000n;
// The last time that a record can have.
const LAST_MS = 2n ** 63n - 1n;

/**
 * How a record is named in the address and among the selected.
 * @param {{partition: number, message_offset: bigint}} record
 */
export const idOf = (record) => `${record.partition}-${record.message_offset}`;

/**
 * The list that a route is about, before its first page.
 * @param {Route} route
 * @param {number} limit how many records a page has
 * @returns {Listing}
 */
export function listingOf({ topic, mode, partition, offset, start, end, key }, limit) {
  const query = { topic, partition, key, limit, preview: PREVIEW_CHARACTERS };
  /** @type {Record<Route["mode"], import("../api/api.js").Query>} */
  const places = {
    newest: {},
    time: { start_time: start, end_time: end },
    position: { partition: partition || "0", start_offset: offset || "0" },
  };
  return { query: { ...query, ...places[mode] }, cursor: null, total: 0, relation: "exact" };
}

/**
 * Whether a search read as much as one may, and there is more.
 * @param {Scan} scan
 */
export const isBounded = (scan) => scan.stopped_by === "records" || scan.stopped_by === "seconds";

/**
 * How many records are listed, and of how many.
 * @param {number} count
 * @param {Pick<Listing, "cursor"|"total"|"relation">} listing
 * @param {Scan} scan the last one
 */
export function countWords(count, { cursor, total, relation }, scan) {
  let words = `${plural(count, "record")}.`;
  if (cursor === null) words = count === 0 ? "No records." : `${plural(count, "record")} (complete)`;
  else if (total > count) words = `${number(count)} of ${relation === "exact" ? "" : "at most "}${plural(total, "record")}.`;
  if (isBounded(scan)) {
    const seconds = (scan.milliseconds / 1000).toFixed(1);
    words += ` One search reads no more: it looked at ${plural(scan.records, "record")} in ${seconds} s.`;
  }
  return words;
}

/**
 * The range of time that records span, and how many of them it leaves out; null where none has a time.
 *
 * A single time far in the future, such as one in microseconds, would press all others into one bar: it is left out where
 * there are others.
 * @param {readonly Pick<Message, "timestamp">[]} records
 * @param {bigint} now Unix ms
 */
export function spanOf(records, now) {
  const all = records.map((record) => record.timestamp).filter((timestamp) => timestamp !== null);
  const usual = all.filter((timestamp) => timestamp < now + DAY_MS);
  const times = usual.length > 0 ? usual : all;
  if (times.length === 0) return null;
  const start = times.reduce(earlier);
  const end = earlier(later(times.reduce(later) + 1n, start + 1000n), LAST_MS);
  return { start, end, left: all.length - times.length };
}
