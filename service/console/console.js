/** The console: signs in, follows the address, and lets the parts of the page show what it says. */

import { Api } from "./api.js";
import { Chart } from "./chart.js";
import { announce, byId, make, problem, quoted } from "./dom.js";
import { bytes, earlier, later, number, plural, present } from "./format.js";
import { Jobs, draftOf, whyNoJobs } from "./jobs.js";
import { RecordPanel } from "./record.js";
import { resendOne, Several } from "./resend.js";
import { Search } from "./search.js";
import { forgetToken, keepToken, keptToken } from "./session.js";
import { UNASKED, VIEW, differ, fromHash, toHash } from "./state.js";
import { RecordTable, idOf } from "./table.js";
import { Topics, showTopic } from "./topics.js";

const PREVIEW_CHARACTERS = 160;
const DAY_MS = 86_400_000n;
// The last time that a record can have.
const LAST_MS = 2n ** 63n - 1n;
// Open access takes any token: there, nobody need type one.
const ANY_TOKEN = "console";
const FORBIDDEN = 403;

let api = null;
let caller = null;
let route = fromHash("");
// What the view of records shows, which stays as it is while one looks at jobs.
let drawn = fromHash("");
let topic = null;
let page = null;
let listing = null;

const where = () => ({ project: route.project, instance: route.instance });
const instance = () => caller?.instances.find((each) => each.instance_id === route.instance) ?? null;
const may = (action) => instance()?.actions.some((each) => each === action || each === "*") ?? false;

const topics = new Topics((name) => go({ ...UNASKED, topic: name }));
const table = new RecordTable((record) => go({ record: idOf(record) }), showTicked);
const search = new Search((asked) => go({ ...asked, record: "" }, true));
const chart = new Chart((start, end) => go({ mode: "time", start, end, key: search.key, record: "" }, true));
const several = new Several((ids) => table.deselect(ids));
const jobs = new Jobs(go, () => ({ api, where: where(), route, readOnly: instance()?.read_only ?? false }));
const panel = new RecordPanel(closeRecord, (record, key) => resendOne(context(), record, key));

function context() {
  return {
    api,
    where: where(),
    topic: route.topic,
    refusal: refusal(),
    address: (record) => toHash({ ...route, record }),
  };
}

/** Why records of the topic cannot be resent from here; null if they can, as far as is known. */
function refusal() {
  if (!may("resend")) return "Your token may look at records here, not resend them.";
  if (topic && !topic.resend_allowed) return topic.resend_refusal?.error_msg ?? "This topic's records are not resent.";
  return null;
}

// Where one is, and going elsewhere.

/** Go to another route; again, with `force`, to the one that is there already. */
function go(change, force = false) {
  const next = { ...route, ...change };
  const hash = toHash(next);
  if (hash !== location.hash) history.pushState(null, "", hash);
  return arrive(next, force);
}

async function arrive(next, force = false) {
  const before = route;
  route = next;
  if (differ(before, route, ["project"])) return enterProject();
  if (differ(before, route, ["instance"])) return enterInstance();
  if (route.view === "jobs" && noJobs() !== null) route = { ...route, view: "records", job: "" };
  showViews();
  if (route.view === "jobs") return jobs.show(route);
  jobs.leave();
  return showRecords(force);
}

async function showRecords(force) {
  const before = drawn;
  topics.mark(route.topic);
  if (route.topic === "") return leaveTopic();
  drawn = route;
  const moved = differ(before, route, ["topic"]);
  if (moved && !(await enterTopic())) return undefined;
  if (force || differ(before, route, VIEW)) list();
  if (force || moved || differ(before, route, ["record"])) showRecord(before.record);
  return undefined;
}

/** Why there are no jobs where one is; null if there are. */
const noJobs = () => (instance() ? whyNoJobs(instance()) : "");

