/** What a dry run has found: how many records where and when, and the first of them. */

import { make, oneTabStop, quoted } from "./dom.js";
import { bytes, later, localText, number, plural, zone } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 48;
const COLUMNS = 60;
const LINKS = 10;

/**
 * @param {Object} report of a job's dry run
 * @param {function(number, number): string} address of the record at a partition and an offset
 */
export function reportNodes(report, address) {
  const { would_resend: records, partitions, size_bytes: size, histogram, first, targets = [] } = report;
  if (records === 0) return [make("p", {}, "No record would be resent.")];
  const count = make("strong", {}, plural(records, "record"));
  const said = make("p", {}, count, ` would be resent, ${bytes(size)} of keys and values.`);
  return [said, ...bars(histogram), counts(partitions), ...places(targets, records), examples(first, records, address)];
}

/** Records over time, as a picture and in words. */
function bars(histogram) {
  if (histogram.length === 0) return [];
  const start = histogram[0].start_time;
  const end = histogram.reduce((latest, bucket) => later(latest, bucket.end_time), start);
  const columns = new Array(COLUMNS).fill(0);
  for (const bucket of histogram) {
    const at = Math.floor((Number(bucket.start_time - start) / Number(end - start)) * COLUMNS);
    columns[Math.min(COLUMNS - 1, at)] += Number(bucket.count);
  }
  const most = Math.max(...columns);
  const picture = document.createElementNS(SVG, "svg");
  const viewBox = `0 0 ${COLUMNS} ${HEIGHT}`;
  const attributes = { viewBox, preserveAspectRatio: "none", "aria-hidden": "true", class: "bars" };
  for (const [name, text] of Object.entries(attributes)) picture.setAttribute(name, text);
  columns.forEach((count, index) => {
    if (count === 0) return;
    const height = Math.max(3, (count / most) * (HEIGHT - 2));
    const bar = document.createElementNS(SVG, "rect");
    const box = { class: "bar", x: index + 0.1, y: HEIGHT - height, width: 0.8, height };
    for (const [name, text] of Object.entries(box)) bar.setAttribute(name, text);
    picture.append(bar);
  });
  const words = `Their times: ${localText(start)} to ${localText(end)} ${zone(start)}.`;
  return [make("div", {}, picture, make("p", { class: "hint" }, words))];
}

function counts(partitions) {
  const row = ({ partition, would_resend: records }) =>
    make("tr", {}, make("th", { scope: "row" }, String(partition)), make("td", {}, number(records)));
  const head = ["Partition", "Records"].map((title) => make("th", { scope: "col" }, title));
  const table = make("table", {}, make("tr", {}, ...head), ...partitions.map(row));
  const region = make("div", { class: "lines", tabindex: 0, role: "region", "aria-label": "Records by partition" }, table);
  return make("details", { class: "partitions" }, make("summary", {}, "By partition"), region);
}

/** Which topics the copies would go to, where that is another question than which they come from. */
function places(targets, records) {
  if (targets.length === 0) return [];
  const lines = targets.map(({ topic, would_resend: count }) => make("li", {}, quoted(topic), `: ${number(count)}`));
  const others = records - targets.reduce((sum, target) => sum + target.would_resend, 0);
  if (others) lines.push(make("li", {}, `other topics: ${number(others)}`));
  return [make("p", {}, "They would go to"), make("ul", { class: "places" }, ...lines)];
}

function examples(first, records, address) {
  const shown = first.slice(0, LINKS);
  const links = shown.map(({ partition, message_offset: offset }) =>
    make("li", {}, make("a", { href: address(partition, offset) }, `partition ${partition}, offset ${offset}`)),
  );
  const title = make("summary", {}, records > shown.length ? `The first ${shown.length}` : "All of them");
  return make("details", { class: "partitions" }, title, make("ul", { class: "places" }, ...links));
}

/** What a job could not resend: how many records, and those of them that are listed. */
export function refusedNodes({ counts: { failed }, failures }, address) {
  const lines = failures.map(({ partition, message_offset: offset, reason }) => {
    const link = make("a", { href: address(partition, offset) }, `partition ${partition}, offset ${offset}`);
    return make("li", {}, link, ": ", quoted(reason));
  });
  const summary = make("summary", {}, `${plural(failed, "record")} cannot be resent`);
  const list = make("ul", { class: "places" }, ...lines);
  oneTabStop(list, "a")();
  return make("details", { class: "partitions" }, summary, list);
}
