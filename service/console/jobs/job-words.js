/** What there is to say about a job, in words and numbers: for the list, for the job that is open, and for the form. */

import { COUNT_WORDS } from "../page/count-words.js";
import { earlier, later, localText, number, plural, rate, span, zone } from "../page/format.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 * @typedef {import("../api/bodies.d.ts").CountsItem} Counts
 * @typedef {import("../api/bodies.d.ts").TargetItem} Target
 */

// Of a selection of every other partition a sentence names the first.
const MOST_RUNS = 10;
/** @type {readonly Job["state"][]} */
const OVER = ["succeeded", "failed", "cancelled"];

/** @param {Pick<Job, "state">} job */
export const isOver = (job) => OVER.includes(job.state);

/**
 * Whether it can be read what the job is about: not of one that another version wrote, which is empty then.
 * @param {Pick<Job, "topic">} job
 */
export const isKnown = (job) => Boolean(job.topic);

/**
 * Whether its numbers change by themselves.
 * @param {Pick<Job, "state"|"cancel_requested">} job
 */
export const isMoving = (job) => !isOver(job) && (job.state !== "paused" || job.cancel_requested);

/**
 * One word for where a job is; also for one that is on its way to an end.
 * @param {Pick<Job, "state"|"cancel_requested">} job
 */
export const stateWord = (job) => (job.cancel_requested && !isOver(job) ? "being cancelled" : job.state);

/**
 * How many of the selected offsets are dealt with.
 * @param {Pick<Job, "progress"|"selection">} job
 */
function doneOffsets(job) {
  const next = new Map((job.progress ?? []).map((each) => [each.partition, each.next_offset]));
  let done = 0n;
  for (const { partition, start, end } of job.selection?.spans ?? []) {
    done += later(earlier(end, next.get(partition) ?? start), start) - start;
  }
  return done;
}

/**
 * What part of a range of offsets lies before one of them, from 0 to 1; of an empty range all.
 * @param {bigint} next
 * @param {bigint} start
 * @param {bigint} end
 */
export const partBefore = (next, start, end) =>
  end > start ? Number(later(earlier(next, end), start) - start) / Number(end - start) : 1;

/**
 * What the job has done of what it is to do, from 0 to 1.
 * @param {Pick<Job, "state"|"progress"|"selection"> & {counts: Pick<Counts, "selected">}} job
 */
export function share(job) {
  if (job.state === "succeeded") return 1;
  return job.counts.selected ? Math.min(1, Number(doneOffsets(job)) / Number(job.counts.selected)) : 0;
}

const REASONS = /** @type {[keyof Counts, string][]} */ ([["failed", "failed"], ...Object.entries(COUNT_WORDS)]);

/**
 * What was counted, as [word, number] with those left out that are 0 and say nothing.
 * @param {Pick<Job, "counts"|"dry_run">} job
 */
export function counted(job) {
  const { scanned, matched, resent, failed } = job.counts;
  /** @type {[string, number][]} */
  const found = [["scanned", scanned], ["matched", matched]];
  found.push(job.dry_run ? ["would be resent", matched - failed] : ["resent", resent]);
  for (const [name, word] of REASONS) {
    if (job.counts[name]) found.push([word, job.counts[name]]);
  }
  return found;
}

/**
 * How fast, and how long still; "" where that means nothing.
 * @param {Pick<Job, "state"|"rate"|"scan_rate"|"eta_seconds">} job
 */
export function speedWords(job) {
  if (job.state !== "running") return "";
  const said = [];
  if (job.rate) said.push(`${rate(job.rate)} resent/s`);
  if (job.scan_rate) said.push(`${rate(job.scan_rate)} scanned/s`);
  if (job.eta_seconds !== null) said.push(`about ${span(job.eta_seconds * 1000)} left`);
  return said.join(", ");
}

/**
 * One line of numbers.
 * @param {Job} job
 */
export function numbersLine(job) {
  const line = counted(job).map(([word, count]) => `${number(count)} ${word}`);
  line[0] += ` of at most ${number(job.counts.selected)}`;
  const speed = speedWords(job);
  return [...line, ...(speed ? [speed] : [])].join(" · ");
}

/**
 * Whether a job may select records that have a consumer_key: as copies, or because their positions are named.
 * @param {Pick<Job, "filter"|"selection">} job
 */
export const keepsKeys = (job) => Boolean(job.filter?.include_resent || job.selection?.positions);

/** @type {Record<string, string>} */
const DIALECTS = {
  auto: "its own headers",
  spring: "Spring Kafka's headers",
  "spring-retry-topic": "the headers of Spring Kafka's @RetryableTopic",
  "spring-cloud-stream": "Spring Cloud Stream's headers",
  "x-original": "headers x-original-…",
  connect: "Kafka Connect's headers",
  streams: "Kafka Streams' headers",
};

/**
 * Where the copies of dead letters go, by one dialect.
 * @param {string} dialect
 */
export const originWords = (dialect) =>
  `where each record came from, by ${DIALECTS[dialect] ?? `the headers of ${dialect}`}`;

/**
 * Where the copies go, if that is another place than their records'.
 * @param {Target} target
 */
export function targetWords({ dialect, remove_headers: removed = true }) {
  return `${originWords(dialect)}${removed ? ", without these headers" : ", with these headers"}`;
}

/**
 * [0, 1, 2, 5] -> "partitions 0–2, 5".
 * @param {readonly number[]} partitions
 */
export function partitionsWords(partitions) {
  const sorted = [...new Set(partitions)].sort((one, other) => one - other);
  /** @type {[number, number][]} */
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

/** @param {bigint} ms */
const moment = (ms) => `${localText(ms)} ${zone(ms)}`;

/**
 * Which records a job is about.
 * @param {{selection: Job["selection"], counts: Pick<Counts, "selected">}} job
 */
export function selectionWords(job) {
  const { spans = [], positions, start_time: start, end_time: end } = job.selection ?? {};
  const places = partitionsWords(spans.map(({ partition }) => partition));
  if (positions) return `${plural(positions, "position")} in ${places}`;
  if (typeof start === "bigint" && typeof end === "bigint") return `from ${moment(start)} until ${moment(end)}, ${places}`;
  if (spans.length === 1) return `${places}, offsets ${spans[0].start} to ${spans[0].end - 1n}`;
  return `${plural(job.counts.selected, "offset")} in ${places}`;
}
