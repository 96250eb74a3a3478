/** What is in a dead-letter topic, added up page by page. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  NOTHING_READ,
  isGrouped,
  largestFirst,
  progressOf,
  redriveDraft,
  sizeWords,
  withGroups,
} from "../../service/console/records/dead-letter-groups.js";

/**
 * @typedef {import("../../service/console/api/bodies.d.ts").DeadLettersResponse} Answer
 * @typedef {import("../../service/console/api/bodies.d.ts").DeadLetterGroupItem} Group
 */

/**
 * @param {Partial<Group>} differences
 * @returns {Group}
 */
const group = (differences = {}) => ({
  dialect: "spring", topic: "orders", group: "billing", reason: "java.io.IOException", problem: null, count: 10,
  already_resent: 0, first_time: 100, last_time: 200, example: { partition: 1, message_offset: 5n }, ...differences,
});

/**
 * @param {Group[]} groups
 * @param {string|null} cursor
 * @returns {Answer}
 */
const answer = (groups, cursor) => ({
  groups, size: groups.length, cursor,
  scan: { records: 10, milliseconds: 1, complete: cursor === null, stopped_by: null, left: cursor === null ? 0 : 30 },
});

test("groups of several pages are added up where they say the same, and are listed the largest first", () => {
  const other = group({ group: null, count: 15 });
  const again = group({
    count: 7, already_resent: 2, first_time: null, last_time: 900, example: { partition: 0, message_offset: 9n },
  });
  const first = withGroups(NOTHING_READ, answer([group(), other], "c"));
  assert.deepEqual(progressOf(first), { share: 0.25, words: "2 groups, 10 records scanned, at most 30 left" });
  assert.equal(isGrouped(first), false);
  const all = withGroups(first, answer([again], null));
  assert.equal(isGrouped(all), true);
  assert.deepEqual(progressOf(all), { share: 1, words: "2 groups, 20 records scanned" });
  const sum = group({ count: 17, already_resent: 2, last_time: 900, example: { partition: 0, message_offset: 9n } });
  assert.deepEqual(largestFirst(all).map(([, each]) => each), [sum, other]);
  assert.equal(NOTHING_READ.groups.size, 0);
});

test("nothing was read before the first page", () => {
  assert.equal(isGrouped(NOTHING_READ), false);
  assert.equal(progressOf(NOTHING_READ).share, 0);
});

test("a group without times has none, and of two examples the earlier one is kept", () => {
  const none = group({ first_time: null, last_time: null, example: { partition: 1, message_offset: 2n } });
  const all = withGroups(withGroups(NOTHING_READ, answer([none], "c")), answer([{ ...none, example: { partition: 1, message_offset: 3n } }], null));
  const [[, sum]] = largestFirst(all);
  assert.deepEqual([sum.first_time, sum.last_time, sum.example.message_offset], [null, null, 2n]);
});

test("a group says how many of its records a job leaves out", () => {
  assert.equal(sizeWords(group({ count: 1 })), "1 record");
  assert.equal(sizeWords(group({ count: 2941, already_resent: 12 })), "2,941 records, 12 of them already resent");
});

test("the job of a group takes its dead letters and no others, back to where they came from", () => {
  assert.deepEqual(redriveDraft("orders.DLT", group({ group: null })), {
    topic: "orders.DLT",
    mode: "all",
    filter: { dead_letters: { dialect: "spring", topic: "orders", group: "", reason: "java.io.IOException" } },
    target: "auto",
  });
  assert.deepEqual(redriveDraft("t", group({ topic: null, reason: null }))?.filter?.dead_letters, {
    dialect: "spring", group: "billing", reason: "",
  });
  assert.equal(redriveDraft("t", group({ dialect: null, problem: "no headers" })), null);
});