function showViews() {
  const inJobs = route.view === "jobs";
  const why = noJobs();
  byId("work").classList.toggle("in-jobs", inJobs);
  byId("view-jobs").hidden = why !== null;
  byId("no-jobs").hidden = why === null;
  byId("no-jobs").textContent = why ?? "";
  for (const button of document.querySelectorAll("[data-jobs]")) button.hidden = why !== null;
  for (const [id, view, current] of [["view-records", "records", !inJobs], ["view-jobs", "jobs", inJobs]]) {
    byId(id).href = toHash({ ...route, view, job: "" });
    if (current) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
}

/** Go to the form that makes a job, which begins with what was chosen here. */
function proposeJob(draft) {
  jobs.propose(draft);
  return go({ view: "jobs", job: "new" });
}

async function enterProject() {
  byId("project").value = route.project;
  try {
    caller = await api.caller(route.project);
  } catch (error) {
    caller = { ...caller, instances: [] };
    byId("banners").replaceChildren(problem(error));
  }
  return enterInstance();
}

async function enterInstance() {
  const known = caller.instances.map((each) => each.instance_id);
  byId("instance").replaceChildren(...known.map((id) => make("option", { value: id }, id)));
  const asked = route;
  if (!known.includes(route.instance)) {
    const elsewhere = route.instance !== "" ? { topic: "", record: "" } : {};
    route = { ...route, instance: known[0] ?? "", ...elsewhere };
  }
  byId("instance").value = route.instance;
  history.replaceState(null, "", toHash(route));
  showBanners(asked.instance !== "" && asked.instance !== route.instance ? asked.instance : null);
  leaveTopic();
  topics.clear();
  jobs.clear();
  showViews();
  const entered = route;
  if (may("read")) {
    await topics.open(api, where());
    byId("job-topics").replaceChildren(...topics.names.map((name) => make("option", { value: name })));
  }
  // Meanwhile the user may have gone elsewhere.
  if (route !== entered || known.length === 0) return;
  const only = topics.names.length === 1 ? topics.names[0] : "";
  const next = { ...entered, topic: entered.topic || only };
  history.replaceState(null, "", toHash(next));
  await arrive(next);
}

function leaveTopic() {
  topic = null;
  drawn = { ...drawn, topic: "" };
  page?.abort();
  panel.hide();
  table.clear();
  byId("topic").hidden = true;
  byId("no-topic").hidden = !may("read");
  byId("work").classList.remove("with-topic");
}

/** Show the head of the topic; false when the user has continued meanwhile. */
async function enterTopic() {
  const { topic: name } = route;
  page?.abort();
  table.clear();
  panel.hide();
  chart.say("");
  byId("count").textContent = "";
  byId("records-problem").replaceChildren();
  byId("topic").hidden = false;
  byId("no-topic").hidden = true;
  byId("work").classList.add("with-topic");
  unfoldTopics(false);
  topic = null;
  showTopic(name, null);
  topic = await topics.find(name).catch(() => null);
  if (drawn.topic !== name) return false;
  showTopic(name, topic);
  return true;
}

// Records.

/** List the records of the route, from the first page on. */
function list() {
  search.show(route);
  table.clear();
  chart.say("");
  const { mode, partition, offset, start, end, key } = route;
  const query = { topic: route.topic, partition, key, limit: search.limit, preview: PREVIEW_CHARACTERS };
  if (mode === "time") Object.assign(query, { start_time: start, end_time: end });
  if (mode === "position") Object.assign(query, { partition: partition || "0", start_offset: offset || "0" });
  listing = { query, cursor: null, total: 0, relation: "exact" };
  if (mode === "time") drawChart(start, end);
  return load();
}

async function load() {
  page?.abort();
  page = new AbortController();
  const { signal } = page;
  const first = listing.cursor === null;
  byId("records-problem").replaceChildren();
  byId("count").textContent = "Reading …";
  byId("more").hidden = true;
  byId("table-region").setAttribute("aria-busy", "true");
  try {
    let found;
    do {
      found = await api.messages(where(), { ...listing.query, cursor: listing.cursor }, signal);
      listing.cursor = found.cursor;
      // A page on the way may be empty; a search that was stopped continues only when the user says so.
    } while (found.messages.length === 0 && found.cursor !== null && !isBounded(found.scan));
    table.append(found.messages);
    if (first) Object.assign(listing, { total: found.total, relation: found.total_relation });
    tellCount(found.scan);
    if (first && route.mode !== "time") drawSpan();
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("count").textContent = "";
    byId("records-problem").replaceChildren(problem(error));
    byId("more").hidden = listing.cursor === null;
  } finally {
    if (!signal.aborted) byId("table-region").removeAttribute("aria-busy");
  }
}

/** Whether a search read as much as one may, and there is more. */
const isBounded = (scan) => scan.stopped_by === "records" || scan.stopped_by === "seconds";

function tellCount(scan) {
  const count = table.records.length;
  const more = byId("more");
  const { cursor, total, relation } = listing;
  let words = `${plural(count, "record")}.`;
  if (cursor === null) words = count === 0 ? "No records." : `${plural(count, "record")} (complete)`;
  else if (total > count) words = `${number(count)} of ${relation === "exact" ? "" : "at most "}${plural(total, "record")}.`;
  const bounded = isBounded(scan);
  if (bounded) {
    const seconds = (scan.milliseconds / 1000).toFixed(1);
    words += ` One search reads no more: it looked at ${plural(scan.records, "record")} in ${seconds} s.`;
  }
  more.hidden = cursor === null;
  more.textContent = bounded ? "Continue the search" : `Load ${search.limit} more`;
  byId("count").textContent = words;
  announce(words);
}

/**
 * Draw the chart of the time that the listed records span.
 *
 * A single time far in the future, such as one in microseconds, would press all others into one bar: it is left out where
 * there are others.
 */
function drawSpan() {
  const all = table.records.map((record) => record.timestamp).filter((timestamp) => timestamp !== null);
  const tomorrow = present() + DAY_MS;
  const usual = all.filter((timestamp) => timestamp < tomorrow);
  const times = usual.length > 0 ? usual : all;
  if (times.length === 0) return;
  const start = times.reduce(earlier);
  const end = earlier(later(times.reduce(later) + 1n, start + 1000n), LAST_MS);
  const left = all.length - times.length;
  drawChart(start, end, left ? `Not in the chart: ${plural(left, "listed record")} with a time after tomorrow.` : "");
}

function drawChart(start, end, note = "") {
  if (instance().embedded) {
    chart.say("No chart of records over time: a broker in memory has no look-up by time.");
    return;
  }
  if (start === null || end === null || start >= end) return;
  chart.show(api, where(), { topic: route.topic, partition: route.partition, start_time: start, end_time: end }, note);
}

function showRecord(before) {
  if (route.record === "") {
    panel.hide();
    table.mark("");
    if (before && !table.focusRecord(before)) byId("topic-name").focus();
    return;
  }
  table.mark(route.record);
  const [partition, offset] = route.record.split("-");
  panel.show(context(), partition, offset);
}

function closeRecord() {
  go({ record: "" });
}

function showTicked() {
  const { length } = table.selected;
  byId("selected").hidden = length === 0;
  byId("selected-count").textContent = `${number(length)} selected, ${bytes(table.selected.reduce((sum, { size }) => sum + size, 0))}`;
  byId("selected-resend").disabled = refusal() !== null;
}

// What holds for the whole page.

/** @param {string|null} missing the instance that was asked for, where it is not among those open to the caller */
function showBanners(missing) {
  const here = instance();
  const say = (kind, ...words) => make("p", { class: `notice ${kind}` }, ...words);
  const said = [];
  if (caller.instances.length === 0) said.push(say("warn", "No instance is available to you in this project: check its name, or ask for a grant."));
  if (missing !== null) said.push(say("warn", "This instance is not available to you: ", quoted(missing)));
  if (here && here.state !== "ready") said.push(say("bad", `This instance is ${here.state}: ${here.reason ?? "no reason is known"}.`));
  if (here && !may("read")) said.push(say("warn", "Your token may not look at records here: it lacks the action read."));
  if (here?.read_only) said.push(say("warn", "This instance is read-only: its operator has switched off all resends."));
  if (here?.embedded) said.push(say("", "A broker in memory: nothing is kept. Records, and copies too, end with the service."));
  byId("banners").replaceChildren(...said);
}

function unfoldTopics(unfolded) {
  byId("work").classList.toggle("topics-unfolded", unfolded);
  byId("topics-toggle").setAttribute("aria-expanded", String(unfolded));
  if (unfolded) byId("topic-search").focus();
}

/**
 * Sign in with a token, and go where the address says; the service's error is thrown if it does not know the token.
 * @param {boolean} keep whether the tab keeps the token until it is closed
 */
async function signIn(token, keep = false) {
  const asking = new Api(token);
  const wanted = fromHash(location.hash);
  caller = await asking.caller(wanted.project || undefined);
  api = asking;
  if (keep) keepToken(token);
  byId("token").value = "";
  byId("sign-in-problem").replaceChildren();
  byId("sign-in").hidden = true;
  byId("console").hidden = false;
  byId("who").textContent = caller.name;
  byId("project").value = caller.project;
  route = { ...wanted, project: caller.project, instance: wanted.instance || (caller.instances[0]?.instance_id ?? "") };
  await enterInstance();
}

function signOut() {
  forgetToken();
  api = null;
  caller = { instances: [] };
  route = fromHash("");
  leaveTopic();
  topics.clear();
  jobs.clear();
  byId("banners").replaceChildren();
  history.replaceState(null, "", location.pathname);
  askForToken();
}

/** The error in words for a user who signs in: the API's own are those of any refused request. */
function signInError(error) {
  if (error.status === FORBIDDEN) error.message = "This token was not accepted. Check for typos or expiry.";
  return error;
}

/** Put the focus where the page begins; nothing is scrolled away from there, however long a list is. */
function focusStart() {
  const title = route.topic === "" ? "topics-title" : "topic-name";
  byId(route.view === "jobs" ? "jobs-title" : title).focus({ preventScroll: true });
}

function askForToken() {
  byId("console").hidden = true;
  byId("sign-in").hidden = false;
  byId("token").focus();
}

byId("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token").value;
  // No header could carry it.
  if (/[^\x20-\x7e]/.test(token)) {
    byId("sign-in-problem").replaceChildren(problem(new Error("A token has only letters, digits and signs of ASCII.")));
    return;
  }
  try {
    await signIn(token, byId("keep").checked);
    // Unless the user has gone elsewhere meanwhile.
    if (document.activeElement === document.body) focusStart();
  } catch (error) {
    byId("sign-in-problem").replaceChildren(problem(signInError(error)));
    byId("token").select();
  }
});
byId("sign-out").addEventListener("click", signOut);
byId("where").addEventListener("submit", (event) => event.preventDefault());
byId("project").addEventListener("change", (event) => go({ ...UNASKED, project: event.target.value, topic: "", job: "" }));
byId("instance").addEventListener("change", (event) => go({ ...UNASKED, instance: event.target.value, topic: "", job: "" }));
byId("more").addEventListener("click", load);
byId("selected-clear").addEventListener("click", () => table.deselect(table.selected.map(idOf)));
byId("selected-resend").addEventListener("click", () => several.open(context(), table.selected));
byId("selected-job").addEventListener("click", () =>
  proposeJob({ topic: route.topic, mode: "selected", records: table.selected }),
);
byId("all-job").addEventListener("click", () => proposeJob(draftOf(route, search.key)));
byId("topics-toggle").addEventListener("click", (event) =>
  unfoldTopics(event.target.getAttribute("aria-expanded") !== "true"),
);
addEventListener("popstate", () => {
  if (api === null) return;
  const asked = fromHash(location.hash);
  arrive({ ...asked, project: asked.project || route.project, instance: asked.instance || route.instance });
});

const kept = keptToken();
// Where a token is wanted, an attempt without one would be a refusal in the log at every visit.
if (kept === null && document.documentElement.dataset.access !== "anonymous") askForToken();
else {
  try {
    await signIn(kept ?? ANY_TOKEN);
  } catch (error) {
    askForToken();
    if (kept !== null) byId("sign-in-problem").replaceChildren(problem(signInError(error)));
    // Without an answer, or with one of "not now", it may still be the right one.
    if (error.status === FORBIDDEN) forgetToken();
  }
}
