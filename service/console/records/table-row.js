/** A row of the table of records: what it has in its columns. */

import { make, shown } from "../page/dom.js";
import { bytes, local, localText, utcText } from "../page/format.js";

/** @typedef {import("../api/bodies.d.ts").MessageItem} Message */

/**
 * The cells of a row, after the one that selects it.
 * @param {Message} record
 * @param {HTMLElement} open the control that opens it
 */
export const cellsOf = (record, open) => [
  make("td", { class: "time" }, time(record.timestamp)),
  make("td", { class: "partition" }, String(record.partition)),
  make("td", { class: "offset" }, open),
  keyCell(record),
  consumerCell(record),
  make("td", { class: "size", title: `${record.size} bytes` }, bytes(record.size)),
  cell("preview", record.value_size === null ? null : (record.preview ?? ""), record.preview_lossy ? "not UTF-8" : null),
];

/** @param {bigint|null} ms */
function time(ms) {
  if (ms === null) return make("span", { class: "none" }, "none");
  const at = local(ms);
  if (at === null) return String(ms);
  return make(
    "time",
    { datetime: new Date(Number(ms)).toISOString(), title: `${localText(ms)}, ${utcText(ms)}` },
    make("span", { class: "date" }, `${at.date} `),
    at.time,
    make("span", { class: "fraction" }, at.fraction),
  );
}

/**
 * The key, and, where there is no room for the recipient, that it is a copy.
 * @param {Message} record
 */
function keyCell(record) {
  const made = cell("key", record.key, record.key_encoding === "base64" ? "base64" : null);
  if (record.has_consumer_key) made.prepend(copyBadge("copy"));
  return made;
}

/**
 * The recipient that a copy names: nothing where there is no such header, which is another thing than one that is null. A copy
 * for everyone has none, and looks like any other record.
 * @param {Message} record
 */
function consumerCell(record) {
  const { has_consumer_key: has, consumer_key: key, consumer_key_encoding: encoding } = record;
  if (has === null) return make("td", { class: "consumer none", title: "The name of a header is not UTF-8" }, "not known");
  if (!has) return make("td", { class: "consumer" });
  const made = cell("consumer", key, encoding === "base64" ? "base64" : null, key === null ? "nobody" : undefined);
  made.prepend(copyBadge("copy for"));
  made.title = key === null ? "Its consumer_key is null" : "It carries this consumer_key";
  return made;
}

/** @param {string} words */
const copyBadge = (words) => make("span", { class: "tag copy" }, words);

/**
 * @param {string} name of its column
 * @param {string|null} text
 * @param {string|null} badge
 * @param {string} none what it says where there is no text
 */
function cell(name, text, badge = null, none = "null") {
  const empty = text === null || text === "";
  return make(
    "td",
    { class: `${name} ${empty ? "none" : "data"}` },
    badge ? make("span", { class: "tag" }, badge) : null,
    empty ? (text === null ? none : "empty") : make("bdi", {}, shown(text)),
  );
}
