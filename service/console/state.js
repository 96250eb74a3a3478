/**
 * Where the user is, and how that is written into the address, so that a reload and a link lead to the same. It stands
 * behind the #, which no browser sends anywhere; the key to filter by is out of records, and goes where the link goes.
 */

/**
 * @typedef {Object} Place
 * @property {string} project
 * @property {string} instance
 * @property {"records"|"jobs"} view
 * @property {string} job in the view of jobs, the one that is open; "new" for the form that makes one, "" for neither
 * @property {string} topic "" for none
 * @property {"newest"|"time"|"position"} mode
 * @property {string} partition the one to look at, "" for all
 * @property {string} offset the first one to list, by position
 * @property {bigint|null} start by time: Unix ms, included
 * @property {bigint|null} end by time: Unix ms, not included
 * @property {string} key the only key to list, "" for all
 * @property {string} record the record that is open, as "partition-offset"; "" for none
 */

export const MODES = ["newest", "time", "position"];

const NOWHERE = {
  project: "", instance: "", view: "records", job: "",
  topic: "", mode: "newest", partition: "", offset: "", start: null, end: null, key: "", record: "",
};

/** What another topic begins with: nothing of what was asked of the one before. */
export const UNASKED = { mode: "newest", partition: "", offset: "", start: null, end: null, key: "", record: "" };

/** @returns {Place} what an address says, with defaults for what it does not say or says wrongly. */
export function fromHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const place = { ...NOWHERE };
  for (const name of ["project", "instance", "topic", "key"]) place[name] = given.get(name) ?? "";
  if (given.get("view") === "jobs") place.view = "jobs";
  if (/^[\w-]{1,64}$/.test(given.get("job") ?? "")) place.job = given.get("job");
  if (MODES.includes(given.get("mode"))) place.mode = given.get("mode");
  for (const name of ["partition", "offset"]) {
    if (/^\d{1,19}$/.test(given.get(name) ?? "")) place[name] = given.get(name);
  }
  for (const name of ["start", "end"]) {
    if (/^\d{1,19}$/.test(given.get(name) ?? "")) place[name] = BigInt(given.get(name));
  }
  if (/^\d{1,10}-\d{1,19}$/.test(given.get("record") ?? "")) place.record = given.get("record");
  return place;
}

/** @param {Place} place */
export function toHash(place) {
  const written = new URLSearchParams();
  const used = {
    newest: ["partition"],
    time: ["partition", "start", "end"],
    position: ["partition", "offset"],
  }[place.mode];
  const jobs = place.view === "jobs" ? ["view", "job"] : [];
  const records = place.topic ? ["mode", ...used, "key", "record"] : [];
  for (const name of ["project", "instance", ...jobs, "topic", ...records]) {
    if (place[name] !== "" && place[name] !== null) written.set(name, place[name]);
  }
  return `#${written}`;
}

/** Whether two places differ in any of these. */
export const differ = (one, other, names) => names.some((name) => one[name] !== other[name]);

export const VIEW = ["topic", "mode", "partition", "offset", "start", "end", "key"];

const recent = [];

/** The consumer_keys used last, newest first; in memory only. */
export const recentKeys = () => [...recent];

export function rememberKey(key) {
  if (key === "") return;
  const at = recent.indexOf(key);
  if (at !== -1) recent.splice(at, 1);
  recent.unshift(key);
  recent.length = Math.min(recent.length, 10);
}
