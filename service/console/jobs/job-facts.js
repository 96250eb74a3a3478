/** What there is to say about a job that is open: what it is, what it has done, what is in its way. */

import { filterLines, filterProblems } from "../filter/filter-words.js";
import { fact, make, quoted } from "../page/dom.js";
import { localText, number, plural, rate, utcText, zone } from "../page/format.js";
import { counted, isKnown, keepsKeys, partitionsWords, selectionWords, stateWord, targetWords } from "./job-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobRequest} JobRequest
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 */

/**
 * What the job is: nothing of it ever changes.
 * @param {Job} job
 */
export function jobFacts(job) {
  /** @type {Node[]} */
  const rows = [];
  const add = (/** @type {Parameters<typeof fact>} */ ...parts) => rows.push(...fact(...parts));
  if (!isKnown(job)) {
    add("Records", make("span", { class: "none" }, "not known"));
    return make("dl", { class: "facts" }, ...rows);
  }
  if (job.name) add("Name", quoted(job.name));
  add("Topic", quoted(job.topic ?? ""));
  add("Records", selectionWords(job));
  add("Only if", ...filterLines(job.filter));
  if (!job.dry_run) add("For", recipients(job.consumer_key, keepsKeys(job), job.target));
  if (job.target) add("To", targetWords(job.target));
  if (job.records_per_second) add("At most", `${rate(job.records_per_second)} records a second`);
  if (job.max_failures) add("Stops after", plural(job.max_failures, "failure"));
  if (job.overlaps) add("Again", "records that job ", make("code", {}, job.overlaps), " had resent, or was about to");
  add("Made by", quoted(job.created_by ?? ""));
  return make("dl", { class: "facts" }, ...rows);
}

/**
 * How far it is, in numbers and times.
 * @param {Job} job
 */
export function countRows(job) {
  /** @type {Node[]} */
  const rows = [];
  const add = (/** @type {Parameters<typeof fact>} */ ...parts) => rows.push(...fact(...parts));
  for (const [word, count] of counted(job)) add(word, number(count));
  /** @type {[string, number|null][]} */
  const times = [["made", job.created_at], ["started", job.started_at], ["ended", job.ended_at]];
  for (const [word, ms] of times) {
    const unit = make("span", { class: "unit" }, zone(ms));
    if (ms) add(word, make("span", { title: utcText(ms) }, localText(ms)), " ", unit);
  }
  return rows;
}

/**
 * What is in the way, or has ended the job.
 * @param {Job} job
 */
export function troubles(job) {
  const said = [];
  if (job.unsupported_reason) {
    const words = "This version of the service leaves the job alone: ";
    said.push(make("p", { class: "notice warn" }, words, quoted(job.unsupported_reason)));
  }
  if (job.waits_for) said.push(make("p", { class: "notice warn" }, "Waits for ", quoted(job.waits_for)));
  if (job.reason) said.push(make("p", { class: "notice bad" }, quoted(job.reason)));
  if (job.counts.expired) {
    const words = `${plural(job.counts.expired, "offset")} had been removed from the topic before they were read.`;
    said.push(make("p", { class: "notice warn" }, words));
  }
  return [...said, ...filterProblems(job)];
}

/** @param {Job} job */
export function stateTag(job) {
  return make("span", { class: "tag state", "data-state": job.state }, stateWord(job));
}

/**
 * The recipient of the copies, in a few words.
 * @param {string|null|undefined} consumerKey "" for none as well
 * @param {boolean} keeps whether records may be among them that have a consumer_key, which their copies keep
 * @param {JobRequest["target"]} target of the job
 */
export function recipients(consumerKey, keeps, target) {
  if (target?.group_as_recipient) return make("strong", {}, "the consumer group that each record's headers name");
  if (consumerKey) return quoted(consumerKey, { class: "strong" });
  if (!keeps) return make("strong", {}, "everyone");
  return make("span", {}, make("strong", {}, "everyone"), ", except that a record with a consumer_key keeps it");
}

/** The same in a sentence, where each copy is for another one. */
export const GROUP_SENTENCE =
  "Each copy is for the consumer group that its dead letter names; one that names none is not resent.";

/**
 * The same in a sentence.
 * @param {string} consumerKey
 * @param {boolean} keeps
 */
export function recipientsSentence(consumerKey, keeps) {
  if (consumerKey) return ["Only consumers with the key ", recipients(consumerKey, keeps, null), " process the copies."];
  if (!keeps) {
    const all = ". Every application that reads the topic processes the copies.";
    return ["Left empty: ", recipients("", false, null), all];
  }
  return ["Left empty: the copies are for ", recipients("", true, null), "."];
}

/**
 * What a job will do, as plainly as it can be said.
 * @param {JobRequest} spec
 * @param {import("../api/bodies.d.ts").ReportItem} report of its dry run
 */
export function willWrite(spec, report) {
  const partitions = report.partitions.filter(({ would_resend: records }) => records > 0).map(({ partition }) => partition);
  const keeps = Boolean(spec.filter?.include_resent) || Boolean(spec.messages);
  return [
    `Up to ${plural(report.would_resend, "record")} of topic `,
    quoted(spec.topic),
    `, ${partitionsWords(partitions)}, will be written once more, `,
    spec.target ? `to ${targetWords(spec.target)}, for ` : "for ",
    recipients(spec.consumer_key, keeps, spec.target),
    ".",
  ];
}
