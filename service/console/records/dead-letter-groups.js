/** What is in a dead-letter topic, added up page by page, and the job that sends a group of it back. */

import { number, plural } from "../page/format.js";

/**
 * @typedef {import("../api/bodies.d.ts").DeadLettersResponse} Answer
 * @typedef {import("../api/bodies.d.ts").DeadLetterGroupItem} Group
 */

/**
 * A topic as far as its records were grouped.
 * @typedef {Object} Grouping
 * @property {ReadonlyMap<string, Group>} groups by what their records say
 * @property {boolean} begun whether there was a first page
 * @property {string|null} cursor of the next page; null: before the first, and at the end
 * @property {number} read how many records
 * @property {number} left how many offsets are still to be read
 */

/** @type {Grouping} */
export const NOTHING_READ = { groups: new Map(), begun: false, cursor: null, read: 0, left: 0 };

/**
 * The same for groups of the same dead letters.
 * @param {Group} group
 */
const keyOf = ({ dialect, topic, group, reason, problem }) => JSON.stringify([dialect, topic, group, reason, problem]);

/**
 * What is grouped, with one more page.
 * @param {Grouping} grouping
 * @param {Answer} answer
 * @returns {Grouping}
 */
export function withGroups({ groups: before, read }, { groups: found, cursor, scan }) {
  const groups = new Map(before);
  for (const group of found) {
    const key = keyOf(group);
    const same = groups.get(key);
    groups.set(key, same ? added(same, group) : group);
  }
  return { groups, begun: true, cursor, read: read + scan.records, left: scan.left };
}

/**
 * The group that two groups of the same dead letters are together.
 * @param {Group} one
 * @param {Group} other
 * @returns {Group}
 */
function added(one, other) {
  const first = [one.first_time, other.first_time].filter((time) => time !== null);
  const last = [one.last_time, other.last_time].filter((time) => time !== null);
  return {
    ...one,
    count: one.count + other.count,
    already_resent: one.already_resent + other.already_resent,
    first_time: first.length ? Math.min(...first) : null,
    last_time: last.length ? Math.max(...last) : null,
    example: isBefore(other.example, one.example) ? other.example : one.example,
  };
}

/**
 * @param {Group["example"]} one
 * @param {Group["example"]} other
 */
const isBefore = (one, other) =>
  one.partition === other.partition ? one.message_offset < other.message_offset : one.partition < other.partition;

/**
 * The groups by what their records say, the largest first.
 * @param {Grouping} grouping
 */
export const largestFirst = ({ groups }) => [...groups].sort(([, one], [, other]) => other.count - one.count);

/**
 * Whether all of the topic was read.
 * @param {Grouping} grouping
 */
export const isGrouped = ({ begun, cursor }) => begun && cursor === null;

/**
 * How far it is: from 0 to 1, and in words.
 * @param {Grouping} grouping
 */
export function progressOf(grouping) {
  const { groups, read, left } = grouping;
  const more = isGrouped(grouping) ? "" : `, at most ${number(left)} left`;
  const words = `${plural(groups.size, "group")}, ${plural(read, "record")} scanned${more}`;
  return { share: read + left ? read / (read + left) : 0, words };
}

/**
 * How many records a group has, and how many of them a job leaves out.
 * @param {Group} group
 */
export const sizeWords = ({ count, already_resent: resent }) =>
  `${plural(count, "record")}${resent ? `, ${number(resent)} of them already resent` : ""}`;

/**
 * What a job begins with that sends the dead letters of a group back to where they came from; null for no dead letters.
 * @param {string} topic
 * @param {Group} group
 * @returns {import("../jobs/job-spec.js").JobDraft|null}
 */
export function redriveDraft(topic, { dialect, topic: origin, group, reason }) {
  if (dialect === null) return null;
  // Also what is not named: without it, the groups that name one would be selected too.
  const named = { dialect, ...(origin === null ? {} : { topic: origin }), group: group ?? "", reason: reason ?? "" };
  return { topic, mode: "all", filter: { dead_letters: named }, target: "auto" };
}
