/** The view of jobs: the list, kept up to date as long as one looks at it, and beside it a job or the form. */

import { announce, byId, make, oneTabStop, problem, quoted } from "./dom.js";
import { localText, plural, utcText } from "./format.js";
import { JobForm } from "./job-form.js";
import { JobView } from "./job-view.js";
import { Bar, isKnown, isMoving, numbersLine, share, stateWord } from "./job-words.js";
import { UNASKED, toHash } from "./state.js";

const NEW = "new";
const PAGE = 50;
const MOST = 1000;
const MOVING_MS = 1000;
const STILL_MS = 5000;

/**
 * What a form begins with where one looks at a topic's records.
 * @param {import("./state.js").Route} route
 * @param {string} key that the records are filtered by, "" for none
 */
export function draftOf({ topic, mode, partition, offset, start, end }, key) {
  if (mode === "time" && start !== null && end !== null) return { topic, mode, partitions: partition, start, end, key };
  if (mode === "position") return { topic, mode: "offsets", offsets: `${partition || 0}:${offset || 0}-`, key };
  return { topic, mode: "all", partitions: partition, key };
}

export class Jobs {
  #go;
  #context;
  #view;
  #form;
  #entries = new Map();
  #opened = "";
  #draft = null;
  #filled = false;
  #limit = PAGE;
  #shown = false;
  #first = true;
  #timer;
  #asking = null;
  #refresh = oneTabStop(byId("job-list"), ".job-link");

