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
  cell("key", record.key, record.key_encoding === "base64" ? "base64" : null),
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
 * The consumer_key: nothing where there is no such header, which is another thing than one that is null.
 * @param {Message} record
 */
function consumerCell(record) {
  const { has_consumer_key: has, consumer_key: key, consumer_key_encoding: encoding } = record;
  if (has === null) return make("td", { class: "consumer none", title: "The name of a header is not UTF-8" }, "not known");
  return has ? cell("consumer", key, encoding === "base64" ? "base64" : null) : make("td", { class: "consumer" });
}

/**
 * @param {string} name of its column
 * @param {string|null} text
 * @param {string|null} badge
 */
function cell(name, text, badge = null) {
  const empty = text === null || text === "";
  return make(
    "td",
    { class: `${name} ${empty ? "none" : "data"}` },
    badge ? make("span", { class: "tag" }, badge) : null,
    empty ? (text === null ? "null" : "empty") : make("bdi", {}, shown(text)),
  );
}
