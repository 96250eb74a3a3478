/** What there is to say of consumer groups and the copies of a job. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  deletedWords,
  groupShare,
  groupWords,
  hasCopies,
  isUnderWay,
  summaryWords,
  toAskAgain,
  withAnswer,
} from "../../service/console/jobs/consumer-words.js";
import { job } from "./made.js";

/**
 * @typedef {import("../../service/console/api/bodies.d.ts").GroupItem} Group
 * @typedef {import("../../service/console/jobs/consumer-words.js").Seen} Seen
 */

/**
 * @param {Group["state"]} state
 * @param {Partial<Group>} differences
 * @returns {Group}
 */
const group = (state, differences = {}) => ({ group: "billing", state, partitions: [], ...differences });

/**
 * @param {Group["state"]} state
 * @param {Partial<Group>} differences
 * @param {Partial<Seen>} more
 * @returns {Seen}
 */
const seen = (state, differences = {}, more = {}) => ({
  group: group(state, differences), checkedAt: 1000, copies: 3000, ...more,
});

const PASSED_SOME = { copies_passed: 1200, passed_relation: /** @type {const} */ ("exact") };
const ENDED = job({ state: "succeeded", counts: { resent: 3000 } });

test("a group is told by what it has committed past, never by what it has processed", () => {
  /** @type {[Seen, string][]} */
  const told = [
    [seen("passing", PASSED_SOME), "has committed past 1,200 of 3,000 copies"],
    [seen("passing", { ...PASSED_SOME, passed_relation: "at_least" }), "has committed past at least 1,200 of 3,000 copies"],
    [seen("passing", { copies_passed: 0 }, { copies: 1 }), "has committed past 0 of 1 copy"],
    [seen("passed", { copies_passed: 3000 }), "has committed past all 3,000 copies"],
    [seen("passed", { copies_passed: 1 }, { copies: 1 }), "has committed past the only copy"],
    [seen("not_started", { copies_passed: 0 }), "has committed nothing where the copies are"],
    [seen("denied"), "cannot be seen by the service"],
    [seen("unknown"), "has committed past an unknown number of copies"],
  ];
  for (const [each, words] of told) assert.equal(groupWords(each), words);
});

test("a bar shows the copies passed of all, and there is none where that is not known", () => {
  const shares = [seen("passing", PASSED_SOME), seen("passed"), seen("not_started"), seen("denied"), seen("unknown")];
  assert.deepEqual(shares.map(groupShare), [0.4, 1, 0, null, null]);
});

test("copies that were deleted before are told, by their least number", () => {
  assert.equal(deletedWords(group("passing")), "");
  assert.match(deletedWords(group("passing", { copies_deleted: 1 })), /^At least 1 copy was deleted .* past it\.$/);
  assert.match(deletedWords(group("passing", { copies_deleted: 1200 })), /^At least 1,200 copies were deleted .* past them\.$/);
});

test("groups are summed up in a sentence", () => {
  assert.equal(summaryWords([]), "No consumer group was found.");
  assert.equal(summaryWords([seen("passed")]), "billing has committed past all 3,000 copies.");
  assert.equal(summaryWords([seen("passed"), seen("denied")]), "1 of 2 groups has committed past all copies.");
  assert.equal(summaryWords([seen("passing"), seen("denied")]), "0 of 2 groups have committed past all copies.");
});

test("an answer about some groups leaves what is known of the others, in their order", () => {
  const before = ["a", "b", "c"].map((name) => seen("passing", { group: name, copies_passed: 1 }));
  const answer = { checked_at: 2000, copies: 3100, groups: [group("passed", { group: "b" })], complete: true };
  const after = withAnswer(before, answer);
  assert.deepEqual(after.map((each) => [each.group.group, each.group.state, each.checkedAt, each.copies]), [
    ["a", "passing", 1000, 3000],
    ["b", "passed", 2000, 3100],
    ["c", "passing", 1000, 3000],
  ]);
  assert.deepEqual(withAnswer([], answer), [after[1]]);
});

test("a group is under way until it is past the copies of a job that has ended", () => {
  assert.deepEqual(
    [seen("not_started"), seen("passing"), seen("passed"), seen("denied"), seen("unknown")].map((each) => isUnderWay(each, ENDED)),
    [true, true, false, false, false],
  );
  const running = job({ state: "running", counts: { resent: 3000 } });
  assert.equal(isUnderWay(seen("passed"), running), true);
  // It was past those of the last look, and the job has written more before it ended.
  assert.equal(isUnderWay(seen("passed", {}, { copies: 2000 }), ENDED), true);
});

test("groups under way are asked about again, those first that were asked about longest ago", () => {
  const groups = Array.from({ length: 25 }, (_, at) => seen("passing", { group: `g${at}` }, { checkedAt: at < 20 ? 2 : 1 }));
  const asked = toAskAgain([seen("passed"), ...groups], ENDED);
  assert.equal(asked.length, 20);
  assert.deepEqual(asked.slice(0, 6), ["g20", "g21", "g22", "g23", "g24", "g0"]);
  assert.deepEqual(toAskAgain([seen("passed")], ENDED), []);
});

test("a job has copies when it has resent records, and is neither a dry run nor unreadable", () => {
  assert.equal(hasCopies(ENDED), true);
  assert.equal(hasCopies(job({ counts: { resent: 0 } })), false);
  assert.equal(hasCopies(job({ dry_run: true })), false);
  assert.equal(hasCopies(job({ topic: "" })), false);
});
