/** What the form says, as the body of a request for a job. */

import assert from "node:assert/strict";
import test from "node:test";

import { NOWHERE } from "../../service/console/app/address.js";
import { conditionOf, kindOf } from "../../service/console/filter/header-rows.js";
import { writeFilter } from "../../service/console/filter/filter.js";
import {
  FieldError,
  draftOf,
  parseOffsets,
  parsePartitions,
  pinned,
  positionsOf,
  previewOf,
  specOf,
} from "../../service/console/jobs/job-spec.js";
import { job, message } from "./made.js";

/** @type {import("../../service/console/jobs/job-spec.js").Given} */
const EMPTY = {
  topic: "orders", name: " ", mode: "all", partitions: "", offsets: "", start: null, end: null, positions: [], filter: {},
  consumerKey: "", target: "", removeHeaders: false, groupAsRecipient: false, provenance: false,
  maxResends: "", rate: "", stopAfter: "",
};

/** @param {string} field */
const refusing = (field) => (/** @type {unknown} */ error) => error instanceof FieldError && error.field === field;

test("partitions are numbers and ranges, each once and in order", () => {
  assert.deepEqual(parsePartitions("4, 0 2-3,3"), [0, 2, 3, 4]);
  assert.deepEqual(parsePartitions("1–2"), [1, 2]);
  assert.equal(parsePartitions("  "), undefined);
});

test("partitions that cannot be read are refused in their field", () => {
  for (const text of ["x", "-1", "3-2", "1-", "0-10000", "1.5", "9999999999"]) {
    assert.throws(() => parsePartitions(text), refusing("partitions"), text);
  }
});

test("offsets are exact above 2^53, and open at the end where none is said", () => {
  assert.deepEqual(parseOffsets("0:5-100, 1:9007199254740993-"), [
    { partition: 0, start: 5n, end: 100n },
    { partition: 1, start: 9007199254740993n, end: null },
  ]);
});

test("offsets that cannot be read are refused in their field", () => {
  for (const text of ["", "5-100", "0:5", "0:-5", "0:a-b"]) assert.throws(() => parseOffsets(text), refusing("offsets"), text);
});

test("a job takes ten thousand single records and no more", () => {
  const record = message({ partition: 1, message_offset: 7n });
  assert.deepEqual(positionsOf([record]), [{ partition: 1, message_offset: 7n }]);
  assert.equal(positionsOf(new Array(10_000).fill(record)).length, 10_000);
  assert.throws(() => positionsOf(new Array(10_001).fill(record)), refusing("topic"));
});

test("a job that was seen to overlap another is allowed to, and its preview has no name", () => {
  const spec = { topic: "orders", name: "again" };
  assert.deepEqual(previewOf(spec), { topic: "orders", dry_run: true });
  const preview = job({ overlaps: "3-a", selection: { spans: [{ partition: 0, start: 0n, end: 5n }] } });
  assert.deepEqual(pinned(spec, preview), {
    topic: "orders", name: "again", allow_duplicate: true, offsets: [{ partition: 0, start: 0n, end: 5n }],
  });
  assert.equal(pinned({ ...spec, start_time: 1n, end_time: 2n }, preview).allow_duplicate, true);
  assert.deepEqual(specOf({ ...EMPTY, name: " again " }).name, "again");
});

test("what was left open is not in the body", () => {
  assert.deepEqual(specOf(EMPTY), { topic: "orders", partitions: undefined });
});

test("all that can be said is in the body", () => {
  const filter = { key: "k", headers: [{ name: "h", value: "v" }], jmespath: "state == 'paid'", dead_letters: { group: "billing" } };
  const given = {
    ...EMPTY, filter, consumerKey: "billing", target: "spring", removeHeaders: true, rate: "0.5", stopAfter: "3",
  };
  assert.deepEqual(specOf(given), {
    topic: "orders",
    partitions: undefined,
    filter,
    consumer_key: "billing",
    target: { dialect: "spring", remove_headers: true },
    records_per_second: 0.5,
    max_failures: 3,
  });
  const forGroups = { ...EMPTY, target: "auto", groupAsRecipient: true };
  assert.deepEqual(specOf(forGroups).target, { dialect: "auto", remove_headers: false, group_as_recipient: true });
});

test("each way to select records takes only its own fields", () => {
  const given = { ...EMPTY, partitions: "1", offsets: "0:1-2", start: 1n, end: 2n, positions: positionsOf([message()]) };
  assert.deepEqual(specOf({ ...given, mode: "all" }), { topic: "orders", partitions: [1] });
  assert.deepEqual(specOf({ ...given, mode: "time" }), { topic: "orders", partitions: [1], start_time: 1n, end_time: 2n });
  assert.deepEqual(specOf({ ...given, mode: "offsets" }), {
    topic: "orders", offsets: [{ partition: 0, start: 1n, end: 2n }],
  });
  assert.deepEqual(specOf({ ...given, mode: "selected" }), {
    topic: "orders", messages: [{ partition: 0, message_offset: 0n }],
  });
});

test("a time that does not begin before it ends is refused", () => {
  for (const range of [{ start: 2n, end: 2n }, { start: null, end: 2n }, { start: 1n, end: null }]) {
    assert.throws(() => specOf({ ...EMPTY, mode: "time", ...range }), refusing("end"));
  }
});

test("a preview is a dry run without limits", () => {
  const spec = { topic: "orders", records_per_second: 1, max_failures: 1, consumer_key: "billing" };
  assert.deepEqual(previewOf(spec), { topic: "orders", consumer_key: "billing", dry_run: true });
});

test("what is started ends where its preview ended, unless it has ends of its own", () => {
  const spans = [{ partition: 0, start: 0n, end: 5n }];
  const preview = job({ selection: { spans } });
  assert.deepEqual(pinned({ topic: "orders", partitions: [0] }, preview), { topic: "orders", offsets: spans });
  for (const spec of [{ topic: "t", messages: [] }, { topic: "t", start_time: 0n, end_time: 1n }]) {
    assert.equal(pinned(spec, preview), spec);
  }
});

test("the form begins with what is looked at, with exactly its filter", () => {
  const filter = {
    key_prefix: "k", headers: [{ name: "h", absent: true }], jmespath: "state == 'paid'", include_resent: true,
  };
  const route = { ...NOWHERE, topic: "orders", partition: "2", offset: "7", start: 1n, end: 2n, filter: writeFilter(filter) };
  assert.deepEqual(draftOf({ ...route, mode: "newest" }), { topic: "orders", mode: "all", partitions: "2", filter });
  assert.deepEqual(draftOf({ ...route, mode: "position" }), { topic: "orders", mode: "offsets", offsets: "2:7-", filter });
  assert.deepEqual(draftOf({ ...route, mode: "time", filter: "" }), {
    topic: "orders", mode: "time", partitions: "2", start: 1n, end: 2n, filter: {},
  });
  assert.equal(draftOf({ ...route, mode: "time", end: null }).mode, "all");
  assert.equal(draftOf({ ...route, mode: "position", partition: "", offset: "" }).offsets, "0:0-");
});

test("a condition on a header asks for a value, for any, or for none", () => {
  assert.deepEqual(conditionOf("h", "is", ""), { name: "h", value: "" });
  assert.deepEqual(conditionOf("h", "there", "left over"), { name: "h" });
  assert.deepEqual(conditionOf("h", "absent", "left over"), { name: "h", absent: true });
  for (const condition of [{ name: "h", value: "" }, { name: "h" }, { name: "h", absent: true }]) {
    assert.deepEqual(conditionOf("h", kindOf(condition), ""), condition);
  }
});
