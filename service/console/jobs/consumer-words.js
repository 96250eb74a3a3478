/** What there is to say of consumer groups and the copies of a job, and which groups to ask about again. */

import { number, plural } from "../page/format.js";
import { isOver } from "./job-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").ConsumersResponse} Answer
 * @typedef {import("../api/bodies.d.ts").GroupItem} Group
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 */

/**
 * A group as it was when it was asked about: at that time (Unix milliseconds), and of how many copies.
 * @typedef {{group: Group, checkedAt: number, copies: number}} Seen
 */

// Each takes some 60 ms, and a query has at most 100 parameters.
const MOST_AT_ONCE = 20;

/** @param {Pick<Job, "dry_run"|"topic"> & {counts: Pick<Job["counts"], "resent">}} job */
export const hasCopies = (job) => !job.dry_run && Boolean(job.topic) && job.counts.resent > 0;

/**
 * How far a group has committed, to be read behind its name. What it has processed is not known.
 * @param {Pick<Seen, "group"|"copies">} seen
 */
export function groupWords({ group, copies }) {
  switch (group.state) {
    case "passed":
      return copies === 1 ? "has committed past the only copy" : `has committed past all ${number(copies)} copies`;
    case "passing": {
      const bound = group.passed_relation === "at_least" ? "at least " : "";
      return `has committed past ${bound}${number(group.copies_passed ?? 0)} of ${plural(copies, "copy", "copies")}`;
    }
    case "not_started":
      return "has committed nothing where the copies are";
    case "denied":
      return "cannot be seen by the service";
    default:
      return "has committed past an unknown number of copies";
  }
}

/**
 * Which part of the copies a group has committed past, from 0 to 1; null where that is not known.
 * @param {Pick<Seen, "group"|"copies">} seen
 */
export function groupShare({ group, copies }) {
  if (group.state === "passed") return 1;
  if (group.state === "not_started") return 0;
  return group.state === "passing" && copies > 0 ? (group.copies_passed ?? 0) / copies : null;
}

/**
 * That copies were deleted before a group has come to them; "" where none were.
 * @param {Group} group
 */
export function deletedWords({ copies_deleted: deleted }) {
  if (!deleted) return "";
  const them = deleted === 1 ? "it" : "them";
  return `At least ${plural(deleted, "copy was", "copies were")} deleted before the group had committed past ${them}.`;
}

/**
 * All groups in a sentence, for those who listen.
 * @param {readonly Seen[]} groups
 */
export function summaryWords(groups) {
  if (groups.length === 0) return "No consumer group was found.";
  const passed = groups.filter(({ group }) => group.state === "passed").length;
  if (groups.length === 1) return `${groups[0].group.group} ${groupWords(groups[0])}.`;
  return `${number(passed)} of ${plural(groups.length, "group")} ${passed === 1 ? "has" : "have"} committed past all copies.`;
}

/**
 * The groups of an answer, or those that were seen before with what an answer about some of them says now.
 * @param {readonly Seen[]} before
 * @param {Answer} answer
 * @returns {Seen[]}
 */
export function withAnswer(before, { groups, checked_at: checkedAt, copies }) {
  const fresh = new Map(groups.map((group) => [group.group, { group, checkedAt, copies: copies ?? 0 }]));
  return [...new Map([...before.map((seen) => /** @type {const} */ ([seen.group.group, seen])), ...fresh]).values()];
}

/**
 * Whether what is known of a group will change as it reads, or as the job goes on.
 * @param {Seen} seen
 * @param {Pick<Job, "state"> & {counts: Pick<Job["counts"], "resent">}} job
 */
export function isUnderWay({ group: { state }, copies }, job) {
  if (state === "passed") return !isOver(job) || copies !== job.counts.resent;
  return state === "passing" || state === "not_started";
}

/**
 * The groups to ask about again: those that are under way, in turns where they are many.
 * @param {readonly Seen[]} groups
 * @param {Parameters<typeof isUnderWay>[1]} job
 */
export function toAskAgain(groups, job) {
  const moving = groups.filter((seen) => isUnderWay(seen, job)).sort((one, other) => one.checkedAt - other.checkedAt);
  return moving.slice(0, MOST_AT_ONCE).map(({ group }) => group.group);
}
