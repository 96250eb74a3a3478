/** The recipient of a copy: the one named when a consumer_key is typed, and when a record keeps the one it has. */

import { make, quoted, shownBytes } from "../page/dom.js";
import { plural } from "../page/format.js";

/**
 * As the API sends it, from a list or by position.
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 */

/**
 * The recipient of a copy that is made without a consumer_key.
 * @param {Pick<Message, "has_consumer_key"|"consumer_key">} record
 * @returns {"everyone"|"nobody"|"own"|"unknown"} nobody: the header is there, and its value is null; unknown: the headers
 *     cannot be read
 */
export function kept(record) {
  if (record.has_consumer_key === null) return "unknown";
  if (!record.has_consumer_key) return "everyone";
  return record.consumer_key === null ? "nobody" : "own";
}

/** @type {Record<ReturnType<typeof kept>, (record: Message, most?: number) => Node>} */
const KEPT = {
  everyone: () => make("strong", {}, "everyone"),
  nobody: () => make("strong", {}, "nobody: its consumer_key is null"),
  unknown: () => make("strong", {}, "not known: the name of a header is not UTF-8"),
  own: (record, most) =>
    make("span", { class: "strong" }, ...shownBytes(record.consumer_key, record.consumer_key_encoding, most)),
};

/**
 * Who gets a copy, in a few words.
 * @param {Message} record
 * @param {string} typed the consumer_key of the copy, "" for none
 * @param {number} [most] maximum number of characters of a key shown at once
 */
export function recipient(record, typed, most) {
  return typed === "" ? KEPT[kept(record)](record, most) : quoted(typed, { class: "strong" }, most);
}

// Where a form has to stay in sight, or a column is a few characters wide.
export const FEW = 100;

/**
 * Who gets a copy, and why, in sentences.
 * @param {Message} record
 * @param {string} typed
 */
export function recipientWords(record, typed) {
  if (typed !== "") return ["Only consumers with the key ", recipient(record, typed, FEW), " process the copy."];
  if (kept(record) === "everyone") {
    return ["Left empty: ", recipient(record, ""), ". Every application that reads the topic processes the copy."];
  }
  return ["Left empty: the record's own consumer_key stays, so the copy is for ", recipient(record, "", FEW), "."];
}

/**
 * Who gets the copies of several records, as one sentence.
 * @param {readonly Message[]} records
 * @param {string} typed
 */
export function recipientsOf(records, typed) {
  if (typed !== "") return ["Only consumers with the key ", quoted(typed, { class: "strong" }, FEW), " process the copies."];
  return [`Left empty: ${keptWords(records)}.`];
}

/**
 * How many copies have which kind of recipient, when no consumer_key is typed.
 * @param {readonly Pick<Message, "has_consumer_key"|"consumer_key">[]} records
 */
export function keptWords(records) {
  const counts = { everyone: 0, own: 0, nobody: 0, unknown: 0 };
  for (const record of records) counts[kept(record)] += 1;
  const { everyone, own, nobody, unknown } = counts;
  const copies = (/** @type {number} */ count) => plural(count, "copy", "copies");
  const parts = [];
  if (everyone) parts.push(`${copies(everyone)} for everyone`);
  if (own) parts.push(own === 1 ? "1 copy keeps its existing consumer_key" : `${copies(own)} keep their existing consumer_key`);
  if (nobody) parts.push(`${copies(nobody)} for nobody, since the consumer_key is null`);
  if (unknown) parts.push(`${copies(unknown)} for a recipient that is not known, since the name of a header is not UTF-8`);
  return parts.join(", ");
}
