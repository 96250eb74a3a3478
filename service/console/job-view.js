/** One job, open beside the list: what it is to do, how far it is, what failed, and the buttons that change it. */

import { mayBeWritten } from "./api.js";
import { confirmed } from "./confirm.js";
import { announce, byId, make, oneTabStop, problem, quoted } from "./dom.js";
import { earlier, localText, number, plural, rate, utcText, zone } from "./format.js";
import { reportNodes } from "./job-report.js";
import {
  Bar,
  counted,
  filterLines,
  filterProblems,
  isKnown,
  isOver,
  keepsKeys,
  numbersLine,
  partBefore,
  recipients,
  selectionWords,
  share,
  stateTag,
  stateWord,
  targetWords,
} from "./job-words.js";

const SAID_AT_THE_END = {
  succeeded: "The job has succeeded.",
  failed: "The job has failed.",
  cancelled: "The job was cancelled.",
};

export class JobView {
  #panel = byId("job");
  #close;
  #changed;
  #context = null;
  #job = null;
  #parts = null;
  #waiting = false;

  /**
   * @param {function()} close called when the user closes the panel
   * @param {function(Object)} changed called with a job that was changed or made here
   */
  constructor(close, changed) {
    this.#close = close;
    this.#changed = changed;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#close();
    });
  }

  hide() {
    this.#job = this.#parts = null;
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  /** Make room for a job that is still to be fetched. */
  open(context, id) {
    this.#context = context;
    this.#job = this.#parts = null;
    this.#panel.hidden = false;
    const title = make("h2", { id: "job-title", tabindex: -1 }, "Job ", make("span", { class: "id" }, id));
    const close = make("button", { type: "button", class: "quiet", onclick: () => this.#close() }, "Close");
    const body = make("div", { class: "record-body" }, make("p", { class: "hint" }, "Reading …"));
    this.#panel.replaceChildren(make("div", { class: "record-head" }, title, close), body);
    title.focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
  }

  /** Show the job as it is now. Only what has changed is touched, so that neither focus nor selection is lost. */
  show(job) {
    const before = this.#job;
    this.#job = job;
    if (this.#parts === null) this.#build(job);
    const { state, bar, numbers, counts, problems } = this.#parts;
    refresh(state, [stateTag(job)]);
    bar.show(share(job), job.state);
    numbers.textContent = numbersLine(job);
    refresh(counts, countRows(job));
    refresh(problems, troubles(job));
    this.#places(job);
    this.#failures(job);
    this.#report(job);
    this.#buttons(job);
    // Also for one that was over before it was seen for the first time.
    if (before ? before.state !== job.state : isOver(job)) announce(SAID_AT_THE_END[job.state] ?? `The job is ${stateWord(job)}.`);
  }

  /** Say why the job cannot be shown, or not as it is now. */
  fail(error) {
    const words = problem(error);
    words.setAttribute("role", "alert");
    if (this.#parts) this.#parts.problems.replaceChildren(words);
    else this.#panel.querySelector(".record-body").replaceChildren(words);
  }

  #build(job) {
    const button = (words, action, attributes = {}) =>
      make("button", { type: "button", onclick: action, ...attributes }, words);
    const parts = {
      state: make("span", {}),
      bar: new Bar("Progress of this job"),
      numbers: make("p", { class: "hint numbers" }),
      counts: make("dl", { class: "facts" }),
      problems: make("div", { class: "stack" }),
      said: make("div", { class: "said", role: "status" }),
      places: make("tbody"),
      rows: new Map(),
      failures: make("ul", { class: "places" }),
      failuresTitle: make("h3", {}),
      report: make("section", { "aria-label": "What the dry run found", hidden: true }),
      pause: button("Pause", () => this.#act("pause")),
      resume: button("Resume", () => this.#act("resume"), { class: "main" }),
      cancel: button("Cancel the job …", () => this.#cancel()),
      again: button("Resend what failed …", () => this.#again(), { class: "main" }),
    };
    parts.refreshFailures = oneTabStop(parts.failures, "a");
    parts.failed = make("section", { hidden: true }, parts.failuresTitle, parts.failures);
    const head = ["Partition", "Next offset", "End offset", "Done"].map((title) => make("th", { scope: "col" }, title));
    const table = make("table", { class: "by-partition" }, make("thead", {}, make("tr", {}, ...head)), parts.places);
    const region = { class: "lines", tabindex: 0, role: "region", "aria-label": "Progress by partition" };
    const dry = job.dry_run ? make("span", { class: "tag" }, "dry run: writes nothing") : null;
    this.#parts = parts;
    this.#panel.querySelector(".record-body").replaceChildren(
      make("div", { class: "row" }, parts.state, dry),
      make("div", { class: "measure" }, parts.bar.element, parts.numbers),
      parts.problems,
      parts.failed,
      parts.report,
      facts(job),
      parts.counts,
      make("section", {}, make("h3", {}, "By partition"), make("div", region, table)),
    );
    const row = make("div", { class: "row" }, parts.pause, parts.resume, parts.cancel, parts.again);
    parts.foot = make("div", { class: "record-foot" }, row, parts.said);
    this.#panel.append(parts.foot);
  }

  #places(job) {
    const starts = new Map();
    for (const { partition, start } of job.selection?.spans ?? []) {
      starts.set(partition, earlier(start, starts.get(partition) ?? start));
    }
    for (const { partition, next_offset: next, end_offset: end } of job.progress ?? []) {
      let row = this.#parts.rows.get(partition);
      if (!row) {
        const at = make("td");
        const bar = new Bar(`Partition ${partition}`);
        const name = make("th", { scope: "row" }, String(partition));
        row = { at, bar };
        this.#parts.rows.set(partition, row);
        this.#parts.places.append(
          make("tr", {}, name, at, make("td", {}, String(end)), make("td", {}, bar.element)),
        );
      }
      const start = starts.get(partition) ?? 0n;
      row.at.textContent = String(next);
      row.bar.show(partBefore(next, start, end), job.state);
    }
  }

  #failures(job) {
    const { failed, failures, failuresTitle } = this.#parts;
    const listed = job.failures ?? [];
    failed.hidden = listed.length === 0;
    const all = job.failures_listed_all ? "" : `, the first ${number(listed.length)}`;
    const title = `What failed: ${plural(job.counts.failed, "record")}${all}`;
    if (title !== failuresTitle.textContent) failuresTitle.textContent = title;
    // They only ever get more.
    for (const { partition, message_offset: offset, reason } of listed.slice(failures.childElementCount)) {
      const href = this.#context.record(job.topic, partition, offset);
      const link = make("a", { href }, `partition ${partition}, offset ${offset}`);
      failures.append(make("li", {}, link, ": ", quoted(reason)));
    }
    this.#parts.refreshFailures();
  }

  #report(job) {
    const { report } = this.#parts;
    if (!job.report || !isOver(job) || !report.hidden) return;
    report.hidden = false;
    const address = (partition, offset) => this.#context.record(job.topic, partition, offset);
    report.replaceChildren(...reportNodes(job.report, address));
  }

  #buttons(job) {
    const { pause, resume, cancel, again, foot } = this.#parts;
    const going = !isOver(job) && !job.cancel_requested;
    const focused = foot.contains(document.activeElement) && document.activeElement;
    pause.hidden = !going || job.state === "paused";
    resume.hidden = !going || job.state !== "paused";
    cancel.hidden = !going;
    again.hidden = !isOver(job) || job.dry_run || (job.failures ?? []).length === 0;
    foot.hidden = [pause, resume, cancel, again].every((each) => each.hidden) && !this.#parts.said.hasChildNodes();
    if (focused && (focused.hidden || foot.hidden)) {
      const next = [pause, resume].find((each) => !each.hidden) ?? byId("job-title");
      next.focus({ preventScroll: true });
    }
  }

  async #cancel() {
    const { topic, counts, dry_run: dry } = this.#job;
    const written = dry ? "It writes nothing." : `What is written stays: ${plural(counts.resent, "copy", "copies")} so far.`;
    const end = " ends where it is, and cannot be resumed. ";
    const body = [make("p", {}, "The job in topic ", quoted(topic), end, written)];
    const question = { title: "Cancel this job?", body, yes: "Cancel the job", no: "Keep it" };
    if (await confirmed(question)) await this.#act("cancel");
  }

  async #again() {
    const { topic, failures, failures_listed_all: all, consumer_key: key, counts, target } = this.#job;
    const rest = all ? null : make("p", {}, `Of ${plural(counts.failed, "failure")} only these were listed.`);
    const sentence = make(
      "p",
      {},
      `A new job tries ${plural(failures.length, "record")} of topic `,
      quoted(topic),
      target ? ` once more, to ${targetWords(target)}, for ` : " once more, for ",
      recipients(key, true),
      ".",
    );
    const body = [sentence, ...(rest ? [rest] : [])];
    if (await confirmed({ title: "Resend what failed?", body, yes: "Start" })) await this.#act("resend-failed");
  }

  async #act(action) {
    const { api, where } = this.#context;
    const job = this.#job;
    // The buttons stay as they are meanwhile: one that is disabled would lose the focus.
    if (this.#waiting) return;
    this.#waiting = true;
    this.#parts.said.replaceChildren();
    try {
      this.#changed(await api.actOnJob(where, job.job_id, action));
    } catch (error) {
      // Closed meanwhile.
      if (this.#job?.job_id !== job.job_id) return;
      this.#parts.said.replaceChildren(problem(error));
      if (mayBeWritten(error)) {
        const seen = action === "resend-failed" ? "the list shows" : "is seen here";
        this.#parts.said.append(make("p", { class: "hint" }, `Whether it was taken up all the same, ${seen}.`));
      }
    } finally {
      this.#waiting = false;
    }
  }
}

