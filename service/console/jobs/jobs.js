/** The view of jobs: the list, kept up to date as long as one looks at it, and beside it a job or the form. */

import { asError } from "../api/errors.js";
import { NEW_JOB, UNASKED, toHash } from "../app/address.js";
import { arrange } from "../app/layout.js";
import { apiOf, instanceOf, usedKey, whereOf } from "../app/state.js";
import { announce, byId, oneTabStop, problem } from "../page/dom.js";
import { plural } from "../page/format.js";
import { JobEntry } from "./job-entry.js";
import { JobForm } from "./job-form.js";
import { draftOf } from "./job-spec.js";
import { JobView } from "./job-view.js";
import { isMoving } from "./job-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 * @typedef {import("./job-spec.js").JobDraft} JobDraft
 * @typedef {import("../app/router.js").View} View
 */

/**
 * What the parts of the view work with.
 * @typedef {Object} JobContext
 * @property {import("../api/api.js").Api} api
 * @property {import("../api/api.js").Where} where
 * @property {boolean} readOnly whether the instance resends nothing
 * @property {readonly string[]} dialects in which dead letters may say where they came from
 * @property {(topic: string, partition: number, offset: bigint) => string} record the address of a record in this page
 */

const PAGE = 50;
const MOST = 1000;
const MOVING_MS = 1000;
const STILL_MS = 5000;

/** @implements {View} */
export class JobsView {
  #store;
  #go;
  #view;
  #form;
  #state = byId("jobs-state", HTMLSelectElement);
  /** @type {Map<string, JobEntry>} */
  #entries = new Map();
  #opened = "";
  /** @type {JobDraft|null} */
  #draft = null;
  #filled = false;
  #limit = PAGE;
  #shown = false;
  #first = true;
  #timer = 0;
  #asking = new AbortController();
  #refresh = oneTabStop(byId("job-list"), ".job-link");

  /**
   * @param {import("../app/state.js").Store} store
   * @param {import("../app/router.js").Go} go
   */
  constructor(store, go) {
    this.#store = store;
    this.#go = go;
    const close = () => go({ job: "" });
    this.#view = new JobView(close, (job) => this.#changed(job));
    this.#form = new JobForm(
      close,
      (job) => go({ job: job.job_id }),
      (key) => store.change(usedKey, key),
    );
    byId("job-make").addEventListener("click", () => go({ job: NEW_JOB }));
    this.#state.addEventListener("change", () => this.#look());
    byId("jobs-more").addEventListener("click", () => {
      this.#limit = Math.min(MOST, this.#limit + PAGE);
      this.#look();
    });
    document.addEventListener("visibilitychange", () => this.#shown && !document.hidden && this.#look());
  }

  /**
   * Go to the form that makes a job.
   * @param {JobDraft} draft what it is to begin with
   */
  propose(draft) {
    this.#draft = draft;
    this.#go({ view: "jobs", job: NEW_JOB });
  }

  /**
   * Have the form propose these topics.
   * @param {readonly string[]} names
   */
  offerTopics(names) {
    this.#form.offerTopics(names);
  }

  show() {
    const { job } = this.#store.state.route;
    const before = this.#opened;
    const entered = !this.#shown;
    this.#shown = true;
    this.#opened = job;
    byId("jobs").hidden = false;
    arrange("with-job", job !== "");
    if (job === NEW_JOB) {
      this.#view.hide();
      if (before !== NEW_JOB || entered || this.#draft) this.#openForm();
    } else {
      this.#form.hide();
      if (job === "") this.#view.hide();
      else if (job !== before || entered) this.#view.open(this.#context(), job);
    }
    this.#mark();
    if (job === "" && !entered && before !== "") this.#focusBack(before);
    else if (job === "" && entered) this.focus();
    this.#look();
  }

  leave() {
    this.#shown = false;
    this.#asking.abort();
    clearTimeout(this.#timer);
    this.#form.hide();
    this.#view.hide();
    byId("jobs").hidden = true;
    arrange("with-job", false);
  }

  clear() {
    this.leave();
    this.#draft = null;
    this.#filled = false;
    this.#first = true;
    this.#opened = "";
    this.#limit = PAGE;
    this.#entries.clear();
    this.offerTopics([]);
    byId("job-list").replaceChildren();
    byId("jobs-problem").replaceChildren();
    byId("jobs-note").textContent = "";
  }

  focus() {
    byId("jobs-title").focus({ preventScroll: true });
  }

  #openForm() {
    const draft = this.#draft ?? (this.#filled ? null : draftOf(this.#store.state.route));
    this.#draft = null;
    this.#filled = true;
    this.#form.open(this.#context(), draft);
  }

  /** @returns {JobContext} */
  #context() {
    const { state } = this.#store;
    const clean = { ...state.route, ...UNASKED, view: /** @type {const} */ ("records"), job: "" };
    return {
      api: apiOf(state),
      where: whereOf(state),
      readOnly: instanceOf(state)?.read_only ?? false,
      dialects: instanceOf(state)?.dialects ?? [],
      record: (topic, partition, offset) => toHash({ ...clean, topic, record: `${partition}-${offset}` }),
    };
  }

  /** @param {string} before the job that was open */
  #focusBack(before) {
    (this.#entries.get(before)?.link ?? byId("job-make")).focus();
  }

  /** @param {Job} job */
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
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const { state } = this.#store;
    const [api, where] = [apiOf(state), whereOf(state)];
    const id = this.#opened === NEW_JOB ? "" : this.#opened;
    const query = { state: this.#state.value, limit: this.#limit };
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
      byId("jobs-problem").replaceChildren(problem(asError(list.reason)));
    }
    if (job.status === "rejected") {
      this.#view.fail(asError(job.reason));
    } else if (job.value !== null) {
      this.#view.show(job.value);
      moving ||= isMoving(job.value);
    }
    if (!document.hidden) this.#timer = window.setTimeout(() => this.#look(), moving ? MOVING_MS : STILL_MS);
  }

  /** @param {import("../api/bodies.d.ts").JobsResponse} answer */
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
      const entry = this.#entries.get(job.job_id) ?? this.#enter(job);
      entry.show(job);
      // Those that stand right are left where they are: one that moves would lose the focus.
      if (list.children[index] !== entry.element) list.insertBefore(entry.element, list.children[index] ?? null);
    });
    this.#mark();
    const wanted = this.#state.value === "" ? "" : " of this kind";
    const words = jobs.length === 0 ? `No jobs${wanted}.` : `${plural(total, "job")}${wanted}, the newest first.`;
    byId("jobs-note").textContent = words;
    byId("jobs-more").hidden = jobs.length >= total || this.#limit >= MOST;
    if (this.#first) announce(words);
    this.#first = false;
  }

  /** @param {Job} job that the list does not have yet */
  #enter(job) {
    const entry = new JobEntry(job, toHash({ ...this.#store.state.route, view: "jobs", job: job.job_id }));
    this.#entries.set(job.job_id, entry);
    return entry;
  }

  #mark() {
    for (const [id, { link }] of this.#entries) {
      link.ariaCurrent = id === this.#opened ? "true" : null;
    }
    this.#refresh(this.#entries.get(this.#opened)?.link);
  }
}
