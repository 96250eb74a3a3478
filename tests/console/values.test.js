/** Values and recipients of records, as far as they are not drawn. */

import assert from "node:assert/strict";
import test from "node:test";

import { parseJson } from "../../service/console/api/json.js";
import { kept, keptWords } from "../../service/console/resend/recipients.js";
import { outcomeWords } from "../../service/console/resend/several.js";
import { hexLine, isSmall, toBytes } from "../../service/console/records/value.js";
import { message } from "./made.js";

const EVERYONE = message();
const OWN = message({ has_consumer_key: true, consumer_key: "billing" });
const NOBODY = message({ has_consumer_key: true, consumer_key: null });
const UNKNOWN = message({ has_consumer_key: null });

test("text is UTF-8, base64 is any bytes", () => {
  assert.deepEqual([...toBytes("ä€", "utf-8")], [0xc3, 0xa4, 0xe2, 0x82, 0xac]);
  assert.deepEqual([...toBytes("AP+A", "base64")], [0x00, 0xff, 0x80]);
});

test("a line of a hex dump has the address, the bytes and what is ASCII of them", () => {
  const whole = Uint8Array.from({ length: 16 }, (_, index) => 0x38 + index);
  assert.equal(hexLine(whole, 4096), "001000  38 39 3a 3b 3c 3d 3e 3f  40 41 42 43 44 45 46 47  89:;<=>?@ABCDEFG\n");
  assert.equal(hexLine(Uint8Array.of(0x00, 0x7f, 0x41), 0), `000000  00 7f 41${" ".repeat(42)}··A\n`);
});

test("a tree is small while all of it may be open at once", () => {
  const tree = (/** @type {unknown} */ value) => parseJson(JSON.stringify(value)) ?? assert.fail();
  assert.equal(isSmall(tree({ lines: new Array(50).fill(0) })), true);
  assert.equal(isSmall(tree(new Array(61).fill(0))), false);
  assert.equal(isSmall(tree([new Array(40).fill(0), new Array(40).fill(0)])), false);
});

test("the recipient of a copy made without a key is that of its record", () => {
  assert.deepEqual([EVERYONE, OWN, NOBODY, UNKNOWN].map(kept), ["everyone", "own", "nobody", "unknown"]);
});

test("who gets several copies is counted by recipient", () => {
  assert.equal(keptWords([EVERYONE, EVERYONE]), "2 copies for everyone");
  const words = keptWords([OWN, UNKNOWN, EVERYONE, NOBODY]);
  assert.deepEqual(words.split(", ").map((part) => part.split(" ").slice(0, 3).join(" ")), [
    "1 copy for", "1 copy keeps", "1 copy for", "since the consumer_key", "1 copy for", "since the name",
  ]);
  assert.equal(keptWords([OWN, OWN]), "2 copies keep their existing consumer_key");
});

test("the outcome of several accounts for each of them", () => {
  const all = { all: 5, written: 5, refused: 0, ended: false };
  assert.equal(outcomeWords(all), "5 copies written.");
  assert.equal(outcomeWords({ ...all, written: 2, refused: 1 }), "2 copies written, 1 refused, 2 not sent, still selected.");
  assert.equal(
    outcomeWords({ ...all, written: 1, ended: true }), "1 copy written, stopped at an error, 3 not sent, still selected.",
  );
});
