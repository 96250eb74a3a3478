/** A job in the list of jobs. */

import { make, quoted } from "../page/dom.js";
import { localText, utcText } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { isKnown, numbersLine, share, stateWord } from "./job-words.js";

/** @typedef {import("../api/bodies.d.ts").JobResponse} Job */

export class JobEntry {
  /** What to put into the list. */
  element;
  /** What opens the job. */
  link;
  #bar;
  #state = make("span", { class: "tag state" });
  #numbers = make("p", { class: "numbers" });

  /**
   * @param {Job} job
   * @param {string} href of the job
   */
  constructor(job, href) {
    this.#bar = new Bar(`Progress of job ${job.job_id}`);
    this.link = make(
      "a",
      { class: "job-link", href },
      isKnown(job) ? quoted(job.topic) : make("span", { class: "none" }, "not known"),
      " ",
      make("span", { class: "id" }, job.job_id),
    );
    const { created_at: at, created_by: by } = job;
    const made = at ? make("time", { title: utcText(at) }, localText(at).slice(0, 19)) : "";
    const dry = job.dry_run ? make("span", { class: "tag" }, "dry run") : null;
    this.element = make(
      "li",
      { class: "job-entry" },
      make("div", { class: "row" }, this.link, this.#state, dry),
      this.#bar.element,
      this.#numbers,
      make("p", { class: "hint" }, ...(job.name ? [quoted(job.name), ", "] : []), made, ...(by ? [" by ", quoted(by)] : [])),
    );
  }

  /**
   * Show the job as it is now. Only what has changed is touched.
   * @param {Job} job
   */
  show(job) {
    const words = numbersLine(job);
    if (this.#state.textContent !== stateWord(job)) this.#state.textContent = stateWord(job);
    this.#state.dataset.state = job.state;
    if (this.#numbers.textContent !== words) this.#numbers.textContent = words;
    this.#bar.show(share(job), job.state);
  }
}
