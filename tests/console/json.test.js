/** JSON without loss: what is shown of a record's value, and what is read from and written to the API. */

import assert from "node:assert/strict";
import test from "node:test";

import { parseJson, readBody, writeBody } from "../../service/console/api/json.js";

test("a number keeps every digit that was written", () => {
  for (const text of ["9007199254740993", "1.10", "-0", "1e400", "0.1000000000000000055511151231257827"]) {
    assert.deepEqual(parseJson(text), { kind: "number", text });
  }
});

test("repeated names stay, in their order", () => {
  assert.deepEqual(parseJson('{"b": 1, "a": [], "b": {}}'), {
    kind: "object",
    entries: [
      ["b", { kind: "number", text: "1" }],
      ["a", { kind: "array", entries: [] }],
      ["b", { kind: "object", entries: [] }],
    ],
  });
});

test("a string with quotes, backslashes and brackets is one leaf", () => {
  const written = 'a "b" \\ {[,:]} \u2028';
  assert.deepEqual(parseJson(JSON.stringify([written, ""])), {
    kind: "array",
    entries: [
      [0, { kind: "string", text: written }],
      [1, { kind: "string", text: "" }],
    ],
  });
});

test("what follows an inner object belongs to the outer one", () => {
  assert.deepEqual(parseJson('{"in": {"deep": [null]}, "after": true}'), {
    kind: "object",
    entries: [
      ["in", { kind: "object", entries: [["deep", { kind: "array", entries: [[0, { kind: "word", text: "null" }]] }]] }],
      ["after", { kind: "word", text: "true" }],
    ],
  });
});

test("text that is not JSON has no tree", () => {
  for (const text of ["", "{", "NaN", "[1,]", "{'a': 1}", "\ufeff1", "01"]) assert.equal(parseJson(text), null);
});

test("offsets and times are BigInt however small, other numbers only when a double cannot hold them", () => {
  const body = readBody('{"message_offset": 5, "timestamp": null, "size": 5, "total": 9007199254740993, "rate": 0.5}');
  assert.deepEqual(body, { message_offset: 5n, timestamp: null, size: 5, total: 9007199254740993n, rate: 0.5 });
});

test("an offset above 2^53 goes through unchanged", () => {
  const text = '{"message_offset":9223372036854775807,"offsets":[{"start":9007199254740993,"end":null}]}';
  assert.equal(writeBody(readBody(text)), text);
});

test("a body that is not JSON is an error, not a value", () => {
  assert.throws(() => readBody("<html>"), SyntaxError);
});

test("a field that is undefined is not written, one that is null is", () => {
  assert.equal(writeBody({ a: undefined, b: null, c: ["x", 1n, false] }), '{"b":null,"c":["x",1,false]}');
});
