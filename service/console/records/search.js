/** The form that says which records to list: the newest, those of a time, those from a position on. */

import { FilterForm } from "../filter/filter-form.js";
import { readFilter, writeFilter } from "../filter/filter.js";
import { byId, make } from "../page/dom.js";
import { fromInput, present, toInput, utcText } from "../page/format.js";

const MINUTE_MS = 60_000n;
const HOUR_MS = 60n * MINUTE_MS;

/**
 * @typedef {import("../app/address.js").Route} Route
 * @typedef {import("../app/address.js").Mode} Mode
 * @typedef {{start: bigint|null, end: bigint|null}} Range Unix ms, the end not included
 */

/** @type {readonly ("start"|"end")[]} */
const ENDS = ["start", "end"];

export class Search {
  #form = byId("search", HTMLFormElement);
  #modes;
  #partition = byId("partition", HTMLSelectElement);
  #offset = byId("offset", HTMLInputElement);
  #times = { start: byId("start", HTMLInputElement), end: byId("end", HTMLInputElement) };
  #filter;
  #ask;
  /** @type {Range} */
  #range = { start: null, end: null };

  /**
   * @param {(asked: Partial<Route>) => void} ask called with the route's part that says which records the user asks for
   * @param {() => void} changed called when the form says something else than what was asked for
   */
  constructor(ask, changed) {
    this.#ask = ask;
    const places = { key: byId("key-place"), more: byId("more-conditions", HTMLDetailsElement) };
    this.#filter = new FilterForm("search", places, changed);
    this.#form.addEventListener("input", changed);
    this.#modes = /** @type {HTMLInputElement[]} */ ([...this.#form.querySelectorAll("[name=mode]")]);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const radio of this.#modes) radio.addEventListener("change", () => this.#choose());
    for (const name of ENDS) {
      this.#times[name].addEventListener("change", () => {
        this.#times.end.setCustomValidity("");
        this.#range[name] = fromInput(this.#times[name].value);
        this.#requireRange();
        this.#tellUtc();
      });
    }
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.#form.querySelectorAll("[data-minutes]"))) {
      button.addEventListener("click", () => {
        const end = present();
        this.#setRange(end - BigInt(button.dataset.minutes ?? 0) * MINUTE_MS, end);
        this.#submit();
      });
    }
    this.#showFields("newest");
  }

  /** Which records are meant, as a route has it. */
  get filter() {
    return writeFilter(this.#filter.filter);
  }

  /** Whether the conditions can be read; else the browser says at which field they cannot. */
  reportValidity() {
    return this.#filter.reportValidity();
  }

  /** How many records a page has. */
  get limit() {
    return Number(byId("limit", HTMLSelectElement).value);
  }

  /**
   * Have the user choose among partitions.
   * @param {readonly number[]} partitions
   */
  offerPartitions(partitions) {
    this.#partition.replaceChildren(
      make("option", { value: "" }, "all"),
      ...partitions.map((partition) => make("option", { value: partition }, String(partition))),
    );
  }

  /**
   * Show what a route says.
   * @param {Route} route
   */
  show(route) {
    for (const radio of this.#modes) radio.checked = radio.value === route.mode;
    this.#showFields(route.mode);
    this.#partition.value = route.partition;
    this.#offset.value = route.offset;
    // What is on its way in the form stays, where it says the same.
    if (route.filter === this.filter) this.#filter.settle();
    else this.#filter.show(readFilter(route.filter));
    this.#setRange(route.start, route.end);
  }

  get #mode() {
    return /** @type {Mode} */ (this.#modes.find((radio) => radio.checked)?.value ?? "newest");
  }

  #choose() {
    const mode = this.#mode;
    this.#showFields(mode);
    if (mode === "newest") this.#submit();
    if (mode === "time" && this.#range.start === null) this.#setRange(present() - HOUR_MS, present());
    if (mode === "position") {
      if (this.#partition.value === "") this.#partition.selectedIndex = Math.min(1, this.#partition.length - 1);
      if (this.#offset.value === "") this.#offset.value = "0";
    }
  }

  /** @param {Mode} mode */
  #showFields(mode) {
    const fields = /** @type {NodeListOf<HTMLElement>} */ (this.#form.querySelectorAll("[data-mode]"));
    for (const field of fields) field.hidden = field.dataset.mode !== mode;
    // By position means within one partition.
    const all = this.#partition.options[0];
    if (all) all.disabled = mode === "position";
    this.#requireRange();
    this.#offset.required = mode === "position";
  }

  /**
   * @param {bigint|null} start
   * @param {bigint|null} end
   */
  #setRange(start, end) {
    this.#range = { start, end };
    this.#times.start.value = start === null ? "" : toInput(start);
    this.#times.end.value = end === null ? "" : toInput(end);
    this.#requireRange();
    this.#tellUtc();
  }

  /** A moment beyond the calendar, which a chart can choose, leaves its field empty. */
  #requireRange() {
    for (const name of ENDS) this.#times[name].required = this.#mode === "time" && this.#range[name] === null;
  }

  #tellUtc() {
    for (const name of ENDS) {
      const at = this.#range[name];
      byId(`${name}-utc`).textContent = at === null ? "" : utcText(at);
    }
  }

  #submit() {
    const mode = this.#mode;
    /** @type {Partial<Route>} */
    const asked = { mode, partition: this.#partition.value, filter: this.filter };
    if (!this.reportValidity()) return;
    if (mode === "time") {
      const { start, end } = this.#range;
      const last = this.#times.end;
      last.setCustomValidity(start !== null && end !== null && start < end ? "" : "“From” must be before “To”.");
      if (!last.reportValidity()) return;
      Object.assign(asked, this.#range);
    }
    if (mode === "position") {
      asked.partition ||= "0";
      asked.offset = this.#offset.value;
    }
    this.#ask(asked);
  }
}
