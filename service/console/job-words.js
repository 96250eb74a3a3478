/** What there is to say about a job, and its bar: for the list, for the job that is open, and for the form. */

import { make, quoted, value } from "./dom.js";
import { earlier, later, localText, number, plural, rate, span, zone } from "./format.js";

// Of a selection of every other partition a sentence names the first.
const MOST_RUNS = 10;
const OVER = ["succeeded", "failed", "cancelled"];

export const isOver = (job) => OVER.includes(job.state);

/** Whether it can be read what the job is about: not of one that another version wrote, which is empty then. */
export const isKnown = (job) => Boolean(job.topic);

/** Whether its numbers change by themselves. */
export const isMoving = (job) => !isOver(job) && (job.state !== "paused" || job.cancel_requested);

/** One word for where a job is; also for one that is on its way to an end. */
export const stateWord = (job) => (job.cancel_requested && !isOver(job) ? "being cancelled" : job.state);

/** How many of the selected offsets are dealt with. */
function doneOffsets(job) {
  const next = new Map((job.progress ?? []).map((each) => [each.partition, each.next_offset]));
  let done = 0n;
  for (const { partition, start, end } of job.selection?.spans ?? []) {
    done += later(earlier(end, next.get(partition) ?? start), start) - start;
  }
  return done;
}

/** What part of a range of offsets lies before one of them, from 0 to 1; of an empty range all. */
export const partBefore = (next, start, end) =>
  end > start ? Number(later(earlier(next, end), start) - start) / Number(end - start) : 1;

/** What the job has done of what it is to do, from 0 to 1. */
export function share(job) {
  if (job.state === "succeeded") return 1;
  return job.counts.selected ? Math.min(1, Number(doneOffsets(job)) / Number(job.counts.selected)) : 0;
}

/** The bar of a job. It has a name, and also says the share as a number. */
export class Bar {
  #bar;
  #share = make("span", { class: "share" });

  constructor(name) {
    this.#bar = make("progress", { max: 1, value: 0, "aria-label": name });
    this.element = make("div", { class: "progress" }, this.#bar, this.#share);
  }

  /** @param {number} done from 0 to 1 */
  show(done, state) {
    this.#bar.value = done;
    this.#bar.dataset.state = state;
    // Not 100% before the end.
    this.#share.textContent = `${Math.floor(done * 100)}%`;
  }
}

export function stateTag(job) {
  return make("span", { class: "tag state", "data-state": job.state }, stateWord(job));
}

const REASONS = [
  ["failed", "failed"],
  ["outside_time_range", "outside the time range"],
  ["already_resent", "already resent"],
  ["not_matched", "not matched"],
  ["not_json", "not JSON"],
  ["not_evaluated", "not evaluated"],
  ["expired", "expired"],
];

/** What was counted, as [word, number] with those left out that are 0 and say nothing. */
export function counted(job) {
  const { scanned, matched, resent, failed } = job.counts;
  const found = [["scanned", scanned], ["matched", matched]];
  found.push(job.dry_run ? ["would be resent", matched - failed] : ["resent", resent]);
  for (const [name, word] of REASONS) {
    if (job.counts[name]) found.push([word, job.counts[name]]);
  }
  return found;
}

/** How fast, and how long still; "" where that means nothing. */
export function speedWords(job) {
  if (job.state !== "running") return "";
  const said = [];
  if (job.rate) said.push(`${rate(job.rate)} resent/s`);
  if (job.scan_rate) said.push(`${rate(job.scan_rate)} scanned/s`);
  if (Number.isFinite(job.eta_seconds)) said.push(`about ${span(job.eta_seconds * 1000)} left`);
  return said.join(", ");
}

/** One line of numbers. */
export function numbersLine(job) {
  const line = counted(job).map(([word, count]) => `${number(count)} ${word}`);
  line[0] += ` of at most ${number(job.counts.selected)}`;
  const speed = speedWords(job);
  return [...line, ...(speed ? [speed] : [])].join(" · ");
}

/**
 * The recipient of the copies, in a few words.
 * @param {boolean} keeps whether records may be among them that have a consumer_key, which their copies keep
 */
export function recipients(consumerKey, keeps) {
  if (consumerKey) return quoted(consumerKey, { class: "strong" });
  if (!keeps) return make("strong", {}, "everyone");
  return make("span", {}, make("strong", {}, "everyone"), ", except that a record with a consumer_key keeps it");
}

/** Whether a job may select records that have a consumer_key: as copies, or because their positions are named. */
export const keepsKeys = (job) => Boolean(job.filter?.include_resent || job.selection?.positions);

/** The same in a sentence. */
export function recipientsSentence(consumerKey, keeps) {
  if (consumerKey) return ["Only consumers with the key ", recipients(consumerKey), " process the copies."];
  if (!keeps) {
    const all = ". Every application that reads the topic processes the copies.";
    return ["Left empty: ", recipients("", false), all];
  }
  return ["Left empty: the copies are for ", recipients("", true), "."];
}

const DIALECTS = new Map([
  ["spring", "Spring Kafka's headers"],
  ["connect", "Kafka Connect's headers"],
  ["any", "the headers of Spring Kafka or Kafka Connect"],
]);

/** Where the copies go, if that is another place than their records'. */
export function targetWords({ dialect, remove_headers: removed }) {
  const away = removed ? ", without these headers" : "";
  return `where each record came from, by ${DIALECTS.get(dialect) ?? "its headers"}${away}`;
}

/** [0, 1, 2, 5] -> "partitions 0–2, 5". */
export function partitionsWords(partitions) {
  const sorted = [...new Set(partitions)].sort((one, other) => one - other);
  const runs = [];
  for (const partition of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === partition - 1) last[1] = partition;
    else runs.push([partition, partition]);
  }
  const words = runs.map(([first, last]) => {
    if (first === last) return String(first);
    return last === first + 1 ? `${first}, ${last}` : `${first}–${last}`;
  });
  if (words.length > MOST_RUNS) words.splice(MOST_RUNS - 1, Infinity, `… (${number(sorted.length)} in all)`);
  return `${sorted.length === 1 ? "partition" : "partitions"} ${words.join(", ")}`;
}

