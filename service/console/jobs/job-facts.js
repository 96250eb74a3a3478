/** What there is to say about a job that is open: what it is, what it has done, what is in its way. */

import { fact, make, quoted } from "../page/dom.js";
import { localText, number, plural, rate, utcText, zone } from "../page/format.js";
import { filterLines, filterProblems, recipients } from "./job-nodes.js";
import { counted, isKnown, keepsKeys, selectionWords, targetWords } from "./job-words.js";

/** @typedef {import("../api/bodies.d.ts").JobResponse} Job */

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
  add("Topic", quoted(job.topic ?? ""));
  add("Records", selectionWords(job));
  add("Only if", ...filterLines(job.filter));
  if (!job.dry_run) add("For", recipients(job.consumer_key, keepsKeys(job)));
  if (job.target) add("To", targetWords(job.target));
  if (job.records_per_second) add("At most", `${rate(job.records_per_second)} records a second`);
  if (job.max_failures) add("Stops after", plural(job.max_failures, "failure"));
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
