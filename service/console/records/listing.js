/** What a list of records asks for and says, one page after the other. */

import { COUNT_WORDS } from "../page/count-words.js";
import { bytes, earlier, later, localText, number, plural } from "../page/format.js";

/**
 * @typedef {import("../app/address.js").Route} Route
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../api/bodies.d.ts").MessagesResponse} Answer
 * @typedef {import("../api/bodies.d.ts").ScanCountsItem} Counts
 */

/**
 * A list as far as it was read.
 * @typedef {Object} Listing
 * @property {import("../api/api.js").Query} query the same for each page
 * @property {boolean} filtered whether records are left out that are in the place asked for
 * @property {boolean} begun whether there was a first page
 * @property {string|null} cursor of the next page; null: before the first, and at the end
 * @property {number} total how many records there are, as the first page said
 * @property {"exact"|"upper_bound"} relation whether that is how many, or at most how many
 * @property {Counts} counts what has become of the records of all pages
 * @property {number} bytes how much was read for them
 * @property {number} left how many offsets are still to be read
 * @property {number|null} reached the time of the record that was read last, Unix ms; null for none
 * @property {import("../api/bodies.d.ts").NotEvaluatedItem|null} first_not_evaluated
 * @property {string|null} hint what may be wrong with a filter that nothing has met so far
 */

const PREVIEW_CHARACTERS = 160;
const DAY_MS = 86_400_000n;
// The last time that a record can have.
const LAST_MS = 2n ** 63n - 1n;

/** @type {Counts} */
const NONE = {
  scanned: 0, outside_time_range: 0, already_resent: 0, not_matched: 0, not_json: 0, not_evaluated: 0, matched: 0,
};

/**
 * How a record is named in the address and among the selected.
 * @param {{partition: number, message_offset: bigint}} record
 */
export const idOf = (record) => `${record.partition}-${record.message_offset}`;

/**
 * The list that a route is about, before its first page.
 * @param {Route} route
 * @returns {Listing}
 */
export function listingOf({ topic, mode, partition, offset, start, end, filter }) {
  const query = { topic, partition, filter, preview: PREVIEW_CHARACTERS };
  /** @type {Record<Route["mode"], import("../api/api.js").Query>} */
  const places = {
    newest: {},
    time: { start_time: start, end_time: end },
    position: { partition: partition || "0", start_offset: offset || "0" },
  };
  return {
    query: { ...query, ...places[mode] }, filtered: filter !== "", begun: false, cursor: null, total: 0, relation: "exact",
    counts: NONE, bytes: 0, left: 0, reached: null, first_not_evaluated: null, hint: null,
  };
}

/**
 * The list with one more page.
 * @param {Listing} listing
 * @param {Omit<Answer, "messages"|"size">} answer
 * @returns {Listing}
 */
export function withPage(listing, { cursor, total, total_relation: relation, scan }) {
  const names = /** @type {(keyof Counts)[]} */ (Object.keys(NONE));
  const counts = { ...NONE };
  for (const name of names) counts[name] = listing.counts[name] + scan.counts[name];
  return {
    ...listing,
    ...(listing.begun ? {} : { total, relation }),
    begun: true,
    cursor,
    counts,
    bytes: listing.bytes + scan.bytes,
    left: scan.left,
    reached: scan.reached_time ?? listing.reached,
    first_not_evaluated: listing.first_not_evaluated ?? scan.first_not_evaluated,
    hint: counts.matched ? null : (scan.hint ?? listing.hint),
  };
}

/**
 * Whether all of it was read.
 * @param {Pick<Listing, "begun"|"cursor">} listing
 */
export const isComplete = ({ begun, cursor }) => begun && cursor === null;

/**
 * How much of what there is to read was read, from 0 to 1.
 * @param {Pick<Listing, "counts"|"left">} listing
 */
export const shareOf = ({ counts: { scanned }, left }) => (scanned + left ? scanned / (scanned + left) : 0);

/**
 * How far a search is, while it runs.
 * @param {Pick<Listing, "counts"|"left"|"reached"|"bytes">} listing
 */
export function progressWords({ counts, left, reached, bytes: read }) {
  const said = [`${number(counts.matched)} found`, `${number(counts.scanned)} scanned`, `at most ${number(left)} left`];
  if (reached !== null) said.push(`at ${localText(reached)}`);
  said.push(`${bytes(read)} read`);
  return said.join(", ");
}

/**
 * What has become of the records that a search with a filter has scanned, in the words of the command line.
 * @param {Counts} counts
 */
export function matchWords(counts) {
  const { expired: _none, ...words } = COUNT_WORDS;
  const names = /** @type {(keyof typeof words)[]} */ (Object.keys(words));
  const others = names.filter((name) => counts[name]).map((name) => `${number(counts[name])} ${words[name]}`);
  const verb = counts.matched === 1 ? "matches" : "match";
  return `${number(counts.matched)} of ${number(counts.scanned)} records ${verb}${others.length ? ` (${others.join(", ")})` : ""}`;
}

/**
 * How many records are listed, and of how many.
 * @param {number} count
 * @param {Listing} listing
 */
export function countWords(count, listing) {
  const { total, relation, filtered, counts, left } = listing;
  const complete = isComplete(listing);
  if (filtered) return `${matchWords(counts)}${complete ? "" : ` so far, at most ${number(left)} left to search`}.`;
  if (complete) return count === 0 ? "No records." : `${plural(count, "record")} (complete)`;
  if (total > count) return `${number(count)} of ${relation === "exact" ? "" : "at most "}${plural(total, "record")}.`;
  return `${plural(count, "record")}.`;
}

/** @type {Record<Route["mode"], string>} */
const ORDERS = {
  newest: "The end of each partition first",
  time: "The earliest first; what came late into the log comes last",
  position: "By offset",
};

/**
 * In which order a route's records are listed.
 * @param {Route["mode"]} mode
 */
export const orderWords = (mode) => ORDERS[mode];

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