const moment = (ms) => `${localText(ms)} ${zone(ms)}`;

/** Which records a job is about. */
export function selectionWords(job) {
  const { spans = [], positions, start_time: start, end_time: end } = job.selection ?? {};
  const places = partitionsWords(spans.map(({ partition }) => partition));
  if (positions) return `${plural(positions, "position")} in ${places}`;
  if (start !== undefined && start !== null) return `from ${moment(start)} until ${moment(end)}, ${places}`;
  if (spans.length === 1) return `${places}, offsets ${spans[0].start} to ${spans[0].end - 1n}`;
  return `${plural(job.counts.selected, "offset")} in ${places}`;
}

/** What a record must be like, one line for each condition. */
export function filterLines(filter) {
  const lines = [];
  if (filter?.key !== null && filter?.key !== undefined) lines.push(["key is ", value(filter.key)]);
  for (const { name, value: wanted, absent } of filter?.headers ?? []) {
    if (absent) lines.push(["no header ", quoted(name)]);
    else if (wanted === undefined || wanted === null) lines.push(["has a header ", quoted(name)]);
    else lines.push(["header ", quoted(name), " is ", value(wanted)]);
  }
  if (filter?.jmespath) lines.push(["true of its JSON: ", quoted(filter.jmespath)]);
  lines.push([filter?.include_resent ? "copies too" : "no copies: none that has a consumer_key already"]);
  return lines.map((line) => make("div", {}, ...line));
}

/** What may be wrong with the filter, as far as the records so far tell. */
export function filterProblems(job) {
  const said = [];
  if (job.first_not_evaluated) {
    const { partition, message_offset: offset, reason } = job.first_not_evaluated;
    const count = `The filter's expression cannot be evaluated on ${plural(job.counts.not_evaluated, "record")}. `;
    const first = `The first found is at partition ${partition}, offset ${offset}: `;
    said.push(make("p", { class: "notice warn" }, count, first, quoted(reason)));
  }
  if (job.counts.not_json) {
    const count = `${plural(job.counts.not_json, "record")} without a JSON value cannot match the expression.`;
    said.push(make("p", { class: "notice warn" }, count));
  }
  if (job.hint) said.push(make("p", { class: "notice warn" }, quoted(job.hint)));
  return said;
}

/** What a job will do, as plainly as it can be said. */
export function willWrite(spec, report) {
  const partitions = report.partitions.filter(({ would_resend: records }) => records > 0).map(({ partition }) => partition);
  return [
    `Up to ${plural(report.would_resend, "record")} of topic `,
    quoted(spec.topic),
    `, ${partitionsWords(partitions)}, will be written once more, `,
    spec.target ? `to ${targetWords(spec.target)}, for ` : "for ",
    recipients(spec.consumer_key, spec.filter?.include_resent || spec.messages !== undefined),
    ".",
  ];
}
