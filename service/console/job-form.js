/** The form that makes a job: what to resend, a dry run that says what that would be, and the start. */

import { mayBeWritten } from "./api.js";
import { confirmed } from "./confirm.js";
import { announce, byId, make, problem, quoted } from "./dom.js";
import { fromInput, number, plural, present, span, toInput, utcText } from "./format.js";
import { refusedNodes, reportNodes } from "./job-report.js";
import { Bar, filterProblems, isOver, numbersLine, recipientsSentence, share, willWrite } from "./job-words.js";
import { FieldError, MOST_POSITIONS, pinned, positionsOf, previewOf, specOf } from "./job-spec.js";
import { recipientsOf } from "./recipients.js";
import { offerKeys } from "./resend.js";

const HOUR_MS = 3_600_000n;
const LOOK_MS = 400;
const LONELY_MS = 5000;
// Fields whose text is looked at more closely than the browser does.
const CHECKED = ["job-topic", "job-partitions", "job-offsets", "job-end"];

export class JobForm {
  #panel = byId("job-new");
  #form = byId("job-form");
  #preview = byId("job-preview");
  #close;
  #started;
  #context = null;
  #range = { start: null, end: null };
  /** The selected records, as a list of them has them. */
  #records = [];
  /** Of the preview that runs or is there; another number means that it no longer counts. */
  #round = 0;
  #running = null;

