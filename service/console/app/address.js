/**
 * Where the user is, and how that is written into the address, so that a reload and a link lead to the same. It stands
 * behind the #, which no browser sends anywhere; what records are filtered by is out of records, and goes where the link goes.
 */

import { readFilter, writeFilter } from "../filter/filter.js";

/**
 * @typedef {"records"|"jobs"} ViewName
 * @typedef {"newest"|"time"|"position"} Mode
 */

/**
 * @typedef {Object} Route
 * @property {string} project
 * @property {string} instance
 * @property {ViewName} view
 * @property {string} job in the view of jobs, the one that is open; "new" for the form that makes one, "" for neither
 * @property {string} topic "" for none
 * @property {Mode} mode
 * @property {string} partition the one to look at, "" for all
 * @property {string} offset the first one to list, by position
 * @property {bigint|null} start by time: Unix ms, included
 * @property {bigint|null} end by time: Unix ms, not included
 * @property {string} filter which of these records, as JSON that filter.js has written; "" for all
 * @property {string} record the record that is open, as "partition-offset"; "" for none
 */

/** @type {readonly ViewName[]} the first is the one that an address need not name */
export const VIEWS = ["records", "jobs"];

/** @type {readonly Mode[]} */
const MODES = ["newest", "time", "position"];

/** In the place of a job, the form that makes one. */
export const NEW_JOB = "new";

/** @satisfies {Partial<Route>} What another topic begins with: nothing of what was asked of the one before. */
export const UNASKED = /** @type {const} */ ({
  mode: "newest", partition: "", offset: "", start: null, end: null, filter: "", record: "",
});

/** @type {Readonly<Route>} */
export const NOWHERE = { project: "", instance: "", view: "records", job: "", topic: "", ...UNASKED };

/**
 * The part of a route that says which records are listed.
 * @type {readonly (keyof Route)[]}
 */
export const LISTED = ["topic", "mode", "partition", "offset", "start", "end", "filter"];

/**
 * What an address says, with defaults for what it does not say or says wrongly.
 * @param {string} hash
 * @returns {Route}
 */
export function fromHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  /** @param {string} name */
  const text = (name) => given.get(name) ?? "";
  /**
   * @param {string} name
   * @param {RegExp} pattern
   */
  const matching = (name, pattern) => (pattern.test(text(name)) ? text(name) : "");
  /** @param {string} name */
  const moment = (name) => (/^\d{1,19}$/.test(text(name)) ? BigInt(text(name)) : null);
  return {
    project: text("project"),
    instance: text("instance"),
    view: VIEWS.find((view) => view === text("view")) ?? NOWHERE.view,
    job: matching("job", /^[\w-]{1,64}$/),
    topic: text("topic"),
    mode: MODES.find((mode) => mode === text("mode")) ?? NOWHERE.mode,
    partition: matching("partition", /^\d{1,19}$/),
    offset: matching("offset", /^\d{1,19}$/),
    start: moment("start"),
    end: moment("end"),
    filter: writeFilter(readFilter(text("filter"))),
    record: matching("record", /^\d{1,10}-\d{1,19}$/),
  };
}

/** @type {Record<Mode, (keyof Route)[]>} */
const USED = { newest: ["partition"], time: ["partition", "start", "end"], position: ["partition", "offset"] };

/**
 * The address of a route, as it stands behind the page's own, without what means nothing there.
 * @param {Route} route
 */
export function toHash(route) {
  const written = new URLSearchParams();
  /** @type {(keyof Route)[]} */
  const names = ["project", "instance"];
  if (route.view !== NOWHERE.view) names.push("view", "job");
  names.push("topic");
  if (route.topic) names.push("mode", ...USED[route.mode], "filter", "record");
  for (const name of names) {
    const value = route[name];
    if (value !== "" && value !== null) written.set(name, String(value));
  }
  return `#${written}`;
}

/**
 * Whether two routes differ in any of these.
 * @param {Route} one
 * @param {Route} other
 * @param {readonly (keyof Route)[]} names
 */
export const differ = (one, other, names) => names.some((name) => one[name] !== other[name]);
