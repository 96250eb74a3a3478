/** One job, open beside the list: what it is to do, how far it is, what failed, and the buttons that change it. */

import { asError, mayBeWritten } from "../api/errors.js";
import { confirmed } from "../page/confirm.js";
import { announce, byId, make, problem, quoted } from "../page/dom.js";
import { plural } from "../page/format.js";
import { JobBody } from "./job-body.js";
import { recipients } from "./job-facts.js";
import { isOver, stateWord, targetWords } from "./job-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 * @typedef {import("./jobs.js").JobContext} JobContext
 * @typedef {"pause"|"resume"|"cancel"|"resend-failed"} Action
 */

/** @type {Record<string, string>} */
const SAID_AT_THE_END = {
  succeeded: "The job has succeeded.",
  failed: "The job has failed.",
  cancelled: "The job was cancelled.",
};

export class JobView {
  #panel = byId("job");
  #title = make("h2", { id: "job-title", tabindex: -1 });
  #content = make("div", { class: "record-body" });
  #close;
  #changed;
  /** @type {JobContext|null} */
  #context = null;
  /** @type {Job|null} */
  #job = null;
  /** @type {JobBody|null} */
  #body = null;
  #said = make("div", { class: "said", role: "status" });
  #buttons = {
    pause: make("button", { type: "button", onclick: () => this.#act("pause") }, "Pause"),
    resume: make("button", { type: "button", class: "main", onclick: () => this.#act("resume") }, "Resume"),
    cancel: make("button", { type: "button", onclick: () => this.#cancel() }, "Cancel the job …"),
    again: make("button", { type: "button", class: "main", onclick: () => this.#again() }, "Resend what failed …"),
  };
  #foot = make(
    "div",
    { class: "record-foot" },
    make("div", { class: "row" }, ...Object.values(this.#buttons)),
    this.#said,
  );
  #waiting = false;

  /**
   * @param {() => void} close called when the user closes the panel
   * @param {(job: Job) => void} changed called with a job that was changed or made here
   */
  constructor(close, changed) {
    this.#close = close;
    this.#changed = changed;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#close();
    });
  }

  hide() {
    this.#leave();
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  /**
   * Make room for a job that is still to be fetched.
   * @param {JobContext} context
   * @param {string} id
   */
  open(context, id) {
    this.#leave();
    this.#context = context;
    this.#panel.hidden = false;
    this.#title.replaceChildren("Job ", make("span", { class: "id" }, id));
    this.#content.replaceChildren(make("p", { class: "hint" }, "Reading …"));
    const close = make("button", { type: "button", class: "quiet", onclick: () => this.#close() }, "Close");
    this.#panel.replaceChildren(make("div", { class: "record-head" }, this.#title, close), this.#content);
    this.#title.focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
  }

  /**
   * Show the job as it is now.
   * @param {Job} job
   */
  show(job) {
    const [before, context] = [this.#job, this.#context];
    if (context === null) return;
    this.#job = job;
    this.#body ??= this.#build(job, context);
    this.#body.show(job);
    this.#showButtons(job);
    // Also for one that was over before it was seen for the first time.
    if (before ? before.state !== job.state : isOver(job)) announce(SAID_AT_THE_END[job.state] ?? `The job is ${stateWord(job)}.`);
  }

  /**
   * Say why the job cannot be shown, or not as it is now.
   * @param {Error} error
   */
  fail(error) {
    const words = problem(error, { role: "alert" });
    if (this.#body) this.#body.fail(words);
    else this.#content.replaceChildren(words);
  }

  #leave() {
    this.#body?.leave();
    this.#job = this.#body = null;
  }

  /**
   * @param {Job} job
   * @param {JobContext} context
   */
  #build(job, context) {
    const body = new JobBody(
      job,
      (partition, offset) => context.record(job.topic, partition, offset),
      (groups, signal) => context.api.consumersOfJob(context.where, job.job_id, groups, signal),
    );
    this.#content.replaceChildren(...body.nodes);
    this.#said.replaceChildren();
    this.#panel.append(this.#foot);
    return body;
  }

  /** @param {Job} job */
  #showButtons(job) {
    const { pause, resume, cancel, again } = this.#buttons;
    const going = !isOver(job) && !job.cancel_requested;
    const { activeElement } = document;
    pause.hidden = !going || job.state === "paused";
    resume.hidden = !going || job.state !== "paused";
    cancel.hidden = !going;
    again.hidden = !isOver(job) || job.dry_run || (job.failures ?? []).length === 0;
    this.#foot.hidden = [pause, resume, cancel, again].every((each) => each.hidden) && !this.#said.hasChildNodes();
    const focused = activeElement instanceof HTMLElement && this.#foot.contains(activeElement) ? activeElement : null;
    if (focused && (focused.hidden || this.#foot.hidden)) {
      const next = [pause, resume].find((each) => !each.hidden) ?? this.#title;
      next.focus({ preventScroll: true });
    }
  }

  async #cancel() {
    if (this.#job === null) return;
    const { topic, counts, dry_run: dry } = this.#job;
    const written = dry ? "It writes nothing." : `What is written stays: ${plural(counts.resent, "copy", "copies")} so far.`;
    const end = " ends where it is, and cannot be resumed. ";
    const body = [make("p", {}, "The job in topic ", quoted(topic), end, written)];
    const question = { title: "Cancel this job?", body, yes: "Cancel the job", no: "Keep it" };
    if (await confirmed(question)) await this.#act("cancel");
  }

  async #again() {
    if (this.#job === null) return;
    const { topic, failures, failures_listed_all: all, consumer_key: key, counts, target } = this.#job;
    const sentence = make(
      "p",
      {},
      `A new job tries ${plural(failures?.length ?? 0, "record")} of topic `,
      quoted(topic),
      target ? ` once more, to ${targetWords(target)}, for ` : " once more, for ",
      recipients(key, true, target),
      ".",
    );
    const body = [sentence];
    if (!all) body.push(make("p", {}, `Of ${plural(counts.failed, "failure")} only these were listed.`));
    if (await confirmed({ title: "Resend what failed?", body, yes: "Start" })) await this.#act("resend-failed");
  }

  /** @param {Action} action */
  async #act(action) {
    const [context, job] = [this.#context, this.#job];
    // The buttons stay as they are meanwhile: one that is disabled would lose the focus.
    if (this.#waiting || context === null || job === null) return;
    this.#waiting = true;
    this.#said.replaceChildren();
    try {
      this.#changed(await context.api.actOnJob(context.where, job.job_id, action));
    } catch (error) {
      // Closed meanwhile.
      if (this.#job?.job_id !== job.job_id) return;
      this.#said.replaceChildren(problem(asError(error)));
      if (mayBeWritten(error)) {
        const seen = action === "resend-failed" ? "the list shows" : "is seen here";
        this.#said.append(make("p", { class: "hint" }, `Whether it was taken up all the same, ${seen}.`));
      }
    } finally {
      this.#waiting = false;
    }
  }
}
