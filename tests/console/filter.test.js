/** The filter of both forms: as text, as fields, and as the expression that rows write. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  PathError,
  readRows,
  writeExpression,
  writePath,
  writeRow,
  writeText,
  writeValue,
} from "../../service/console/filter/expression.js";
import { conditionsOf, deadLettersOf } from "../../service/console/filter/dead-letter-rows.js";
import { conditionWords, filterOf, givenOf, readFilter, writeFilter } from "../../service/console/filter/filter.js";

/** @typedef {import("../../service/console/filter/expression.js").Row} Row */

/** @type {import("../../service/console/filter/filter.js").Given} */
const EMPTY = { key: "", keyMatch: "key", headers: [], jmespath: " ", deadLetters: {}, includeResent: false };

/** @type {import("../../service/console/filter/filter.js").Filter} */
const WHOLE = {
  key_prefix: "order-", headers: [{ name: "h", value: "" }, { name: "i" }, { name: "j", absent: true }],
  jmespath: "state == 'paid'", dead_letters: { topic: "orders", group: "" }, include_resent: true,
};

/**
 * @param {string} path
 * @param {Row["operator"]} operator
 * @param {string} value
 * @returns {Row}
 */
const row = (path, operator, value = "") => ({ path, operator, value });

test("a path has its names in double quotes where they are no identifiers", () => {
  /** @type {[string, string][]} */
  const paths = [
    ["payment.status", "payment.status"],
    [" payment.status ", "payment.status"],
    ["order-id", '"order-id"'],
    ["a b.c", '"a b".c'],
    ["2nd.größe", '"2nd"."größe"'],
    ['"order.id".state', '"order.id".state'],
    ['"plain".x', "plain.x"],
    ['"a\\"b"', '"a\\"b"'],
    ["lines[0].sku", "lines[0].sku"],
    ["lines[*].sku[-1][2]", "lines[*].sku[-1][2]"],
    ["@", '"@"'],
  ];
  for (const [path, written] of paths) {
    assert.equal(writePath(path), written);
    assert.equal(writePath(written), written);
  }
});

test("what is no path is refused", () => {
  for (const path of ["", " ", ".", "a.", ".a", "a..b", "a. .b", "[0]", "a[x]", 'a"b"', '"a', '"a\\x"']) {
    assert.throws(() => writePath(path), PathError, path);
  }
});

test("text is in single quotes, with those in it escaped, or with a backslash in it in backticks", () => {
  assert.equal(writeText("FAILED"), "'FAILED'");
  assert.equal(writeText("it's"), "'it\\'s'");
  assert.equal(writeText("`"), "'`'");
  assert.equal(writeText("C:\\`'\\"), '`"C:\\\\\\u0060\'\\\\"`');
});

test("numbers and the words of JSON are in backticks, all else is text", () => {
  for (const typed of ["0", "-1.50", "12345678901234567890", "1e9", "true", "false", "null"]) {
    assert.equal(writeValue(typed), `\`${typed}\``);
  }
  for (const typed of ["", "007", "+1", "1.", ".5", "0x1", "True", "NaN", " 1", "1 000"]) assert.equal(writeValue(typed), `'${typed}'`);
  assert.equal(writeValue('"100"'), "'100'");
  assert.equal(writeValue('""'), "''");
  assert.equal(writeValue('"'), "'\"'");
});

test("each operator writes its own expression", () => {
  assert.equal(writeRow(row("payment.status", "eq", "FAILED")), "payment.status == 'FAILED'");
  assert.equal(writeRow(row("payment.status", "ne", "FAILED")), "payment.status != 'FAILED'");
  assert.equal(writeRow(row("total", "lt", "100")), "total < `100`");
  assert.equal(writeRow(row("total", "gt", "-0.5")), "total > `-0.5`");
  assert.equal(writeRow(row("note", "contains", "100")), "contains(note || '', '100')");
  assert.equal(writeRow(row("payment", "exists", "left over")), "payment != `null`");
});

test("all rows have to be true, and what was typed by hand too", () => {
  const rows = [row("a", "eq", "1"), row("b", "exists")];
  assert.equal(writeExpression("", rows), "a == `1` && b != `null`");
  assert.equal(writeExpression("x || y", rows), "(x || y) && a == `1` && b != `null`");
  assert.equal(writeExpression("x || y", []), "x || y");
});

