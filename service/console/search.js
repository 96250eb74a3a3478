/** The form that says which records to list: the newest, those of a time, those from a position on. */

import { byId } from "./dom.js";
import { fromInput, present, toInput, utcText, zone } from "./format.js";

const MINUTE_MS = 60_000n;
const HOUR_MS = 60n * MINUTE_MS;

export class Search {
  #form = byId("search");
  #ask;
  #range = { start: null, end: null };

  /** @param {function(Object)} ask called with mode, partition, key, offset, start and end when the user asks for records */
  constructor(ask) {
    this.#ask = ask;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const radio of this.#form.elements.mode) radio.addEventListener("change", () => this.#choose(radio.value));
    for (const name of ["start", "end"]) {
      byId(name).addEventListener("change", () => {
        byId("end").setCustomValidity("");
        this.#range[name] = fromInput(byId(name).value);
        this.#requireRange();
        this.#tellUtc();
      });
    }
    for (const button of this.#form.querySelectorAll("[data-minutes]")) {
      button.addEventListener("click", () => {
        const end = present();
        this.#setRange(end - BigInt(button.dataset.minutes) * MINUTE_MS, end);
        this.#submit();
      });
    }
    for (const unit of document.querySelectorAll("[data-zone]")) unit.textContent = zone();
    this.#showFields("newest");
  }

  /** The key that is in the form, "" for none. */
  get key() {
    return byId("key").value;
  }

  /** How many records a page has. */
  get limit() {
    return Number(byId("limit").value);
  }

  /** Show what a route says. */
  show(route) {
    this.#form.elements.mode.value = route.mode;
    this.#showFields(route.mode);
    byId("partition").value = route.partition;
    byId("offset").value = route.offset;
    byId("key").value = route.key;
    this.#setRange(route.start, route.end);
  }

  get #mode() {
    return this.#form.elements.mode.value;
  }

  #choose(mode) {
    this.#showFields(mode);
    if (mode === "newest") this.#submit();
    if (mode === "time" && this.#range.start === null) this.#setRange(present() - HOUR_MS, present());
    if (mode === "position") {
      if (byId("partition").value === "") byId("partition").selectedIndex = Math.min(1, byId("partition").length - 1);
      if (byId("offset").value === "") byId("offset").value = "0";
    }
  }

  #showFields(mode) {
    for (const field of this.#form.querySelectorAll("[data-mode]")) field.hidden = field.dataset.mode !== mode;
    // By position means within one partition.
    const all = byId("partition").options[0];
    if (all) all.disabled = mode === "position";
    this.#requireRange();
    byId("offset").required = mode === "position";
  }

  #setRange(start, end) {
    this.#range = { start, end };
    byId("start").value = start === null ? "" : toInput(start);
    byId("end").value = end === null ? "" : toInput(end);
    this.#requireRange();
    this.#tellUtc();
  }

  /** A moment beyond the calendar, which a chart can choose, leaves its field empty. */
  #requireRange() {
    for (const name of ["start", "end"]) byId(name).required = this.#mode === "time" && this.#range[name] === null;
  }

  #tellUtc() {
    for (const name of ["start", "end"]) {
      const at = this.#range[name];
      byId(`${name}-utc`).textContent = at === null ? "" : utcText(at);
    }
  }

  #submit() {
    const mode = this.#mode;
    const asked = { mode, partition: byId("partition").value, key: this.key };
    if (mode === "time") {
      const { start, end } = this.#range;
      byId("end").setCustomValidity(start < end ? "" : "“From” must be before “To”.");
      if (!byId("end").reportValidity()) return;
      Object.assign(asked, this.#range);
    }
    if (mode === "position") {
      asked.partition ||= "0";
      asked.offset = byId("offset").value;
    }
    this.#ask(asked);
  }
}
