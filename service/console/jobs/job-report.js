/** What a dry run has found: how many records where and when, and the first of them. */

import { barsOf } from "../page/chart.js";
import { headRow, make, oneTabStop, quoted } from "../page/dom.js";
import { bytes, later, localText, number, plural, zone } from "../page/format.js";

/**
 * @typedef {import("../api/bodies.d.ts").ReportItem} Report
 * @typedef {import("../api/bodies.d.ts").ReportBucketItem} Bucket
 */

/**
 * The address of the record at a partition and an offset.
 * @typedef {(partition: number, offset: bigint) => string} AddressOf
 */

const HEIGHT = 48;
const COLUMNS = 60;
const LINKS = 10;

/**
 * @param {Report} report
 * @param {AddressOf} address
 */
export function reportNodes(report, address) {
  const { would_resend: records, partitions, size_bytes: size, histogram, first, targets, dialects } = report;
  if (records === 0) return [make("p", {}, "No record would be resent.")];
  const count = make("strong", {}, plural(records, "record"));
  const said = make("p", {}, count, ` would be resent, ${bytes(size)} of keys and values.`);
  const where = counts(partitions);
  const told = [...places(targets ?? [], records), ...dialectLines(dialects ?? [])];
  return [said, ...times(histogram), where, ...told, examples(first, records, address)];
}

/**
 * How many records are in each of equal spans of time, and when these begin and end; null where no record has a time.
 * @param {readonly Bucket[]} histogram stretches of time that may be far from each other, the earliest first
 * @param {number} columns
 */
export function columnsOf(histogram, columns) {
  if (histogram.length === 0) return null;
  const start = histogram[0].start_time;
  const end = histogram.reduce((latest, bucket) => later(latest, bucket.end_time), start);
  /** @type {number[]} */
  const sums = new Array(columns).fill(0);
  for (const bucket of histogram) {
    const at = Math.floor((Number(bucket.start_time - start) / Number(end - start)) * columns);
    sums[Math.min(columns - 1, at)] += Number(bucket.count);
  }
  return { start, end, counts: sums };
}

/**
 * Records over time, as a picture and in words.
 * @param {readonly Bucket[]} histogram
 */
function times(histogram) {
  const found = columnsOf(histogram, COLUMNS);
  if (found === null) return [];
  const words = `Their times: ${localText(found.start)} to ${localText(found.end)} ${zone(found.start)}.`;
  return [make("div", {}, barsOf(found.counts, HEIGHT), make("p", { class: "hint" }, words))];
}

/** @param {Report["partitions"]} partitions */
function counts(partitions) {
  const rows = partitions.map(({ partition, would_resend: records }) =>
    make("tr", {}, make("th", { scope: "row" }, String(partition)), make("td", {}, number(records))),
  );
  const table = make("table", {}, headRow("Partition", "Records"), ...rows);
  const region = make("div", { class: "lines", tabindex: 0, role: "region", "aria-label": "Records by partition" }, table);
  return make("details", { class: "partitions" }, make("summary", {}, "By partition"), region);
}

/**
 * Which topics the copies would go to, where that is another question than which they come from.
 * @param {NonNullable<Report["targets"]>} targets
 * @param {number} records
 */
function places(targets, records) {
  if (targets.length === 0) return [];
  const lines = targets.map(({ topic, would_resend: count }) => make("li", {}, quoted(topic), `: ${number(count)}`));
  const others = records - targets.reduce((sum, target) => sum + target.would_resend, 0);
  if (others) lines.push(make("li", {}, `other topics: ${number(others)}`));
  return [make("p", {}, "They would go to"), make("ul", { class: "places" }, ...lines)];
}

/**
 * In which dialects it was found where the records came from.
 * @param {NonNullable<Report["dialects"]>} dialects
 */
function dialectLines(dialects) {
  if (dialects.length === 0) return [];
  const said = dialects.map(({ dialect, would_resend: count }) => `${dialect}: ${number(count)}`);
  return [make("p", {}, `Where they came from is said by headers of ${said.join(", ")}.`)];
}

/**
 * @param {Report["first"]} first
 * @param {number} records
 * @param {AddressOf} address
 */
function examples(first, records, address) {
  const shown = first.slice(0, LINKS);
  const links = shown.map(({ partition, message_offset: offset }) => make("li", {}, positionLink(partition, offset, address)));
  const title = make("summary", {}, records > shown.length ? `The first ${shown.length}` : "All of them");
  return make("details", { class: "partitions" }, title, make("ul", { class: "places" }, ...links));
}

/**
 * @param {number} partition
 * @param {bigint} offset
 * @param {AddressOf} address
 */
const positionLink = (partition, offset, address) =>
  make("a", { href: address(partition, offset) }, `partition ${partition}, offset ${offset}`);

/**
 * A record that could not be resent, and why.
 * @param {import("../api/bodies.d.ts").FailureItem} failure
 * @param {AddressOf} address
 */
export const failureLine = ({ partition, message_offset: offset, reason }, address) =>
  make("li", {}, positionLink(partition, offset, address), ": ", quoted(reason));

/**
 * What a job could not resend: how many records, and those of them that are listed.
 * @param {import("../api/bodies.d.ts").JobResponse} job
 * @param {AddressOf} address
 */
export function refusedNodes({ counts: { failed }, failures }, address) {
  const lines = (failures ?? []).map((failure) => failureLine(failure, address));
  const summary = make("summary", {}, `${plural(failed, "record")} cannot be resent`);
  const list = make("ul", { class: "places" }, ...lines);
  oneTabStop(list, "a")();
  return make("details", { class: "partitions" }, summary, list);
}
