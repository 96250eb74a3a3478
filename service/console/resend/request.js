/** The request to resend one record, as its body and as a command. */

import { resendAddress } from "../api/api.js";
import { writeBody } from "../api/json.js";

/**
 * @typedef {import("../api/api.js").Where} Where
 * @typedef {import("../api/bodies.d.ts").ResendRequest} ResendRequest
 */

/**
 * The body of a resend: no consumer_key where none was typed.
 * @param {string} topic
 * @param {{partition: number, message_offset: bigint}} record
 * @param {string} consumerKey
 */
export function resendBody(topic, { partition, message_offset: offset }, consumerKey) {
  /** @type {ResendRequest} */
  const body = { topic, partition, message_offset: offset };
  if (consumerKey !== "") body.consumer_key = consumerKey;
  return body;
}

/** @param {string} text */
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// A terminal would act on some of these when the command is pasted.
/** @param {string} text */
const unseen = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );

/**
 * The very same request as a command for a shell, with $TOKEN for the token.
 * @param {Where} where
 * @param {ResendRequest} body
 */
export function asCurl(where, body) {
  return [
    `curl -i -X POST ${quote(resendAddress(where).href)} \\`,
    `  -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \\`,
    `  -d ${quote(unseen(writeBody(body)))}`,
  ].join("\n");
}
