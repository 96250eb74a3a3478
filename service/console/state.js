/**
 * Where the user is, and how that is written into the address, so that a reload and a link lead to the same. It stands
 * behind the #, which no browser sends anywhere; the key to filter by is out of records, and goes where the link goes.
 */

/**
 * @typedef {Object} Route
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

/** @returns {Route} what an address says, with defaults for what it does not say or says wrongly. */
export function fromHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const route = { ...NOWHERE };
  for (const name of ["project", "instance", "topic", "key"]) route[name] = given.get(name) ?? "";
  if (given.get("view") === "jobs") route.view = "jobs";
  if (/^[\w-]{1,64}$/.test(given.get("job") ?? "")) route.job = given.get("job");
  if (MODES.includes(given.get("mode"))) route.mode = given.get("mode");
  for (const name of ["partition", "offset"]) {
    if (/^\d{1,19}$/.test(given.get(name) ?? "")) route[name] = given.get(name);
  }
  for (const name of ["start", "end"]) {
    if (/^\d{1,19}$/.test(given.get(name) ?? "")) route[name] = BigInt(given.get(name));
  }
  if (/^\d{1,10}-\d{1,19}$/.test(given.get("record") ?? "")) route.record = given.get("record");
  return route;
}

/** @param {Route} route */
export function toHash(route) {
  const written = new URLSearchParams();
  const used = {
    newest: ["partition"],
    time: ["partition", "start", "end"],
    position: ["partition", "offset"],
  }[route.mode];
  const jobs = route.view === "jobs" ? ["view", "job"] : [];
  const records = route.topic ? ["mode", ...used, "key", "record"] : [];
  for (const name of ["project", "instance", ...jobs, "topic", ...records]) {
    if (route[name] !== "" && route[name] !== null) written.set(name, route[name]);
  }
  return `#${written}`;
}

/** Whether two routes differ in any of these. */
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
