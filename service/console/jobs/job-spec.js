/** What the form says, as the body of a request for a job. What cannot be read throws a FieldError. */

import { readFilter } from "../filter/filter.js";
import { number } from "../page/format.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobRequest} JobRequest
 * @typedef {import("../api/bodies.d.ts").JobResponse} JobResponse
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../api/bodies.d.ts").MessagePosition} Position
 * @typedef {"all"|"time"|"offsets"|"selected"} JobMode which records of the topic
 * @typedef {"topic"|"partitions"|"offsets"|"end"} CheckedField one whose text is looked at more closely than the browser does
 */

/**
 * What is in the form, as text where it is typed.
 * @typedef {Object} Given
 * @property {string} topic
 * @property {string} name what to call the job, "" for nothing
 * @property {JobMode} mode
 * @property {string} partitions
 * @property {string} offsets
 * @property {bigint|null} start Unix ms
 * @property {bigint|null} end Unix ms, not included
 * @property {Position[]} positions
 * @property {import("../filter/filter.js").Filter} filter
 * @property {string} consumerKey
 * @property {string} target a dialect, "" for none
 * @property {boolean} removeHeaders
 * @property {boolean} groupAsRecipient
 * @property {boolean} provenance
 * @property {string} maxResends
 * @property {string} rate
 * @property {string} stopAfter
 */

/**
 * What the form begins with; what is left out is empty.
 * @typedef {Pick<Given, "topic"|"mode"> & Partial<Pick<Given, "partitions"|"offsets"|"start"|"end"|"filter"|"target">> &
 *     {records?: Message[]}} JobDraft
 */

const MOST_POSITIONS = 10_000;
const MOST_PARTITIONS = 10_000;

/** A field whose text is not as it must be. */
export class FieldError extends Error {
  /**
   * @param {CheckedField} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * What the form begins with where one looks at a topic's records.
 * @param {import("../app/address.js").Route} route
 * @returns {JobDraft}
 */
export function draftOf({ topic, mode, partition, offset, start, end, filter: text }) {
  const filter = readFilter(text);
  if (mode === "time" && start !== null && end !== null) return { topic, mode, partitions: partition, start, end, filter };
  if (mode === "position") return { topic, mode: "offsets", offsets: `${partition || 0}:${offset || 0}-`, filter };
  return { topic, mode: "all", partitions: partition, filter };
}

/**
 * "0, 2-4" -> [0, 2, 3, 4]; undefined for no text.
 * @param {string} text
 */
export function parsePartitions(text) {
  if (text.trim() === "") return undefined;
  const found = new Set();
  for (const part of text.split(/[\s,]+/).filter(Boolean)) {
    const [, first, last = first] = /^(\d{1,9})(?:[-–](\d{1,9}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) - Number(first) >= MOST_PARTITIONS) {
      throw new FieldError("partitions", `“${part}” is neither a partition nor a range of them: write 0, 2-4.`);
    }
    for (let partition = Number(first); partition <= Number(last); partition += 1) found.add(partition);
  }
  return [...found].sort((one, other) => one - other);
}

/**
 * "0:5-100, 1:7-" -> offsets from 5 up to, not including, 100 of partition 0, and from 7 on of partition 1.
 * @param {string} text
 */
export function parseOffsets(text) {
  const found = text.split(/[\s,]+/).filter(Boolean).map((part) => {
    const [, partition, start, end] = /^(\d{1,9}):(\d{1,19})[-–](\d{0,19})$/.exec(part) ?? [];
    if (partition === undefined) {
      throw new FieldError("offsets", `“${part}” is not partition:start-end, as in 0:5-100, or 0:5- up to the end.`);
    }
    return { partition: Number(partition), start: BigInt(start), end: end === "" ? null : BigInt(end) };
  });
  if (found.length === 0) throw new FieldError("offsets", "Say which offsets: 0:5-100, or 0:5- up to the end.");
  return found;
}

/**
 * The positions of records.
 * @param {readonly Message[]} records
 * @throws {FieldError} they are more than a job takes
 */
export function positionsOf(records) {
  if (records.length > MOST_POSITIONS) {
    throw new FieldError("topic", `A job takes at most ${number(MOST_POSITIONS)} single records.`);
  }
  return records.map((record) => ({ partition: record.partition, message_offset: record.message_offset }));
}

/**
 * The body of a request for the job, without what was left open.
 * @param {Given} given
 * @throws {FieldError}
 */
export function specOf(given) {
  /** @type {JobRequest} */
  const body = { topic: given.topic };
  if (given.name.trim() !== "") body.name = given.name.trim();
  if (given.mode === "selected") body.messages = given.positions;
  else if (given.mode === "offsets") body.offsets = parseOffsets(given.offsets);
  else body.partitions = parsePartitions(given.partitions);
  if (given.mode === "time") {
    const { start, end } = given;
    if (start === null || end === null || start >= end) throw new FieldError("end", "“From” must be before “To”.");
    body.start_time = start;
    body.end_time = end;
  }
  if (Object.keys(given.filter).length) body.filter = given.filter;
  if (given.consumerKey !== "") body.consumer_key = given.consumerKey;
  if (given.target !== "") {
    body.target = { dialect: given.target, remove_headers: given.removeHeaders };
    if (given.groupAsRecipient) body.target.group_as_recipient = true;
  }
  if (given.maxResends !== "") body.max_resends = Number(given.maxResends);
  if (given.provenance) body.provenance = true;
  if (given.rate !== "") body.records_per_second = Number(given.rate);
  if (given.stopAfter !== "") body.max_failures = Number(given.stopAfter);
  return body;
}

/**
 * The same as a dry run, as fast as it goes.
 * @param {JobRequest} spec
 * @returns {JobRequest}
 */
export function previewOf(spec) {
  const { name: _name, records_per_second: _rate, max_failures: _stop, ...asked } = spec;
  return { ...asked, dry_run: true };
}

/**
 * The same, allowed to resend what another job has resent, where the dry run has said so and the user has agreed.
 * @param {JobRequest} spec
 * @param {Pick<JobResponse, "overlaps">} preview
 * @returns {JobRequest}
 */
function again(spec, preview) {
  return preview.overlaps ? { ...spec, allow_duplicate: true } : spec;
}

/**
 * The same with the ends that the dry run had, so that what has come since is not resent unseen.
 * @param {JobRequest} asked
 * @param {JobResponse} preview
 * @returns {JobRequest}
 */
export function pinned(asked, preview) {
  const spec = again(asked, preview);
  // A range of times has ends of its own, and positions are what they are.
  if (spec.messages || spec.start_time !== undefined || !preview.selection?.spans) return spec;
  const { partitions: _all, ...rest } = spec;
  return { ...rest, offsets: preview.selection.spans };
}