  /**
   * @param {function()} close called when the user closes the form
   * @param {function(Object)} started called with the job that was made
   */
  constructor(close, started) {
    this.#close = close;
    this.#started = started;
    byId("job-new-close").addEventListener("click", () => close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#close();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look();
    });
    // What was previewed is what will be started: another spec wants another preview.
    this.#form.addEventListener("input", (event) => {
      this.#excuse();
      if (event.target === byId("job-topic")) this.#leaveTicked();
      this.#forget();
      this.#describe();
    });
    // What is folded away cannot be pointed at.
    this.#form.addEventListener(
      "invalid",
      (event) => {
        if (byId("job-more").contains(event.target)) byId("job-more").open = true;
      },
      true,
    );
    byId("job-target").addEventListener("change", () => this.#showTarget());
    for (const radio of this.#form.elements["job-mode"]) radio.addEventListener("change", () => this.#showFields());
    for (const name of ["start", "end"]) {
      byId(`job-${name}`).addEventListener("change", (event) => {
        this.#range[name] = fromInput(event.target.value);
        this.#requireRange();
        this.#tellUtc();
      });
    }
    byId("job-header-add").addEventListener("click", () => this.#addHeader());
    byId("job-stop").addEventListener("click", () => {
      this.#forget();
      announce("The preview was stopped.");
    });
  }

  hide() {
    this.#forget();
    this.#panel.hidden = true;
  }

  /**
   * Show the form.
   * @param {Object} context api, where, readOnly, and record(topic, partition, offset): the address of a record
   * @param {Object|null} draft what to begin with: topic, mode, partitions, offsets, start, end, key, records; null: as
   *     it was left
   */
  open(context, draft) {
    this.#context = context;
    if (draft !== null) this.#fill(draft);
    byId("job-read-only").hidden = !context.readOnly;
    this.#panel.hidden = false;
    this.#showFields();
    this.#describe();
    byId("job-new-title").focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
  }

  #fill({ topic, mode, partitions = "", offsets = "", start = null, end = null, key = "", records = [] }) {
    this.#forget();
    this.#form.reset();
    this.#excuse();
    byId("job-headers").replaceChildren();
    this.#setRecords(records);
    this.#form.elements["job-mode"].value = mode;
    byId("job-topic").value = topic;
    byId("job-partitions").value = partitions;
    byId("job-offsets").value = offsets;
    byId("job-key").value = key;
    byId("job-more").open = key !== "";
    const now = present();
    this.#range = start === null || end === null ? { start: now - HOUR_MS, end: now } : { start, end };
    for (const name of ["start", "end"]) byId(`job-${name}`).value = toInput(this.#range[name]);
    this.#tellUtc();
  }

  #setRecords(records) {
    this.#records = records;
    byId("job-selected").hidden = records.length === 0;
    byId("job-selected-count").textContent = number(records.length);
  }

  /** The selected records are of the topic that they were selected in. */
  #leaveTicked() {
    if (this.#records.length === 0) return;
    this.#setRecords([]);
    if (this.#mode === "selected") this.#form.elements["job-mode"].value = "all";
    this.#showFields();
  }

  /** Take back what was said of single fields: it would keep the form from being sent, also where nobody sees it. */
  #excuse() {
    for (const id of CHECKED) byId(id).setCustomValidity("");
  }

  #tellUtc() {
    for (const name of ["start", "end"]) {
      const at = this.#range[name];
      byId(`job-${name}-utc`).textContent = at === null ? "" : utcText(at);
    }
  }

  get #mode() {
    return this.#form.elements["job-mode"].value;
  }

  #showFields() {
    const mode = this.#mode;
    for (const field of this.#form.querySelectorAll("[data-job-mode]")) {
      field.hidden = !field.dataset.jobMode.split(" ").includes(mode);
    }
    this.#requireRange();
    byId("job-offsets").required = mode === "offsets";
    this.#showTarget();
  }

  /** A moment beyond the calendar leaves its field empty. */
  #requireRange() {
    for (const name of ["start", "end"]) {
      byId(`job-${name}`).required = this.#mode === "time" && this.#range[name] === null;
    }
  }

  #showTarget() {
    byId("job-remove-headers-label").hidden = byId("job-target").value === "";
  }

  #describe() {
    const key = byId("job-consumer").value;
    byId("job-who").classList.toggle("warn", key === "");
    const words = this.#mode === "selected"
      ? recipientsOf(this.#records, key)
      : recipientsSentence(key, byId("job-include-resent").checked);
    byId("job-who").replaceChildren(...words);
  }

  #addHeader() {
    const kinds = [["is", "is"], ["there", "is there"], ["absent", "is absent"]];
    const options = kinds.map(([kind, words]) => make("option", { value: kind }, words));
    const plain = { spellcheck: "false", autocomplete: "off" };
    const name = make("input", { ...plain, "aria-label": "Name of the header", placeholder: "name", required: true });
    const wanted = make("input", { ...plain, "aria-label": "Value of the header", placeholder: "value" });
    const chosen = () => {
      wanted.hidden = kind.value !== "is";
    };
    const kind = make("select", { "aria-label": "What of it", onchange: chosen }, ...options);
    const away = make("button", { type: "button", class: "quiet", onclick: () => this.#removeHeader(row) }, "Remove");
    const row = make("div", { class: "row header-row" }, name, kind, wanted, away);
    byId("job-headers").append(row);
    this.#forget();
    name.focus();
  }

  #removeHeader(row) {
    row.remove();
    this.#forget();
    byId("job-header-add").focus();
  }

  #headers() {
    return [...byId("job-headers").children].map((row) => {
      const [name, kind, wanted] = row.children;
      if (kind.value === "absent") return { name: name.value, absent: true };
      return kind.value === "there" ? { name: name.value } : { name: name.value, value: wanted.value };
    });
  }

  #spec() {
    if (this.#mode === "selected" && this.#records.length > MOST_POSITIONS) {
      throw new FieldError("job-topic", `A job takes at most ${number(MOST_POSITIONS)} single records.`);
    }
    return specOf({
      topic: byId("job-topic").value,
      mode: this.#mode,
      partitions: byId("job-partitions").value,
      offsets: byId("job-offsets").value,
      ...this.#range,
      positions: positionsOf(this.#records),
      key: byId("job-key").value,
      headers: this.#headers(),
      jmespath: byId("job-jmespath").value,
      includeResent: byId("job-include-resent").checked,
      consumerKey: byId("job-consumer").value,
      target: byId("job-target").value,
      removeHeaders: byId("job-remove-headers").checked,
      rate: byId("job-rate").value,
      stopAfter: byId("job-stop-after").value,
    });
  }

  /** Drop the preview, and end the dry run if one is under way. */
  #forget() {
    this.#round += 1;
    this.#preview.replaceChildren();
    this.#looking(false);
    if (this.#running === null) return;
    const { api, where, id } = this.#running;
    this.#running = null;
    // Nobody waits for it; it writes nothing, and ends by itself if this fails.
    api.actOnJob(where, id, "cancel").catch(() => undefined);
  }

  #looking(looking) {
    const [look, stop] = [byId("job-look"), byId("job-stop")];
    const focused = document.activeElement;
    stop.hidden = !looking;
    look.disabled = looking;
    // The one that had the focus cannot have it any more.
    if (looking && focused === look) stop.focus();
    if (!looking && focused === stop) look.focus();
  }

  /** Make a dry run of what the form says, and show what it finds. */
  async #look() {
    let spec;
    try {
      spec = this.#spec();
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      byId(error.field).setCustomValidity(error.message);
      byId(error.field).reportValidity();
      return;
    }
    this.#forget();
    const round = this.#round;
    const { api, where } = this.#context;
    const bar = new Bar("Progress of the preview");
    const numbers = make("p", { class: "hint" }, "Asking …");
    this.#preview.replaceChildren(make("h3", {}, "Preview"), bar.element, numbers);
    this.#looking(true);
    try {
      let job = await api.makeJob(where, previewOf(spec));
      if (round !== this.#round) {
        api.actOnJob(where, job.job_id, "cancel").catch(() => undefined);
        return;
      }
      this.#running = { api, where, id: job.job_id };
      const since = Date.now();
      while (!isOver(job)) {
        bar.show(share(job), job.state);
        numbers.textContent = numbersLine(job);
        if (job.state === "pending" && Date.now() - since > LONELY_MS) {
          numbers.textContent = "No worker has taken it up yet. Does one run? (kafka-resend worker)";
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        if (round !== this.#round) return;
        job = await api.job(where, job.job_id);
        if (round !== this.#round) return;
      }
      this.#running = null;
      this.#showFound(spec, job);
    } catch (error) {
      if (round !== this.#round) return;
      this.#running = null;
      this.#preview.replaceChildren(problem(error));
      this.#preview.firstChild.setAttribute("role", "alert");
    }
    this.#looking(false);
  }

  #showFound(spec, job) {
    const title = make("h3", { tabindex: -1 }, "Preview");
    if (job.state !== "succeeded") {
      const why = job.state === "failed" ? [": ", quoted(job.reason ?? "no reason is known")] : ["."];
      const words = [`The preview ${job.state === "failed" ? "failed" : "was cancelled"}`, ...why];
      this.#preview.replaceChildren(title, make("p", { class: "notice bad", role: "alert" }, ...words));
      return;
    }
    const address = (partition, offset) => this.#context.record(spec.topic, partition, offset);
    this.#preview.replaceChildren(title, ...reportNodes(job.report, address), ...filterProblems(job));
    if (job.counts.expired) {
      const words = `${plural(job.counts.expired, "offset")} of these are no longer in the topic.`;
      this.#preview.append(make("p", { class: "hint" }, words));
    }
    if (job.counts.failed) this.#preview.append(refusedNodes(job, address));
    announce(`Preview: ${plural(job.report.would_resend, "record")} would be resent.`);
    if (job.report.would_resend > 0) {
      const said = make("div", { class: "said", role: "status" });
      const onclick = () => this.#start(spec, job, start, said);
      const attributes = { type: "button", class: "main", disabled: this.#context.readOnly, onclick };
      const start = make("button", attributes, "Start …");
      const will = make("p", { class: "notice warn" }, ...willWrite(spec, job.report));
      this.#preview.append(will, make("div", { class: "row" }, start), said);
    }
    title.focus({ preventScroll: true });
    this.#preview.scrollIntoView({ block: "nearest" });
  }

  async #start(spec, preview, button, said) {
    const round = this.#round;
    const { api, where } = this.#context;
    const body = [make("p", {}, ...willWrite(spec, preview.report))];
    if (spec.end_time > Date.now()) {
      body.push(make("p", {}, "So will those that come until you start: the time ends later."));
    }
    if (spec.records_per_second) {
      const ms = (preview.report.would_resend / spec.records_per_second) * 1000;
      body.push(make("p", {}, `At ${spec.records_per_second} a second this takes ${span(ms)} at least.`));
    }
    body.push(make("p", {}, "The records themselves stay as they are."));
    if (!(await confirmed({ title: "Start this job?", body, yes: "Start" })) || round !== this.#round) return;
    button.disabled = true;
    try {
      const job = await api.makeJob(where, pinned(spec, preview));
      offerKeys(spec.consumer_key ?? "");
      announce("The job was accepted.");
      if (round === this.#round) this.#started(job);
    } catch (error) {
      said.replaceChildren(problem(error));
      if (mayBeWritten(error)) {
        const words = "Whether the job was accepted is not known: see whether the list has it before you start it again.";
        said.append(make("p", { class: "notice warn" }, words));
      }
      button.disabled = false;
      button.focus();
    }
  }
}
