/** The preview of a job: a dry run that says what would be resent, and the start of what was previewed. */

import { asError, mayBeWritten } from "../api/errors.js";
import { filterProblems } from "../filter/filter-words.js";
import { confirmed } from "../page/confirm.js";
import { announce, byId, make, problem, quoted } from "../page/dom.js";
import { plural, present, span } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { readersFold } from "../resend/readers.js";
import { willWrite } from "./job-facts.js";
import { refusedNodes, reportNodes } from "./job-report.js";
import { pinned, previewOf } from "./job-spec.js";
import { isOver, numbersLine, share } from "./job-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobRequest} Spec
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 * @typedef {import("../api/bodies.d.ts").ReportItem} Report
 * @typedef {import("./jobs.js").JobContext} JobContext
 */

const LOOK_MS = 400;
const LONELY_MS = 5000;

export class JobPreview {
  #section = byId("job-preview");
  #look = byId("job-look", HTMLButtonElement);
  #stop = byId("job-stop");
  #started;
  #used;
  /** Of the preview that runs or is there; another number means that it no longer counts. */
  #round = 0;
  /** @type {{context: JobContext, id: string}|null} */
  #running = null;

  /**
   * @param {(job: Job) => void} started called with the job that was made
   * @param {(key: string) => void} used called with the consumer_key of a job that was made, "" for none
   */
  constructor(started, used) {
    this.#started = started;
    this.#used = used;
    this.#stop.addEventListener("click", () => {
      this.forget();
      announce("The preview was stopped.");
    });
  }

  /** Drop the preview, and end the dry run if one is under way. */
  forget() {
    this.#round += 1;
    this.#section.replaceChildren();
    this.#looking(false);
    if (this.#running === null) return;
    const { context, id } = this.#running;
    this.#running = null;
    cancel(context, id);
  }

  /**
   * Make a dry run, and show what it finds.
   * @param {JobContext} context
   * @param {Spec} spec
   */
  async look(context, spec) {
    this.forget();
    const round = this.#round;
    const bar = new Bar("Progress of the preview");
    const numbers = make("p", { class: "hint" }, "Asking …");
    this.#section.replaceChildren(make("h3", {}, "Preview"), bar.element, numbers);
    this.#looking(true);
    try {
      const made = await context.api.makeJob(context.where, previewOf(spec));
      if (round !== this.#round) {
        cancel(context, made.job_id);
        return;
      }
      this.#running = { context, id: made.job_id };
      const job = await this.#watch(context, made, bar, numbers);
      if (job === null) return;
      this.#running = null;
      this.#showFound(context, spec, job);
    } catch (error) {
      if (round !== this.#round) return;
      this.#running = null;
      this.#section.replaceChildren(problem(asError(error), { role: "alert" }));
    }
    this.#looking(false);
  }

  /**
   * Show how far the dry run is until it is over; resolves with null when it no longer counts.
   * @param {JobContext} context
   * @param {Job} made
   * @param {Bar} bar
   * @param {HTMLElement} numbers
   */
  async #watch({ api, where }, made, bar, numbers) {
    const round = this.#round;
    const since = Date.now();
    let job = made;
    while (!isOver(job)) {
      bar.show(share(job), job.state);
      numbers.textContent = numbersLine(job);
      if (job.state === "pending" && Date.now() - since > LONELY_MS) {
        numbers.textContent = "No worker has taken it up yet. Does one run? (kafka-resend worker)";
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (round !== this.#round) return null;
      job = await api.job(where, job.job_id);
      if (round !== this.#round) return null;
    }
    return job;
  }

  /** @param {boolean} looking */
  #looking(looking) {
    const focused = document.activeElement;
    this.#stop.hidden = !looking;
    this.#look.disabled = looking;
    // The one that had the focus cannot have it any more.
    if (looking && focused === this.#look) this.#stop.focus();
    if (!looking && focused === this.#stop) this.#look.focus();
  }

  /**
   * @param {JobContext} context
   * @param {Spec} spec
   * @param {Job} job
   */
  #showFound(context, spec, job) {
    const title = make("h3", { tabindex: -1 }, "Preview");
    const { report } = job;
    if (job.state !== "succeeded" || !report) {
      const why = job.state === "failed" ? [": ", quoted(job.reason ?? "no reason is known")] : ["."];
      const words = [`The preview ${job.state === "failed" ? "failed" : "was cancelled"}`, ...why];
      this.#section.replaceChildren(title, make("p", { class: "notice bad", role: "alert" }, ...words));
      return;
    }
    const address = (/** @type {number} */ partition, /** @type {bigint} */ offset) =>
      context.record(spec.topic, partition, offset);
    this.#section.replaceChildren(title, ...reportNodes(report, address), ...filterProblems(job));
    if (job.counts.expired) {
      const words = `${plural(job.counts.expired, "offset")} of these are no longer in the topic.`;
      this.#section.append(make("p", { class: "hint" }, words));
    }
    if (job.counts.failed) this.#section.append(refusedNodes(job, address));
    announce(`Preview: ${plural(report.would_resend, "record")} would be resent.`);
    if (report.would_resend > 0) this.#offerStart(context, spec, job, report);
    title.focus({ preventScroll: true });
    this.#section.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {JobContext} context
   * @param {Spec} spec
   * @param {Job} preview
   * @param {Report} report
   */
  #offerStart(context, spec, preview, report) {
    const said = make("div", { class: "said", role: "status" });
    const start = make("button", { type: "button", class: "main", disabled: context.readOnly }, "Start …");
    start.addEventListener("click", async () => {
      const round = this.#round;
      const question = { title: "Start this job?", body: startWords(context, spec, report, preview), yes: "Start" };
      if (!(await confirmed(question)) || round !== this.#round) return;
      start.disabled = true;
      try {
        const job = await context.api.makeJob(context.where, pinned(spec, preview));
        this.#used(spec.consumer_key ?? "");
        announce("The job was accepted.");
        if (round === this.#round) this.#started(job);
      } catch (error) {
        said.replaceChildren(problem(asError(error)));
        if (mayBeWritten(error)) {
          const words = "Whether the job was accepted is not known: see whether the list has it before you start it again.";
          said.append(make("p", { class: "notice warn" }, words));
        }
        start.disabled = false;
        start.focus();
      }
    });
    const will = make("p", { class: "notice warn" }, ...willWrite(spec, report));
    if (preview.overlaps) this.#section.append(make("p", { class: "notice warn" }, ...overlapWords(preview.overlaps)));
    this.#section.append(will, make("div", { class: "row" }, start), said);
  }
}

/**
 * Nobody waits for the dry run; it writes nothing, and ends by itself if this fails.
 * @param {JobContext} context
 * @param {string} id
 */
function cancel({ api, where }, id) {
  api.actOnJob(where, id, "cancel").catch(() => undefined);
}

/**
 * That another job has resent some of the records.
 * @param {string} id of that job
 */
const overlapWords = (id) => [
  "Job ", make("code", {}, id), " has resent records of these for the same recipient, or is about to: they will be resent again.",
];

/**
 * What is to be known before a job is started.
 * @param {JobContext} context
 * @param {Spec} spec
 * @param {Report} report
 * @param {Job} preview
 */
function startWords(context, spec, report, preview) {
  /** @type {HTMLElement[]} */
  const body = [make("p", {}, ...willWrite(spec, report))];
  if (preview.overlaps) body.push(make("p", { class: "notice warn" }, ...overlapWords(preview.overlaps)));
  if (spec.end_time && spec.end_time > present()) {
    body.push(make("p", {}, "So will those that come until you start: the time ends later."));
  }
  if (spec.records_per_second) {
    const ms = (report.would_resend / spec.records_per_second) * 1000;
    body.push(make("p", {}, `At ${spec.records_per_second} a second this takes ${span(ms)} at least.`));
  }
  body.push(make("p", {}, "The records themselves stay as they are."));
  if (!spec.consumer_key && !spec.target) body.push(readersFold(context, spec.topic));
  return body;
}