/** Replace what an element holds, if that reads otherwise now. */
function refresh(element, nodes) {
  const fresh = make("div", {}, ...nodes);
  if (fresh.textContent !== element.textContent) element.replaceChildren(...fresh.childNodes);
}

/** What the job is: nothing of it ever changes. */
function facts(job) {
  const rows = [];
  const add = (name, ...content) => rows.push(make("dt", {}, name), make("dd", {}, ...content));
  if (!isKnown(job)) {
    add("Records", make("span", { class: "none" }, "not known"));
    return make("dl", { class: "facts" }, ...rows);
  }
  add("Topic", quoted(job.topic ?? ""));
  add("Records", selectionWords(job));
  add("Only if", ...filterLines(job.filter));
  if (!job.dry_run) add("For", recipients(job.consumer_key, keepsKeys(job)));
  if (job.target) add("To", targetWords(job.target));
  if (job.records_per_second) add("At most", `${rate(job.records_per_second)} records a second`);
  if (job.max_failures) add("Stops after", plural(job.max_failures, "failure"));
  add("Made by", quoted(job.created_by ?? ""));
  return make("dl", { class: "facts" }, ...rows);
}

function countRows(job) {
  const rows = [];
  const add = (name, ...content) => rows.push(make("dt", {}, name), make("dd", {}, ...content));
  for (const [word, count] of counted(job)) add(word, number(count));
  for (const [word, ms] of [["made", job.created_at], ["started", job.started_at], ["ended", job.ended_at]]) {
    const unit = make("span", { class: "unit" }, zone(ms));
    if (ms) add(word, make("span", { title: utcText(ms) }, localText(ms)), " ", unit);
  }
  return rows;
}

/** What is in the way, or has ended the job. */
function troubles(job) {
  const said = [];
  if (job.unsupported_reason) {
    const words = "This version of the service leaves the job alone: ";
    said.push(make("p", { class: "notice warn" }, words, quoted(job.unsupported_reason)));
  }
  if (job.waits_for) said.push(make("p", { class: "notice warn" }, "Waits for ", quoted(job.waits_for)));
  if (job.reason) said.push(make("p", { class: "notice bad" }, quoted(job.reason)));
  if (job.counts.expired) {
    const words = `${plural(job.counts.expired, "offset")} had been removed from the topic before they were read.`;
    said.push(make("p", { class: "notice warn" }, words));
  }
  return [...said, ...filterProblems(job)];
}
