/** Charts, as far as they are not drawn: how high bars are, what a key chooses, what is said. */

import assert from "node:assert/strict";
import test from "node:test";

import { chosenByKey, heightsOf } from "../../service/console/page/chart.js";
import { scaleOf, wordsOf } from "../../service/console/records/histogram.js";

test("the highest bar nearly fills the chart, few among many are still seen, and none is nothing", () => {
  assert.deepEqual(heightsOf([0, 1, 500, 1000], 64), [0, 3, 31, 62]);
  assert.deepEqual(heightsOf([0, 0], 64), [0, 0]);
});

test("the first key chooses from the side that it comes from", () => {
  assert.deepEqual(chosenByKey(null, "ArrowRight", false, 59), { anchor: 0, end: 0 });
  assert.deepEqual(chosenByKey(null, "ArrowLeft", false, 59), { anchor: 59, end: 59 });
  assert.deepEqual(chosenByKey(null, "PageUp", false, 59), { anchor: 9, end: 9 });
});

test("a key moves what is chosen, with Shift it makes it grow, and it stays within the chart", () => {
  const chosen = { anchor: 3, end: 5 };
  assert.deepEqual(chosenByKey(chosen, "ArrowUp", false, 59), { anchor: 6, end: 6 });
  assert.deepEqual(chosenByKey(chosen, "ArrowDown", true, 59), { anchor: 3, end: 4 });
  assert.deepEqual(chosenByKey(chosen, "PageDown", true, 59), { anchor: 3, end: 0 });
  assert.deepEqual(chosenByKey(chosen, "PageUp", true, 9), { anchor: 3, end: 9 });
  assert.deepEqual(chosenByKey(chosen, "Home", true, 59), { anchor: 3, end: 0 });
  assert.deepEqual(chosenByKey(chosen, "End", false, 59), { anchor: 59, end: 59 });
});

test("other keys choose nothing", () => {
  for (const key of ["Enter", "Escape", "a", "toString"]) assert.equal(chosenByKey({ anchor: 0, end: 0 }, key, false, 9), null);
});

test("bars are told by their time and how many records they stand for", () => {
  const words = wordsOf([{ start_time: 0n, end_time: 10n, count: 1200 }, { start_time: 10n, end_time: 20n, count: 34 }]);
  assert.match(words, /\.000 to .*\.020 UTC.*, about 1,234$/);
});

test("the scale has the date once where both ends are of one day", () => {
  const at = (/** @type {number[]} */ ...[day, hour, minute, second, ms]) =>
    BigInt(new Date(2025, 5, day, hour, minute, second, ms).getTime());
  assert.deepEqual(scaleOf(at(15, 10, 0, 0, 0), at(15, 11, 30, 5, 7)), ["2025-06-15 10:00:00", "11:30:05"]);
  assert.equal(scaleOf(at(15, 0, 0, 0, 0), at(16, 0, 0, 0, 0))[1], "2025-06-16 00:00:00");
});
