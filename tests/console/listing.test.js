/** What a list of records asks for and says, and which of its rows stand in the page. */

import assert from "node:assert/strict";
import test from "node:test";

import { NOWHERE } from "../../service/console/app/address.js";
import {
  countWords,
  idOf,
  isComplete,
  listingOf,
  matchWords,
  orderWords,
  progressWords,
  shareOf,
  spanOf,
  withPage,
} from "../../service/console/records/listing.js";
import { rowByKey, rowsInSight } from "../../service/console/records/table-window.js";
import { page } from "./made.js";

const FILTER = '{"key":"k"}';
const ROUTE = { ...NOWHERE, topic: "orders", partition: "", start: 1n, end: 2n, offset: "" };
const LISTING = listingOf(ROUTE);
const { counts: NONE } = LISTING;

test("each mode asks for its own place", () => {
  const common = { topic: "orders", partition: "", filter: FILTER, preview: 160 };
  const query = (/** @type {"newest"|"time"|"position"} */ mode) => listingOf({ ...ROUTE, mode, filter: FILTER }).query;
  assert.deepEqual(query("newest"), common);
  assert.deepEqual(query("time"), { ...common, start_time: 1n, end_time: 2n });
  assert.deepEqual(query("position"), { ...common, partition: "0", start_offset: "0" });
  assert.equal(new Set(/** @type {const} */ (["newest", "time", "position"]).map(orderWords)).size, 3);
});

test("the pages of a search add up, and of each first thing the first is kept", () => {
  const first = { partition: 0, message_offset: 7n, reason: "a text" };
  const pages = [
    page({ counts: { scanned: 10, not_matched: 10 }, left: 25, reached_time: 5, hint: "quotes" }),
    page({ counts: { scanned: 10, not_evaluated: 10 }, left: 15, reached_time: null, first_not_evaluated: first }),
  ];
  const read = pages.reduce(withPage, listingOf({ ...ROUTE, filter: FILTER }));
  assert.deepEqual(read.counts, { ...NONE, scanned: 20, not_matched: 10, not_evaluated: 10 });
  assert.deepEqual([read.bytes, read.left, read.reached, read.hint], [200, 15, 5, "quotes"]);
  assert.deepEqual([read.cursor, isComplete(read), read.first_not_evaluated], ["c", false, first]);
  const last = page({ counts: { scanned: 15, matched: 15 }, left: 0, first_not_evaluated: { ...first, partition: 1 } }, null);
  const whole = withPage(read, last);
  assert.deepEqual([isComplete(whole), whole.hint, whole.first_not_evaluated], [true, null, first]);
  assert.equal(isComplete(LISTING), false);
});

test("how many there are is what the first page said", () => {
  const read = withPage(withPage(LISTING, page({}, "c", 5000)), page({}, "d", 4000));
  assert.deepEqual([read.total, read.relation], [5000, "upper_bound"]);
});

test("a search that runs says how far it is", () => {
  const read = { counts: { ...NONE, scanned: 12_000, matched: 300 }, left: 4000, bytes: 2048, reached: 0 };
  assert.equal(shareOf(read), 0.75);
  assert.equal(shareOf(LISTING), 0);
  assert.match(progressWords(read), /^300 found, 12,000 scanned, at most 4,000 left, at (1970|1969)-.*, 2\.0 KiB read$/);
  assert.equal(progressWords({ ...read, reached: null }), "300 found, 12,000 scanned, at most 4,000 left, 2.0 KiB read");
});

test("each record that was scanned is accounted for, in the words of the command line", () => {
  const counts = { ...NONE, scanned: 20_012, matched: 3000, not_matched: 17_000, not_json: 12 };
  assert.equal(matchWords(counts), "3,000 of 20,012 records match (17,000 not matched, 12 not JSON)");
  assert.equal(matchWords({ ...NONE, scanned: 2, matched: 1, already_resent: 1 }), "1 of 2 records matches (1 already resent)");
  assert.equal(matchWords(NONE), "0 of 0 records match");
});

test("the count says whether that is all, and of how many it is a part", () => {
  const complete = { ...LISTING, begun: true, total: 5000 };
  assert.equal(countWords(0, complete), "No records.");
  assert.equal(countWords(1, complete), "1 record (complete)");
  const part = { ...complete, cursor: "c" };
  assert.equal(countWords(100, part), "100 of 5,000 records.");
  assert.equal(countWords(100, { ...part, relation: "upper_bound" }), "100 of at most 5,000 records.");
  assert.equal(countWords(100, { ...part, total: 7 }), "100 records.");
  const counts = { ...NONE, scanned: 10, matched: 4, not_matched: 6 };
  const filtered = { ...complete, filtered: true, counts };
  assert.equal(countWords(4, filtered), "4 of 10 records match (6 not matched).");
  assert.equal(
    countWords(4, { ...filtered, cursor: "c", left: 1000 }),
    "4 of 10 records match (6 not matched) so far, at most 1,000 left to search.",
  );
});

test("the chart spans the times of the records, and no less than a second", () => {
  const at = (/** @type {(bigint|null)[]} */ ...times) => spanOf(times.map((timestamp) => ({ timestamp })), 10_000n);
  assert.deepEqual(at(5000n, null, 2000n), { start: 2000n, end: 5001n, left: 0 });
  assert.deepEqual(at(5000n), { start: 5000n, end: 6000n, left: 0 });
  assert.equal(at(null), null);
});

test("a time far in the future is left out of the chart where there are others", () => {
  const last = 2n ** 63n - 1n;
  assert.deepEqual(spanOf([{ timestamp: 5000n }, { timestamp: last }], 10_000n), { start: 5000n, end: 6000n, left: 1 });
  const tomorrow = 10_000n + 86_400_000n;
  assert.equal(spanOf([{ timestamp: tomorrow - 1n }, { timestamp: 0n }], 10_000n)?.left, 0);
  assert.equal(spanOf([{ timestamp: tomorrow }, { timestamp: 0n }], 10_000n)?.left, 1);
  assert.deepEqual(spanOf([{ timestamp: last }], 10_000n), { start: last, end: last, left: 0 });
});

test("a record is named by its partition and offset", () => {
  assert.equal(idOf({ partition: 3, message_offset: 9007199254740993n }), "3-9007199254740993");
});

test("of many rows those in sight and some around them stand in the page", () => {
  assert.deepEqual(rowsInSight({ scrollTop: 0, clientHeight: 300 }, 30, 1000), { first: 0, last: 34 });
  assert.deepEqual(rowsInSight({ scrollTop: 3000, clientHeight: 300 }, 30, 1000), { first: 88, last: 122 });
  assert.deepEqual(rowsInSight({ scrollTop: 29_700, clientHeight: 300 }, 30, 1000), { first: 978, last: 1000 });
  assert.deepEqual(rowsInSight({ scrollTop: 500, clientHeight: 300 }, 30, 5), { first: 0, last: 5 });
});

test("keys lead to a row that is there, others nowhere", () => {
  const keys = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "Enter"];
  assert.deepEqual(keys.map((key) => rowByKey(key, 5, 10, 12)), [6, 4, 11, 0, 0, 11, null]);
});