test("what rows have written is read back as these rows", () => {
  const values = [
    "", "FAILED", "it's", "a && b", "' && '", "`", "x == 'y'", "\\", "\\'", "`\\", '"quoted"', '"100"', "100", "null", '""', "' || '', '",
  ];
  const paths = ["payment.status", '"order.id".state', '"a && b == \'c\'"', "lines[*].sku"];
  const rows = paths.flatMap((path) => [
    ...values.flatMap((value) => [row(path, "eq", value), row(path, "lt", value), row(path, "contains", value)]),
    row(path, "exists"),
  ]);
  for (const each of rows) {
    const written = writeRow(each);
    const read = readRows(written);
    assert.equal(read?.length, 1, written);
    assert.equal(writeExpression("", read ?? []), written);
  }
  assert.deepEqual(readRows("a == `1` && contains(b || '', 'x && y') && c != `null`"), [
    row("a", "eq", "1"), row("b", "contains", "x && y"), row("c", "exists"),
  ]);
  assert.deepEqual(readRows("a == '100'"), [row("a", "eq", '"100"')]);
  assert.deepEqual(readRows(" "), []);
});

test("an expression that rows do not write is none of theirs", () => {
  for (const text of [
    "status == \"FAILED\"", "a == 'x' || b == 'y'", "(a == 'x')", "a=='x'", "a == 'x' &&", "!a", "length(a) > `1`", "a == `[1]`",
    "a == `{\"b\": 1}`", "a.b", "a == 'x", "a == `x`", "a == `\"x\"`", "a == 'x' && b", "f(a) == 'x'", "a | b == 'x'",
  ]) {
    assert.equal(readRows(text), null, text);
  }
});

test("a filter has what the form says and nothing that was left open", () => {
  assert.deepEqual(filterOf(EMPTY), {});
  assert.deepEqual(filterOf(givenOf(WHOLE)), WHOLE);
  assert.deepEqual(filterOf({ ...EMPTY, key: "a", keyMatch: "key_contains" }), { key_contains: "a" });
  assert.deepEqual(filterOf({ ...EMPTY, key: "a" }), { key: "a" });
});

test("a filter is read back as it was written, and one that takes all is no text", () => {
  assert.deepEqual(readFilter(writeFilter(WHOLE)), WHOLE);
  assert.equal(writeFilter({}), "");
  assert.equal(writeFilter({ key: "", headers: [], jmespath: null, include_resent: false }), "");
  assert.equal(writeFilter({ include_resent: true, key: "k" }), writeFilter({ key: "k", include_resent: true }));
});

test("what is no filter, or one that a form could not show, takes all", () => {
  for (const text of [
    "", "x", "1", "null", "[]", '"k"', '{"key": 1}', '{"kee": "x"}', '{"key": "a", "key_prefix": "b"}', '{"headers": {}}',
    '{"headers": [1]}', '{"headers": [{}]}', '{"headers": [{"name": "h", "value": 1}]}', '{"headers": [{"name": "h", "x": 1}]}',
    '{"include_resent": "yes"}', '{"dead_letters": []}', '{"dead_letters": {"key": "x"}}', '{"dead_letters": {"group": null}}', '{"jmespath": null}',
  ]) {
    assert.deepEqual(readFilter(text), {}, text);
  }
});

test("conditions beyond the key are told in a few words", () => {
  assert.deepEqual(conditionWords(WHOLE), [
    "header h is empty", "header i", "no header j", "state == 'paid'", "dead letter with origin orders", "dead letter without group",
    "copies too",
  ]);
  assert.deepEqual(conditionWords({ key: "k" }), []);
});

test("what is asked of dead letters is a row each, and one that is not yet typed asks for nothing", () => {
  const dead = { dialect: "spring", group: "" };
  assert.deepEqual(conditionsOf(dead), [{ field: "dialect", value: "spring" }, { field: "group", value: "" }]);
  assert.deepEqual(deadLettersOf([...conditionsOf(dead), { field: "reason", value: null }]), dead);
});
