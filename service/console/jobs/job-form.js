/** The form that makes a job: what to resend, and which application the copies are for. */

import { FilterForm } from "../filter/filter-form.js";
import { byId, make } from "../page/dom.js";
import { fromInput, number, present, toInput, utcText } from "../page/format.js";
import { recipientsOf } from "../resend/recipients.js";
import { GROUP_SENTENCE, recipientsSentence } from "./job-facts.js";
import { JobPreview } from "./job-preview.js";
import { FieldError, positionsOf, specOf } from "./job-spec.js";
import { originWords } from "./job-words.js";

/**
 * @typedef {import("./job-spec.js").JobDraft} JobDraft
 * @typedef {import("./job-spec.js").JobMode} JobMode
 * @typedef {import("./jobs.js").JobContext} JobContext
 */

const HOUR_MS = 3_600_000n;
/** @type {readonly ("start"|"end")[]} */
const ENDS = ["start", "end"];

/** @param {string} name of a field where something is typed */
const field = (name) => byId(`job-${name}`, HTMLInputElement);

export class JobForm {
  #panel = byId("job-new");
  #form = byId("job-form", HTMLFormElement);
  #modes = /** @type {HTMLInputElement[]} */ ([...this.#form.querySelectorAll("[name=job-mode]")]);
  #target = byId("job-target", HTMLSelectElement);
  // Those whose text is looked at more closely than the browser does.
  #checked = {
    topic: field("topic"), partitions: field("partitions"), offsets: field("offsets"), end: field("end"),
  };
  #preview;
  #filter;
  /** @type {JobContext|null} */
  #context = null;
  /** @type {{start: bigint|null, end: bigint|null}} */
  #range = { start: null, end: null };
  /**
   * The selected records, as a list of them has them.
   * @type {import("../api/bodies.d.ts").MessageItem[]}
   */
  #records = [];

  /**
   * @param {() => void} close called when the user closes the form
   * @param {(job: import("../api/bodies.d.ts").JobResponse) => void} started called with the job that was made
   * @param {(key: string) => void} used called with the consumer_key of a job that was made, "" for none
   */
  constructor(close, started, used) {
    this.#preview = new JobPreview(started, used);
    const places = { key: byId("job-key-place"), more: byId("job-more", HTMLDetailsElement) };
    this.#filter = new FilterForm("job", places, () => this.#preview.forget());
    byId("job-new-close").addEventListener("click", () => close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) close();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look();
    });
    // What was previewed is what will be started: another spec wants another preview.
    this.#form.addEventListener("input", (event) => {
      this.#excuse();
      if (event.target === this.#checked.topic) this.#leaveTicked();
      this.#preview.forget();
      this.#describe();
    });
    for (const input of [this.#target, field("group-as-recipient")]) {
      input.addEventListener("change", () => {
        this.#showTarget();
        this.#describe();
      });
    }
    for (const radio of this.#modes) radio.addEventListener("change", () => this.#showFields());
    for (const name of ENDS) {
      field(name).addEventListener("change", () => {
        this.#range[name] = fromInput(field(name).value);
        this.#requireRange();
        this.#tellUtc();
      });
    }
  }

  hide() {
    this.#preview.forget();
    this.#panel.hidden = true;
  }

  /**
   * Propose these topics.
   * @param {readonly string[]} names
   */
  offerTopics(names) {
    byId("job-topics").replaceChildren(...names.map((name) => make("option", { value: name })));
  }

  /**
   * Show the form.
   * @param {JobContext} context
   * @param {JobDraft|null} draft what to begin with; null: as it was left
   */
  open(context, draft) {
    this.#context = context;
    this.#offerDialects(context.dialects);
    if (draft !== null) this.#fill(draft);
    byId("job-read-only").hidden = !context.readOnly;
    this.#panel.hidden = false;
    this.#showFields();
    this.#describe();
    byId("job-new-title").focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
  }

  /** @param {JobDraft} draft */
  #fill({ topic, mode, partitions = "", offsets = "", start = null, end = null, filter = {}, target = "", records = [] }) {
    this.#preview.forget();
    this.#form.reset();
    this.#excuse();
    this.#setRecords(records);
    this.#choose(mode);
    this.#checked.topic.value = topic;
    this.#checked.partitions.value = partitions;
    this.#checked.offsets.value = offsets;
    this.#target.value = target;
    this.#filter.show(filter);
    this.#filter.unfold();
    const now = present();
    this.#range = start === null || end === null ? { start: now - HOUR_MS, end: now } : { start, end };
    for (const name of ENDS) field(name).value = toInput(this.#range[name] ?? now);
    this.#tellUtc();
  }

  /** @param {import("../api/bodies.d.ts").MessageItem[]} records */
  #setRecords(records) {
    this.#records = records;
    byId("job-selected").hidden = records.length === 0;
    byId("job-selected-count").textContent = number(records.length);
  }

  /** The selected records are of the topic that they were selected in. */
  #leaveTicked() {
    if (this.#records.length === 0) return;
    this.#setRecords([]);
    if (this.#mode === "selected") this.#choose("all");
    this.#showFields();
  }

  /** Take back what was said of single fields: it would keep the form from being sent, also where nobody sees it. */
  #excuse() {
    for (const input of Object.values(this.#checked)) input.setCustomValidity("");
  }

  #tellUtc() {
    for (const name of ENDS) {
      const at = this.#range[name];
      byId(`job-${name}-utc`).textContent = at === null ? "" : utcText(at);
    }
  }

  get #mode() {
    return /** @type {JobMode} */ (this.#modes.find((radio) => radio.checked)?.value ?? "all");
  }

  /** @param {JobMode} mode */
  #choose(mode) {
    for (const radio of this.#modes) radio.checked = radio.value === mode;
  }

  #showFields() {
    const mode = this.#mode;
    const fields = /** @type {NodeListOf<HTMLElement>} */ (this.#form.querySelectorAll("[data-job-mode]"));
    for (const each of fields) each.hidden = !(each.dataset.jobMode ?? "").split(" ").includes(mode);
    this.#requireRange();
    this.#checked.offsets.required = mode === "offsets";
    this.#showTarget();
  }

  /** A moment beyond the calendar leaves its field empty. */
  #requireRange() {
    for (const name of ENDS) field(name).required = this.#mode === "time" && this.#range[name] === null;
  }

  #showTarget() {
    byId("job-redrive").hidden = this.#target.value === "";
    // One recipient for all, or each record's own.
    field("consumer").disabled = this.#forGroups;
  }

  get #forGroups() {
    return this.#target.value !== "" && field("group-as-recipient").checked;
  }

  /** @param {readonly string[]} names */
  #offerDialects(names) {
    const chosen = this.#target.value;
    const [own] = this.#target.options;
    this.#target.replaceChildren(own, ...names.map((name) => make("option", { value: name }, originWords(name))));
    this.#target.value = names.includes(chosen) ? chosen : "";
  }

  #describe() {
    const key = field("consumer").value;
    byId("job-who").classList.toggle("warn", key === "" && !this.#forGroups);
    if (this.#forGroups) {
      byId("job-who").textContent = GROUP_SENTENCE;
      return;
    }
    const words = this.#mode === "selected"
      ? recipientsOf(this.#records, key)
      : recipientsSentence(key, this.#filter.includesResent);
    byId("job-who").replaceChildren(...words);
  }

  #spec() {
    const mode = this.#mode;
    return specOf({
      topic: this.#checked.topic.value,
      name: field("name").value,
      mode,
      partitions: this.#checked.partitions.value,
      offsets: this.#checked.offsets.value,
      ...this.#range,
      positions: mode === "selected" ? positionsOf(this.#records) : [],
      filter: this.#filter.filter,
      consumerKey: this.#forGroups ? "" : field("consumer").value,
      target: this.#target.value,
      removeHeaders: field("remove-headers").checked,
      groupAsRecipient: field("group-as-recipient").checked,
      provenance: field("provenance").checked,
      maxResends: field("max-resends").value,
      rate: field("rate").value,
      stopAfter: field("stop-after").value,
    });
  }

  /** Have what the form says previewed, or say in which field it cannot be read. */
  #look() {
    if (this.#context === null) return;
    this.#filter.settle();
    try {
      this.#preview.look(this.#context, this.#spec());
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      const input = this.#checked[error.field];
      input.setCustomValidity(error.message);
      input.reportValidity();
    }
  }
}
