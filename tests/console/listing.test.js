/** What a list of records asks for and says, and which of its rows stand in the page. */

import assert from "node:assert/strict";
import test from "node:test";

import { NOWHERE } from "../../service/console/app/address.js";
import { countWords, idOf, isBounded, listingOf, spanOf } from "../../service/console/records/listing.js";
import { rowByKey, rowsInSight } from "../../service/console/records/table-window.js";

const ROUTE = { ...NOWHERE, topic: "orders", partition: "", key: "k", start: 1n, end: 2n, offset: "" };
/** @type {import("../../service/console/records/listing.js").Scan} */
const SCAN = {
  records: 1000, bytes: 64_000, milliseconds: 1234, reached_time: null, left: 0, complete: true, stopped_by: null,
  counts: {
    scanned: 1000, outside_time_range: 0, already_resent: 0, not_matched: 0, not_json: 0, not_evaluated: 0, matched: 1000,
  },
  first_not_evaluated: null, hint: null,
};

test("each mode asks for its own place", () => {
  const common = { topic: "orders", partition: "", key: "k", limit: 100, preview: 160 };
  assert.deepEqual(listingOf({ ...ROUTE, mode: "newest" }, 100).query, common);
  assert.deepEqual(listingOf({ ...ROUTE, mode: "time" }, 100).query, { ...common, start_time: 1n, end_time: 2n });
  assert.deepEqual(listingOf({ ...ROUTE, mode: "position" }, 100).query, { ...common, partition: "0", start_offset: "0" });
});

test("the count says whether that is all, and of how many it is a part", () => {
  const listing = { cursor: null, total: 5000, relation: /** @type {const} */ ("exact") };
  assert.equal(countWords(0, listing, SCAN), "No records.");
  assert.equal(countWords(1, listing, SCAN), "1 record (complete)");
  assert.equal(countWords(100, { ...listing, cursor: "c" }, SCAN), "100 of 5,000 records.");
  assert.equal(countWords(100, { ...listing, cursor: "c", relation: "upper_bound" }, SCAN), "100 of at most 5,000 records.");
  assert.equal(countWords(100, { ...listing, cursor: "c", total: 7 }, SCAN), "100 records.");
});

test("a search that stopped at its bounds says how far it looked", () => {
  const stopped = { ...SCAN, stopped_by: /** @type {const} */ ("seconds") };
  const words = countWords(3, { cursor: "c", total: 3, relation: "exact" }, stopped);
  assert.equal(words, "3 records. One search reads no more: it looked at 1,000 records in 1.2 s.");
  assert.deepEqual([isBounded(stopped), isBounded({ ...SCAN, stopped_by: "limit" })], [true, false]);
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
