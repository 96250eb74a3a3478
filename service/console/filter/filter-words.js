/** What there is to say about a filter: what it asks for, and what may be wrong with it. */

import { make, quoted, value } from "../page/dom.js";
import { plural } from "../page/format.js";
import { deadLetterWords } from "./filter.js";

/**
 * @typedef {import("../api/bodies.d.ts").FilterToldItem} Filter
 * @typedef {import("../api/bodies.d.ts").NotEvaluatedItem} NotEvaluated
 */

/**
 * What has become of the records that were scanned with a filter, as far as it tells of the filter: of a job, or of a search.
 * @typedef {Object} Judged
 * @property {{not_json: number, not_evaluated: number}} counts
 * @property {NotEvaluated|null} [first_not_evaluated]
 * @property {string|null} [hint]
 */

/**
 * What a record must be like, one line for each condition.
 * @param {Filter} filter
 */
export function filterLines(filter) {
  /** @type {(Node|string)[][]} */
  const lines = [];
  /** @type {[string, string|null|undefined][]} */
  const keys = [["is", filter?.key], ["starts with", filter?.key_prefix], ["contains", filter?.key_contains]];
  for (const [how, wanted] of keys) {
    if (wanted !== null && wanted !== undefined) lines.push([`key ${how} `, value(wanted)]);
  }
  for (const { name, value: wanted, absent } of filter?.headers ?? []) {
    if (absent) lines.push(["no header ", quoted(name)]);
    else if (wanted === undefined || wanted === null) lines.push(["has a header ", quoted(name)]);
    else lines.push(["header ", quoted(name), " is ", value(wanted)]);
  }
  if (filter?.jmespath) lines.push(["true of its JSON: ", quoted(filter.jmespath)]);
  for (const [what, wanted] of deadLetterWords(filter?.dead_letters)) {
    if (wanted === "") lines.push([`dead letter that names no ${what}`]);
    else lines.push([`dead letter whose ${what} is `, value(wanted)]);
  }
  lines.push([filter?.include_resent ? "copies too" : "no copies: none that has a consumer_key already"]);
  return lines.map((line) => make("div", {}, ...line));
}

/**
 * What may be wrong with the filter, as far as the records so far tell.
 * @param {Judged} judged
 * @param {((partition: number, offset: bigint) => string)|null} address of a record in this page, where there is one to link to
 */
export function filterProblems({ counts, first_not_evaluated: first, hint }, address = null) {
  const said = [];
  if (first) {
    const { partition, message_offset: offset, reason } = first;
    const place = `partition ${partition}, offset ${offset}`;
    const count = `The filter's expression cannot be evaluated on ${plural(counts.not_evaluated, "record")}. `;
    const at = address === null ? place : make("a", { href: address(partition, offset) }, place);
    said.push(make("p", { class: "notice warn" }, count, "The first found is at ", at, ": ", quoted(reason)));
  }
  if (counts.not_json) {
    const count = `${plural(counts.not_json, "record")} without a JSON value cannot match the expression.`;
    said.push(make("p", { class: "notice warn" }, count));
  }
  if (hint) said.push(make("p", { class: "notice warn" }, quoted(hint, { class: "prose" }, Infinity)));
  return said;
}
