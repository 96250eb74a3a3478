/** Resending one record: the question before, the answer after. */

import { asError, isAbort, mayBeWritten } from "../api/errors.js";
import { confirmed } from "../page/confirm.js";
import { announce, fact, make, problem, quoted, shownBytes } from "../page/dom.js";
import { newerRecords, recordLink } from "./newer.js";
import { readersFold } from "./readers.js";
import { kept, recipient } from "./recipients.js";
import { resendBody } from "./request.js";

/**
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("./newer.js").ResendContext} ResendContext
 */

/**
 * Where a copy is, in words that follow "the copy is".
 * @param {ResendContext} context
 * @param {import("../api/api.js").Copy} copy
 */
export function copyWords(context, { partition, offset }) {
  if (offset === null) {
    return ["written; Kafka did not tell its offset: it is among the newest of partition ", String(partition)];
  }
  return ["at ", recordLink(context, partition, offset)];
}

/**
 * What an error means for another try.
 * @param {Error & {code?: string|null}} error
 */
export function doubtWords(error) {
  return mayBeWritten(error) && !error.code
    ? make("p", { class: "notice warn" }, "Whether a copy was written is not known: look at the end of the partition.")
    : null;
}

/**
 * Ask whether to resend one record, do it, and return what to say then; null if the user did not want it.
 * @param {ResendContext} context
 * @param {Message} record
 * @param {string} typed the consumer_key of the copy, "" for none
 * @param {(key: string) => void} used called with the consumer_key of a copy that was written
 */
export async function resendOne(context, record, typed, used) {
  const { api, where, topic } = context;
  const { partition, message_offset: offset } = record;
  const body = /** @type {HTMLElement[]} */ ([
    make(
      "dl",
      { class: "facts" },
      ...fact("Topic", quoted(topic)),
      ...fact("Record", `partition ${partition}, offset ${offset}`),
      ...fact("Key", ...shownBytes(record.key, record.key_encoding)),
      ...fact("For", recipient(record, typed)),
    ),
    make("p", {}, `One copy is written at the end of partition ${partition}. The record itself stays as it is.`),
  ]);
  const search = new AbortController();
  if (typed === "" && kept(record) === "everyone") body.push(readersFold(context, topic, search.signal));
  const note = (/** @type {HTMLElement} */ place) => sayNewer(place, context, record, search.signal);
  const yes = await confirmed({ title: "Resend this record?", body, yes: "Resend", note });
  search.abort();
  if (!yes) return null;
  announce("Resending …");
  try {
    const copy = await api.resend(where, resendBody(topic, record, typed));
    used(typed);
    return make("p", { class: "notice good" }, "Resent. The copy is ", ...copyWords(context, copy), ".");
  } catch (thrown) {
    const error = asError(thrown);
    return make("div", {}, problem(error), doubtWords(error));
  }
}

/**
 * @param {HTMLElement} place
 * @param {ResendContext} context
 * @param {Message} record
 * @param {AbortSignal} signal
 */
async function sayNewer(place, context, record, signal) {
  const say = (/** @type {(Node|string)[]} */ words, /** @type {boolean} */ warns) => {
    place.classList.toggle("warn", warns);
    place.replaceChildren(...words);
  };
  say(["Looking for newer records with the same key …"], false);
  try {
    const { words, warns } = await newerRecords(context, record, signal);
    say(words, warns);
  } catch (error) {
    if (isAbort(error)) return;
    say([`Newer records with the same key could not be looked for: ${asError(error).message}`], true);
  }
}
