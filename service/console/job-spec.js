/** What the form says, as the body of a request for a job. What cannot be read throws a FieldError. */

export const MOST_POSITIONS = 10_000;
const MOST_PARTITIONS = 10_000;

/** A field whose text is not as it must be. */
export class FieldError extends Error {
  /** @param {string} field the id of the field */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/** "0, 2-4" -> [0, 2, 3, 4]; undefined for no text. */
export function parsePartitions(text) {
  if (text.trim() === "") return undefined;
  const found = new Set();
  for (const part of text.split(/[\s,]+/).filter(Boolean)) {
    const [, first, last = first] = /^(\d{1,9})(?:[-–](\d{1,9}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || last - first >= MOST_PARTITIONS) {
      throw new FieldError("job-partitions", `“${part}” is neither a partition nor a range of them: write 0, 2-4.`);
    }
    for (let partition = Number(first); partition <= Number(last); partition += 1) found.add(partition);
  }
  return [...found].sort((one, other) => one - other);
}

/** "0:5-100, 1:7-" -> offsets from 5 up to, not including, 100 of partition 0, and from 7 on of partition 1. */
export function parseOffsets(text) {
  const found = text.split(/[\s,]+/).filter(Boolean).map((part) => {
    const [, partition, start, end] = /^(\d{1,9}):(\d{1,19})[-–](\d{0,19})$/.exec(part) ?? [];
    if (partition === undefined) {
      throw new FieldError("job-offsets", `“${part}” is not partition:start-end, as in 0:5-100, or 0:5- up to the end.`);
    }
    return { partition: Number(partition), start: BigInt(start), end: end === "" ? null : BigInt(end) };
  });
  if (found.length === 0) throw new FieldError("job-offsets", "Say which offsets: 0:5-100, or 0:5- up to the end.");
  return found;
}

/** The positions of records. */
export const positionsOf = (records) =>
  records.map((record) => ({ partition: record.partition, message_offset: record.message_offset }));

/**
 * @param {Object} given what is in the form, as text where it is typed
 * @returns {Object} the body, without what was left open
 */
export function specOf(given) {
  const body = { topic: given.topic };
  if (given.mode === "selected") body.messages = given.positions;
  else if (given.mode === "offsets") body.offsets = parseOffsets(given.offsets);
  else body.partitions = parsePartitions(given.partitions);
  if (given.mode === "time") {
    if (!(given.start < given.end)) throw new FieldError("job-end", "“From” must be before “To”.");
    Object.assign(body, { start_time: given.start, end_time: given.end });
  }
  const filter = {};
  if (given.key !== "") filter.key = given.key;
  if (given.headers.length) filter.headers = given.headers;
  if (given.jmespath.trim() !== "") filter.jmespath = given.jmespath;
  if (given.includeResent) filter.include_resent = true;
  if (Object.keys(filter).length) body.filter = filter;
  if (given.consumerKey !== "") body.consumer_key = given.consumerKey;
  if (given.target !== "") body.target = { dialect: given.target, remove_headers: given.removeHeaders };
  if (given.rate !== "") body.records_per_second = Number(given.rate);
  if (given.stopAfter !== "") body.max_failures = Number(given.stopAfter);
  return body;
}

/** The same as a dry run, as fast as it goes. */
export function previewOf(spec) {
  const { records_per_second: _rate, max_failures: _stop, ...asked } = spec;
  return { ...asked, dry_run: true };
}

/** The same with the ends that the dry run had, so that what has come since is not resent unseen. */
export function pinned(spec, preview) {
  // A range of times has ends of its own, and positions are what they are.
  if (spec.messages || spec.start_time !== undefined || !preview.selection?.spans) return spec;
  const { partitions: _all, ...asked } = spec;
  return { ...asked, offsets: preview.selection.spans };
}
