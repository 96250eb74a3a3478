/** Where the user is, and how that is written into the address. */

import assert from "node:assert/strict";
import test from "node:test";

import { LISTED, NOWHERE, UNASKED, VIEWS, differ, fromHash, toHash } from "../../service/console/app/address.js";

/** @typedef {import("../../service/console/app/address.js").Route} Route */

/** @type {Route} */
const EVERYTHING = {
  project: "p/1 ä", instance: "default", view: "jobs", job: "0-0123456789abcdef01234567",
  topic: "orders", mode: "time", partition: "3", offset: "", start: 9007199254740993n, end: 9007199254740995n,
  filter: '{"key":"a&b=c#d %","jmespath":"state == \'paid\'"}', record: "3-9223372036854775807",
};

test("a route is read back as it was written, above 2^53 and with signs of addresses in it", () => {
  assert.deepEqual(fromHash(toHash(EVERYTHING)), EVERYTHING);
});

test("each mode writes what it uses and nothing else", () => {
  const route = { ...EVERYTHING, view: VIEWS[0], offset: "17" };
  const names = (/** @type {Route["mode"]} */ mode) => [...new URLSearchParams(toHash({ ...route, mode }).slice(1)).keys()];
  const always = ["project", "instance", "topic", "mode"];
  assert.deepEqual(names("newest"), [...always, "partition", "filter", "record"]);
  assert.deepEqual(names("time"), [...always, "partition", "start", "end", "filter", "record"]);
  assert.deepEqual(names("position"), [...always, "partition", "offset", "filter", "record"]);
});

test("without a topic nothing of its records is written", () => {
  assert.equal(toHash({ ...EVERYTHING, view: "records", topic: "" }), "#project=p%2F1+%C3%A4&instance=default");
});

test("the view that an address need not name has no job", () => {
  assert.equal(toHash({ ...NOWHERE, project: "p", job: "new" }), "#project=p");
  assert.equal(toHash({ ...NOWHERE, project: "p", view: "jobs", job: "new" }), "#project=p&view=jobs&job=new");
});

test("what an address says wrongly is as if it said nothing", () => {
  const wrong = "#view=secrets&mode=oldest&partition=-1&offset=1e3&start=x&end=12345678901234567890&record=1&job=a/b&filter={}";
  assert.deepEqual(fromHash(wrong), NOWHERE);
  assert.deepEqual(fromHash(""), NOWHERE);
});

test("the same filter is the same text, and one that the form could not show is none", () => {
  const hash = (/** @type {string} */ filter) => `#filter=${encodeURIComponent(filter)}`;
  assert.equal(fromHash(hash('{"include_resent": true, "key": "k"}')).filter, '{"key":"k","include_resent":true}');
  for (const filter of ["k", '{"value": "k"}', '{"key": "k", "key_prefix": "k"}']) assert.equal(fromHash(hash(filter)).filter, "");
});

test("two routes differ in what is named, and only there", () => {
  const other = { ...EVERYTHING, record: "0-1" };
  assert.equal(differ(EVERYTHING, other, LISTED), false);
  assert.equal(differ(EVERYTHING, other, ["record"]), true);
  assert.equal(differ(EVERYTHING, { ...EVERYTHING, start: 1n }, LISTED), true);
});

test("another topic begins without anything that was asked of the one before", () => {
  assert.equal(toHash({ ...EVERYTHING, view: "records", ...UNASKED, topic: "other" }),
    "#project=p%2F1+%C3%A4&instance=default&topic=other&mode=newest");
});
