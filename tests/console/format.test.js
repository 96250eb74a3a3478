/** Numbers, sizes and times as people read them. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  bytes,
  earlier,
  fromInput,
  later,
  local,
  localText,
  number,
  plural,
  rate,
  span,
  toInput,
  utcText,
  zone,
} from "../../service/console/page/format.js";

const MS = 1_750_000_000_123n;
/** Beyond what a calendar has. */
const NEVER = 2n ** 63n - 1n;

/**
 * Do something as in a time zone.
 * @param {string} name
 * @param {() => void} check
 */
function inZone(name, check) {
  const before = process.env.TZ;
  process.env.TZ = name;
  try {
    check();
  } finally {
    // To assign undefined would make it the text "undefined".
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test("whole numbers have groups of three, BigInt as well", () => {
  assert.equal(number(1234567), "1,234,567");
  assert.equal(number(NEVER), "9,223,372,036,854,775,807");
});

test("only one is singular", () => {
  assert.deepEqual([0, 1, 2].map((count) => plural(count, "record")), ["0 records", "1 record", "2 records"]);
  assert.equal(plural(1n, "record"), "1 record");
  assert.equal(plural(2, "copy", "copies"), "2 copies");
});

test("sizes change their unit at 1024, up to TiB", () => {
  const told = [0, 1023, 1024, 1234, 1024 ** 2, 1024 ** 3, 1024 ** 4, 1024 ** 5].map(bytes);
  assert.deepEqual(told, ["0 B", "1023 B", "1.0 KiB", "1.2 KiB", "1.0 MiB", "1.0 GiB", "1.0 TiB", "1024.0 TiB"]);
});

test("a moment is told in the browser's time zone and in UTC", () => {
  inZone("Asia/Kolkata", () => {
    assert.deepEqual(local(MS), { date: "2025-06-15", time: "20:36:40", fraction: ".123" });
    assert.equal(localText(MS), "2025-06-15 20:36:40.123");
    assert.equal(utcText(MS), "2025-06-15 15:06:40.123 UTC");
    assert.equal(zone(MS), "UTC+05:30");
  });
});

test("a zone west of UTC has a minus, UTC itself no number", () => {
  inZone("America/St_Johns", () => assert.equal(zone(MS), "UTC−02:30"));
  inZone("UTC", () => assert.equal(zone(MS), "UTC"));
});

test("a moment beyond the calendar is told as its number", () => {
  assert.equal(local(NEVER), null);
  assert.equal(localText(NEVER), String(NEVER));
  assert.equal(utcText(NEVER), String(NEVER));
  assert.equal(toInput(NEVER), "");
  assert.equal(zone(NEVER), "UTC");
});

test("an input keeps a moment to the millisecond", () => {
  inZone("Asia/Kolkata", () => {
    assert.equal(toInput(MS), "2025-06-15T20:36:40.123");
    assert.equal(fromInput(toInput(MS)), MS);
  });
  assert.equal(fromInput(""), null);
});

test("the earlier and the later of two", () => {
  assert.deepEqual([earlier(1n, 2n), earlier(2n, 1n), later(1n, 2n), later(2n, 1n)], [1n, 1n, 2n, 2n]);
});

test("a span is told in the unit that one would say", () => {
  /** @type {[number|bigint, string][]} */
  const told = [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1500, "2 s"],
    [60_000, "1 min"],
    [90_000, "90 s"],
    [7_200_000n, "2 h"],
    [86_400_000, "1 d"],
    [100_000_000, "28 h"],
    [10 * 86_400_000, "10 d"],
  ];
  for (const [length, words] of told) assert.equal(span(length), words);
});

test("a rate below ten has two digits, one above none after the point", () => {
  assert.deepEqual([0.25, 0.254, 9.99, 10, 812.3, 1234.5].map(rate), ["0.25", "0.25", "10", "10", "812", "1,235"]);
});
