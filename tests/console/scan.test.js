/** A search that is asked for piece by piece. */

import assert from "node:assert/strict";
import test from "node:test";

import { NOWHERE } from "../../service/console/app/address.js";
import { ApiError } from "../../service/console/api/errors.js";
import { isComplete, listingOf } from "../../service/console/records/listing.js";
import { readOn } from "../../service/console/records/scan.js";
import { message, page } from "./made.js";

/** @typedef {import("../../service/console/api/bodies.d.ts").MessagesResponse} Page */

const PLAIN = listingOf({ ...NOWHERE, topic: "orders" });
const FILTERED = listingOf({ ...NOWHERE, topic: "orders", filter: '{"key":"k"}' });
const TIMEOUT = new ApiError("out of time", { status: 504, code: "RESEND.00504001" });

/**
 * A page that brings some records.
 * @param {number} count
 * @param {string|null} cursor
 * @returns {Page}
 */
const found = (count, cursor) => ({
  ...page({ counts: { scanned: 10, matched: count } }, cursor), messages: new Array(count).fill(message()),
});

/**
 * Read on with answers that are given, and return what was asked and how many records each step brought.
 * @param {import("../../service/console/records/listing.js").Listing} listing
 * @param {number} most
 * @param {(Page|Error)[]} answers
 */
async function reading(listing, most, answers) {
  /** @type {import("../../service/console/api/api.js").Query[]} */
  const asked = [];
  const brought = [];
  let reached = listing;
  /** @type {unknown} */
  let thrown = null;
  try {
    const ask = async (/** @type {import("../../service/console/api/api.js").Query} */ query) => {
      asked.push(query);
      const answer = answers.shift() ?? assert.fail("asked for more than there is");
      if (answer instanceof Error) throw answer;
      return answer;
    };
    for await (const step of readOn(ask, listing, most)) {
      reached = step.listing;
      brought.push(step.messages.length);
    }
  } catch (error) {
    thrown = error;
  }
  return { asked, brought, reached, thrown };
}

test("a search is asked for a second at a time until enough is found", async () => {
  const { asked, brought, reached } = await reading(FILTERED, 100, [found(30, "a"), found(0, "b"), found(70, "c")]);
  const parts = asked.map(({ seconds, limit, cursor, filter }) => [seconds, limit, cursor, filter]);
  assert.deepEqual(parts, [[1, 100, null, '{"key":"k"}'], [1, 70, "a", '{"key":"k"}'], [1, 70, "b", '{"key":"k"}']]);
  assert.deepEqual(brought, [30, 0, 70]);
  assert.deepEqual([reached.cursor, reached.counts.scanned, reached.counts.matched], ["c", 30, 100]);
});

test("a search ends where nothing follows, and continues where it stopped", async () => {
  const first = await reading(FILTERED, 5, [found(5, "a")]);
  const second = await reading(first.reached, 5, [found(2, null)]);
  assert.equal(second.asked[0].cursor, "a");
  assert.deepEqual([isComplete(second.reached), second.reached.counts.matched], [true, 7]);
  assert.deepEqual((await reading(second.reached, 5, [])).asked, []);
});

test("a list without a filter is not cut short", async () => {
  const { asked, brought } = await reading(PLAIN, 100, [found(0, "a"), found(3, null)]);
  assert.deepEqual(asked.map(({ seconds }) => seconds), [undefined, undefined]);
  assert.deepEqual(brought, [0, 3]);
});

test("a second in which nothing came is made longer, but not without end", async () => {
  const patient = await reading(FILTERED, 5, [TIMEOUT, TIMEOUT, found(5, "a")]);
  assert.deepEqual(patient.asked.map(({ seconds }) => seconds), [1, 2, 4]);
  assert.equal(patient.thrown, null);
  const given = await reading(FILTERED, 5, [found(1, "a"), TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT]);
  assert.deepEqual([given.thrown, given.reached.cursor], [TIMEOUT, "a"]);
  assert.equal((await reading(PLAIN, 5, [TIMEOUT])).thrown, TIMEOUT);
});

test("another error ends it at once, where it can be continued", async () => {
  const { thrown, reached } = await reading(FILTERED, 5, [found(1, "a"), new ApiError("busy", { code: "RESEND.00503004" })]);
  assert.equal(/** @type {Error} */ (thrown).message, "busy");
  assert.equal(reached.cursor, "a");
});
