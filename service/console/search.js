/** The form that says which records to list: the newest, those of a time, those from a position on. */

import { byId } from "./dom.js";
import { toInput, utcText, zone } from "./format.js";

const HOUR_MS = 3_600_000;

export class Search {
  #form = byId("search");
  #ask;
  #range = { start: null, end: null };

  /** @param {function(Object)} ask called with mode, partition, offset, start and end when the user asks for records */
  constructor(ask) {
    this.#ask = ask;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const radio of this.#form.elements.mode) radio.addEventListener("change", () => this.#choose(radio.value));
    for (const name of ["start", "end"]) {
      byId(name).addEventListener("change", () => {
        const at = new Date(byId(name).value).getTime();
        this.#range[name] = Number.isNaN(at) ? null : at;
        this.#tellUtc();
      });
    }
    for (const button of this.#form.querySelectorAll("[data-minutes]")) {
      button.addEventListener("click", () => {
        const end = Date.now();
        this.#setRange(end - Number(button.dataset.minutes) * 60_000, end);
        this.#submit();
      });
    }
    for (const unit of document.querySelectorAll("[data-zone]")) unit.textContent = zone();
    this.#showFields("newest");
  }

  /** The key to filter by, "" for none. It never stands in the address: it is out of a record. */
  get key() {
    return byId("key").value;
  }

  /** How many records a page has. */
  get limit() {
    return Number(byId("limit").value);
  }

  /** Show what a place says. */
  show(place) {
    this.#form.elements.mode.value = place.mode;
    this.#showFields(place.mode);
    byId("partition").value = place.partition;
    byId("offset").value = place.offset;
    if (place.start !== null && place.end !== null) this.#setRange(place.start, place.end);
  }

  get #mode() {
    return this.#form.elements.mode.value;
  }

  #choose(mode) {
    this.#showFields(mode);
    if (mode === "newest") this.#submit();
    if (mode === "time" && this.#range.start === null) this.#setRange(Date.now() - HOUR_MS, Date.now());
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
    byId("start").required = byId("end").required = mode === "time";
    byId("offset").required = mode === "position";
  }

  #setRange(start, end) {
    this.#range = { start, end };
    byId("start").value = toInput(start);
    byId("end").value = toInput(end);
    this.#tellUtc();
  }

  #tellUtc() {
    for (const name of ["start", "end"]) {
      const at = this.#range[name];
      byId(`${name}-utc`).textContent = at === null ? "" : utcText(at);
    }
  }

  #submit() {
    const mode = this.#mode;
    const asked = { mode, partition: byId("partition").value };
    if (mode === "time") Object.assign(asked, this.#range);
    if (mode === "position") {
      asked.partition ||= "0";
      asked.offset = byId("offset").value;
    }
    this.#ask(asked);
  }
}
