/** Newer records with the same key: what to know before an older one is resent. */

import { make } from "../page/dom.js";
import { localText, plural } from "../page/format.js";

/**
 * What resending works with: the topic that the records are in, and how to reach one of them.
 * @typedef {Object} ResendContext
 * @property {import("../api/api.js").Api} api
 * @property {import("../api/api.js").Where} where
 * @property {string} topic
 * @property {(id: string) => string} address of a record in this page, by "partition-offset"
 */

/**
 * @typedef {Object} Finding
 * @property {(Node|string)[]} words
 * @property {boolean} warns whether there is something to think about
 * @property {string} brief the same in a few words where nothing is, "" else
 */

/** @typedef {import("../api/bodies.d.ts").MessageItem} Message */

/** @type {Record<string, string>} */
const STOPS = { records: "the most records that one search reads", seconds: "the most seconds that one search takes" };

/**
 * A link to the record at a position, in this page.
 * @param {ResendContext} context
 * @param {number} partition
 * @param {bigint} offset
 */
export function recordLink(context, partition, offset) {
  const href = context.address(`${partition}-${offset}`);
  return make("a", { href, class: "copy" }, `partition ${partition}, offset ${offset}`);
}

/**
 * Look for newer records with the key of a record.
 * @param {ResendContext} context
 * @param {Message} record
 * @param {AbortSignal} signal
 * @returns {Promise<Finding>}
 */
export async function newerRecords(context, record, signal) {
  const { api, where, topic } = context;
  const { partition, message_offset: offset, key } = record;
  if (key === null) return none("The record has no key, so no newer record can have taken its place.", "no key");
  if (key === "" || record.key_encoding === "base64") {
    return warning("Newer records with this key cannot be looked for: the key is not a text to search by.");
  }
  const query = { topic, partition, start_offset: offset + 1n, key, limit: 1 };
  const { messages, cursor, scan } = await api.messages(where, query, signal);
  if (messages.length > 0) {
    const [found] = messages;
    const at = found.timestamp === null ? "" : `, ${localText(found.timestamp)}`;
    return warning(
      "There is a newer record with this key: ",
      recordLink(context, found.partition, found.message_offset),
      `${at}. A consumer that keeps the latest value of each key gets this older one after it.`,
    );
  }
  if (cursor === null) return none(`No newer record of partition ${partition} has this key.`, "no newer record with this key");
  return warning(
    "Whether newer records have this key is not known: the search stopped after ",
    `${plural(scan.records, "record")}, ${STOPS[scan.stopped_by ?? ""] ?? "before the end"}.`,
  );
}

/**
 * @param {...(Node|string)} words
 * @returns {Finding}
 */
const warning = (...words) => ({ words, warns: true, brief: "" });

/**
 * @param {string} sentence
 * @param {string} brief
 * @returns {Finding}
 */
const none = (sentence, brief) => ({ words: [sentence], warns: false, brief });