  /**
   * @param {function(Object)} go goes to another route
   * @param {function(): Object} context api, where, route, and readOnly: whether the instance is
   */
  constructor(go, context) {
    this.#go = go;
    this.#context = context;
    this.#view = new JobView(
      () => go({ job: "" }),
      (job) => this.#changed(job),
    );
    this.#form = new JobForm(
      () => go({ job: "" }),
      (job) => go({ job: job.job_id }),
    );
    byId("job-make").addEventListener("click", () => go({ job: NEW }));
    byId("jobs-state").addEventListener("change", () => this.#look());
    byId("jobs-more").addEventListener("click", () => {
      this.#limit = Math.min(MOST, this.#limit + PAGE);
      this.#look();
    });
    document.addEventListener("visibilitychange", () => this.#shown && !document.hidden && this.#look());
  }

  /** Have the form begin with this when it is shown next. */
  propose(draft) {
    this.#draft = draft;
  }

  /** Show what the route says. */
  show(route) {
    const before = this.#opened;
    const entered = !this.#shown;
    this.#shown = true;
    this.#opened = route.job;
    byId("jobs").hidden = false;
    byId("work").classList.toggle("with-job", route.job !== "");
    if (route.job === NEW) {
      this.#view.hide();
      if (before !== NEW || entered || this.#draft) this.#openForm(route);
    } else {
      this.#form.hide();
      if (route.job === "") this.#view.hide();
      else if (route.job !== before || entered) this.#view.open(this.#around(), route.job);
    }
    this.#mark();
    if (route.job === "" && !entered && before !== "") this.#focusBack(before);
    else if (route.job === "" && entered) byId("jobs-title").focus({ preventScroll: true });
    this.#look();
  }

  /** One looks at something else now. */
  leave() {
    this.#shown = false;
    this.#asking?.abort();
    clearTimeout(this.#timer);
    this.#form.hide();
    this.#view.hide();
    byId("jobs").hidden = true;
    byId("work").classList.remove("with-job");
  }

  /** Forget everything: another instance, or nobody signed in. */
  clear() {
    this.leave();
    this.#draft = null;
    this.#filled = false;
    this.#first = true;
    this.#opened = "";
    this.#limit = PAGE;
    this.#entries.clear();
    byId("job-list").replaceChildren();
    byId("jobs-problem").replaceChildren();
    byId("jobs-note").textContent = "";
  }

  #openForm(route) {
    const draft = this.#draft ?? (this.#filled ? null : draftOf(route, ""));
    this.#draft = null;
    this.#filled = true;
    this.#form.open(this.#around(), draft);
  }

  /** What the parts need to know, addresses included. */
  #around() {
    const context = this.#context();
    const clean = { ...context.route, ...UNASKED, view: "records", job: "" };
    const record = (topic, partition, offset) => toHash({ ...clean, topic, record: `${partition}-${offset}` });
    return { ...context, record };
  }

  #focusBack(before) {
    const entry = this.#entries.get(before);
    (entry ? entry.link : byId("job-make")).focus();
  }

  #changed(job) {
    if (!this.#shown) return;
    if (job.job_id === this.#opened) {
      this.#view.show(job);
      this.#look();
    } else {
      this.#go({ job: job.job_id });
    }
  }

  /** Ask how things stand, show it, and have it asked again: soon where something moves. */
  async #look() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const { api, where } = this.#context();
    const id = this.#opened === NEW ? "" : this.#opened;
    const query = { state: byId("jobs-state").value, limit: this.#limit };
    const [list, job] = await Promise.allSettled([
      api.jobs(where, query, signal),
      id === "" ? null : api.job(where, id, signal),
    ]);
    if (signal.aborted) return;
    let moving = false;
    if (list.status === "fulfilled") {
      this.#draw(list.value);
      moving = list.value.jobs.some(isMoving);
    } else {
      byId("jobs-problem").replaceChildren(problem(list.reason));
    }
    if (job.status === "rejected") {
      this.#view.fail(job.reason);
    } else if (job.value !== null) {
      this.#view.show(job.value);
      moving ||= isMoving(job.value);
    }
    if (!document.hidden) this.#timer = setTimeout(() => this.#look(), moving ? MOVING_MS : STILL_MS);
  }

  #draw({ jobs, total }) {
    byId("jobs-problem").replaceChildren();
    const list = byId("job-list");
    const ids = new Set(jobs.map((job) => job.job_id));
    for (const [id, entry] of this.#entries) {
      if (ids.has(id)) continue;
      if (entry.element.contains(document.activeElement)) byId("jobs-title").focus();
      entry.element.remove();
      this.#entries.delete(id);
    }
    jobs.forEach((job, index) => {
      if (!this.#entries.has(job.job_id)) this.#entries.set(job.job_id, this.#entry(job));
      const entry = this.#entries.get(job.job_id);
      entry.update(job);
      // Those that stand right are left where they are: one that moves would lose the focus.
      if (list.children[index] !== entry.element) list.insertBefore(entry.element, list.children[index] ?? null);
    });
    this.#mark();
    const wanted = byId("jobs-state").value === "" ? "" : " of this kind";
    const words = jobs.length === 0 ? `No jobs${wanted}.` : `${plural(total, "job")}${wanted}, the newest first.`;
    byId("jobs-note").textContent = words;
    byId("jobs-more").hidden = jobs.length >= total || this.#limit >= MOST;
    if (this.#first) announce(words);
    this.#first = false;
  }

  #entry(job) {
    const { route } = this.#context();
    const bar = new Bar(`Progress of job ${job.job_id}`);
    const state = make("span", { class: "tag state" });
    const numbers = make("p", { class: "numbers" });
    const link = make(
      "a",
      { class: "job-link", href: toHash({ ...route, view: "jobs", job: job.job_id }) },
      isKnown(job) ? quoted(job.topic) : make("span", { class: "none" }, "not known"),
      " ",
      make("span", { class: "id" }, job.job_id),
    );
    const made = job.created_at ? make("time", { title: utcText(job.created_at) }, localText(job.created_at).slice(0, 19)) : "";
    const dry = job.dry_run ? make("span", { class: "tag" }, "dry run") : null;
    const element = make(
      "li",
      { class: "job-entry" },
      make("div", { class: "row" }, link, state, dry),
      bar.element,
      numbers,
      make("p", { class: "hint" }, made, ...(job.created_by ? [" by ", quoted(job.created_by)] : [])),
    );
    const update = (now) => {
      const words = numbersLine(now);
      if (state.textContent !== stateWord(now)) state.textContent = stateWord(now);
      state.dataset.state = now.state;
      if (numbers.textContent !== words) numbers.textContent = words;
      bar.show(share(now), now.state);
    };
    return { element, link, update };
  }

  #mark() {
    for (const [id, { link }] of this.#entries) {
      if (id === this.#opened) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.#refresh(this.#entries.get(this.#opened)?.link);
  }
}

/** Why there are no jobs here, in a few words; null if there are. */
export function whyNoJobs(instance) {
  if (instance.embedded) {
    return "Jobs need a real Kafka: run make up.";
  }
  if (!instance.actions.some((action) => action === "jobs" || action === "*")) {
    return "No jobs: your token lacks the action jobs.";
  }
  return null;
}
