/** What the page says about the topic that was chosen. */

import { byId, headRow, make, quoted } from "../page/dom.js";
import { number, plural, span } from "../page/format.js";

/** @typedef {import("../api/bodies.d.ts").TopicItem} Topic */

/**
 * Show what is known about the chosen topic.
 * @param {string} name
 * @param {Topic|null} topic null: not known yet, or the listing does not have it
 */
export function showTopic(name, topic) {
  byId("topic-name").replaceChildren(quoted(name));
  byId("topic-facts").replaceChildren(...(topic ? facts(topic) : []));
  byId("topic-refusal").replaceChildren(...(topic && !topic.resend_allowed ? [refusal(topic)] : []));
}

/**
 * Put the focus where the topic begins.
 * @param {FocusOptions} [options]
 */
export const focusTopic = (options) => byId("topic-name").focus(options);

/**
 * What is known about it, in a line, and the offsets of its partitions.
 * @param {Topic} topic
 */
function facts(topic) {
  const said = topic.partition === null ? [] : [plural(topic.partition, "partition")];
  if (topic.record_count !== null) said.push(`at most ${plural(topic.record_count, "record")}`);
  if (topic.replication !== null) said.push(`replication ${topic.replication}`);
  if (topic.compacted) said.push("compacted");
  if (topic.retention_time !== null) said.push(`kept ${span(topic.retention_time * 3_600_000)}`);
  // Without a view of the configuration both are null.
  else if (topic.compacted !== null) said.push("no time limit");
  if (topic.timestamp_type) said.push(`times by ${topic.timestamp_type}`);
  const text = make("span", {}, said.join(" · "));
  if (!topic.partitions?.length) return [text];
  const row = (/** @type {Topic["partitions"][number]} */ place) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, String(place.partition)),
      make("td", {}, place.log_start_offset === null ? "not known" : number(place.log_start_offset)),
      make("td", {}, place.high_watermark === null ? "not known" : number(place.high_watermark)),
    );
  const head = headRow("Partition", "Log start offset", "High watermark");
  const table = make("table", {}, head, ...topic.partitions.map(row));
  const region = make("div", { class: "lines", tabindex: 0, role: "region", "aria-label": "Offsets by partition" }, table);
  return [text, make("details", { class: "partitions" }, make("summary", {}, "Offsets"), region)];
}

/** @param {Topic} topic */
function refusal(topic) {
  const { error_code: code, error_msg: message } = topic.resend_refusal ?? {};
  return make(
    "div",
    { class: "notice warn" },
    make("p", {}, "Its records can be looked at, not resent: ", message ?? "the service does not say why."),
    code ? make("p", {}, make("code", { class: "code" }, code)) : null,
  );
}
