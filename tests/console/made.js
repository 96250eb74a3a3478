/** Answers of the API as the tests need them. */

/**
 * @typedef {import("../../service/console/api/bodies.d.ts").CallerInstance} CallerInstance
 * @typedef {import("../../service/console/api/bodies.d.ts").JobResponse} Job
 * @typedef {import("../../service/console/api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../../service/console/api/bodies.d.ts").MessagesResponse} Page
 */

/**
 * An instance where everything may be done.
 * @param {string} id
 * @param {Partial<CallerInstance>} differences
 * @returns {CallerInstance}
 */
export const instance = (id, differences = {}) => ({
  instance_id: id, state: "ready", reason: null, embedded: false, read_only: false, actions: ["*"], dialects: ["auto"],
  ...differences,
});

/** @param {...CallerInstance} instances */
export const callerOf = (...instances) => ({ name: "me", project: "p", instances });

/**
 * A record with a small text.
 * @param {Partial<Message>} differences
 * @returns {Message}
 */
export const message = (differences = {}) => ({
  topic: "orders", partition: 0, message_offset: 0n, timestamp: 1_750_000_000_000n, timestamp_type: "CreateTime",
  key: "k", key_encoding: "utf-8", size: 2, value_size: 1, message_id: "0-0", app_id: "", tag: "", huge_message: false,
  consumer_key: null, consumer_key_encoding: "utf-8", has_consumer_key: false, ...differences,
});

const COUNTS = {
  selected: 100, scanned: 50, outside_time_range: 0, already_resent: 0, not_matched: 0, not_json: 0, not_evaluated: 0,
  matched: 50, resent: 50, failed: 0, expired: 0,
};

/**
 * A job that has done half of what it is to do.
 * @param {Partial<Omit<Job, "counts">> & {counts?: Partial<Job["counts"]>}} differences
 * @returns {Job}
 */
export const job = ({ counts, ...differences } = {}) => ({
  job_id: "0-1", state: "running", topic: "orders", project_id: "p", created_by: "me", created_at: 1_750_000_000_000,
  started_at: null, updated_at: null, ended_at: null, dry_run: false,
  selection: { spans: [{ partition: 0, start: 0n, end: 100n }] },
  filter: { key: null, headers: [], jmespath: null, include_resent: false },
  records_per_second: null, max_failures: null, counts: { ...COUNTS, ...counts },
  progress: [{ partition: 0, next_offset: 50n, end_offset: 100n }], rate: 0, scan_rate: 0, eta_seconds: null, reason: null,
  cancel_requested: false, unsupported_reason: null, waits_for: null, ...differences,
});

const SCAN_COUNTS = {
  scanned: 0, outside_time_range: 0, already_resent: 0, not_matched: 0, not_json: 0, not_evaluated: 0, matched: 0,
};

/**
 * A page of a search, without records.
 * @param {Partial<Omit<Page["scan"], "counts">> & {counts?: Partial<Page["scan"]["counts"]>}} scan
 * @param {string|null} cursor
 * @param {number} total
 * @returns {Page}
 */
export const page = ({ counts, ...scan }, cursor = "c", total = 0) => ({
  messages: [], total, total_relation: "upper_bound", size: 0, cursor,
  scan: {
    records: 10, bytes: 100, milliseconds: 1, reached_time: null, left: 0, complete: cursor === null, stopped_by: null,
    first_not_evaluated: null, hint: null, ...scan, counts: { ...SCAN_COUNTS, ...counts },
  },
});
