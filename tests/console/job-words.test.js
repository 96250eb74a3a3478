/** What there is to say about a job, in words and numbers. */

import assert from "node:assert/strict";
import test from "node:test";

import { columnsOf } from "../../service/console/jobs/job-report.js";
import {
  counted,
  isKnown,
  isMoving,
  isOver,
  keepsKeys,
  numbersLine,
  partBefore,
  partitionsWords,
  selectionWords,
  share,
  speedWords,
  stateWord,
  targetWords,
} from "../../service/console/jobs/job-words.js";
import { job } from "./made.js";

test("a job is over when it has succeeded, failed or was cancelled", () => {
  const states = /** @type {const} */ (["pending", "running", "paused", "succeeded", "failed", "cancelled"]);
  assert.deepEqual(states.filter((state) => isOver(job({ state }))), ["succeeded", "failed", "cancelled"]);
});

test("a paused job moves only when it is to be cancelled", () => {
  assert.equal(isMoving(job({ state: "running" })), true);
  assert.equal(isMoving(job({ state: "paused" })), false);
  assert.equal(isMoving(job({ state: "paused", cancel_requested: true })), true);
  assert.equal(isMoving(job({ state: "cancelled", cancel_requested: true })), false);
});

test("a job on its way to an end says so until it is there", () => {
  assert.equal(stateWord(job({ cancel_requested: true })), "being cancelled");
  assert.equal(stateWord(job({ state: "cancelled", cancel_requested: true })), "cancelled");
});

test("a job that cannot be read has no topic", () => {
  assert.deepEqual([isKnown(job()), isKnown(job({ topic: "" }))], [true, false]);
});

test("the share is that of the offsets, of a job that has succeeded all", () => {
  assert.equal(share(job()), 0.5);
  assert.equal(share(job({ state: "succeeded" })), 1);
  assert.equal(share(job({ counts: { selected: 0 } })), 0);
  // Offsets beyond the selection, and those before it, are none of its own.
  assert.equal(share(job({ progress: [{ partition: 0, next_offset: 1000n, end_offset: 100n }] })), 1);
  const spans = [{ partition: 0, start: 40n, end: 100n }];
  assert.equal(share(job({ selection: { spans }, progress: [{ partition: 0, next_offset: 10n, end_offset: 100n }] })), 0);
});

test("the part of a range before an offset stays between nothing and all", () => {
  const start = 2n ** 60n;
  assert.equal(partBefore(start + 25n, start, start + 100n), 0.25);
  assert.deepEqual([partBefore(0n, 10n, 20n), partBefore(30n, 10n, 20n), partBefore(5n, 5n, 5n)], [0, 1, 1]);
});

test("counts that are 0 are told only where that says something", () => {
  assert.deepEqual(counted(job({ counts: { scanned: 0, matched: 0, resent: 0 } })), [
    ["scanned", 0], ["matched", 0], ["resent", 0],
  ]);
  assert.deepEqual(counted(job({ dry_run: true, counts: { matched: 50, failed: 2, not_json: 3 } })), [
    ["scanned", 50], ["matched", 50], ["would be resent", 48], ["failed", 2], ["not JSON", 3],
  ]);
});

test("speed is told while a job runs", () => {
  const speeds = { rate: 812.3, scan_rate: 0.25, eta_seconds: 90 };
  assert.equal(speedWords(job(speeds)), "812 resent/s, 0.25 scanned/s, about 90 s left");
  assert.equal(speedWords(job({ ...speeds, state: "paused" })), "");
  assert.equal(speedWords(job()), "");
});

test("one line has the counts and the speed", () => {
  const words = numbersLine(job({ rate: 10, counts: { selected: 1000, expired: 1 } }));
  assert.equal(words, "50 scanned of at most 1,000 · 50 matched · 50 resent · 1 expired · 10 resent/s");
});

test("copies keep their consumer_key where such records may be among those selected", () => {
  assert.equal(keepsKeys(job()), false);
  assert.equal(keepsKeys(job({ filter: { key: null, headers: [], jmespath: null, include_resent: true } })), true);
  assert.equal(keepsKeys(job({ selection: { spans: [], positions: 3 } })), true);
});

test("partitions are told as runs, and of many the first ten", () => {
  assert.equal(partitionsWords([3]), "partition 3");
  assert.equal(partitionsWords([5, 0, 1, 2, 2, 7, 8]), "partitions 0–2, 5, 7, 8");
  const ten = Array.from({ length: 10 }, (_, index) => index * 2);
  assert.equal(partitionsWords(ten), `partitions ${ten.join(", ")}`);
  const everyOther = Array.from({ length: 20 }, (_, index) => index * 2);
  assert.equal(partitionsWords(everyOther), "partitions 0, 2, 4, 6, 8, 10, 12, 14, 16, … (20 in all)");
});

test("a selection is told by what it was made of", () => {
  const spans = [{ partition: 0, start: 5n, end: 10n }];
  const two = [...spans, { partition: 1, start: 0n, end: 3n }];
  assert.equal(selectionWords(job({ selection: { spans } })), "partition 0, offsets 5 to 9");
  assert.equal(selectionWords(job({ selection: { spans: two }, counts: { selected: 8 } })), "8 offsets in partitions 0, 1");
  assert.equal(selectionWords(job({ selection: { spans: two, positions: 1 } })), "1 position in partitions 0, 1");
  const words = selectionWords(job({ selection: { spans, start_time: 0n, end_time: 1000n } }));
  assert.match(words, /^from .+ until .+, partition 0$/);
});

test("a target says whose headers lead there, and whether they stay", () => {
  const spring = "where each record came from, by Spring Kafka's headers";
  assert.equal(targetWords({ dialect: "spring" }), `${spring}, without these headers`);
  assert.equal(targetWords({ dialect: "spring", remove_headers: false }), `${spring}, with these headers`);
  assert.match(targetWords({ dialect: "auto", remove_headers: true }), /its own headers, without these headers$/);
  assert.match(targetWords({ dialect: "legacy", remove_headers: true }), /the headers of legacy, without these headers$/);
});

test("stretches of time that are far from each other become columns of equal spans", () => {
  const bucket = (/** @type {bigint} */ start, /** @type {number} */ count) => ({ start_time: start, end_time: start + 10n, count });
  assert.deepEqual(columnsOf([bucket(0n, 1), bucket(30n, 2), bucket(90n, 4)], 10), {
    start: 0n, end: 100n, counts: [1, 0, 0, 2, 0, 0, 0, 0, 0, 4],
  });
  assert.equal(columnsOf([], 10), null);
});
