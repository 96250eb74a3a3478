/** What a search finds: the table, how far the search is while it runs, what has become of each record, and the chart. */

import { asError, isAbort } from "../api/errors.js";
import { apiOf, instanceOf, whereOf } from "../app/state.js";
import { filterProblems } from "../filter/filter-words.js";
import { announce, byId, make, problem } from "../page/dom.js";
import { plural, present } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { Histogram } from "./histogram.js";
import { countWords, isComplete, listingOf, orderWords, progressWords, shareOf, spanOf } from "./listing.js";
import { readOn } from "./scan.js";

/**
 * @typedef {import("../app/address.js").Route} Route
 * @typedef {import("./listing.js").Listing} Listing
 */

/** A search that takes no longer needs no word of how far it is. */
const SOON_MS = 400;
const UNFILTERED = "The chart counts all records of that time, those too that do not match.";

export class Results {
  #store;
  #table;
  #address;
  #told;
  #histogram;
  /** @type {Listing|null} */
  #listing = null;
  #limit = 0;
  #charted = false;
  #asking = new AbortController();
  #timer = 0;
  #bar = new Bar("Progress of the search");
  #words = make("p", { class: "hint numbers" });
  #scanning = byId("scanning");
  #count = byId("count");
  #order = byId("order");
  #more = byId("more");
  #stop = byId("stop-search");

  /**
   * @param {import("../app/state.js").Store} store
   * @param {import("./table.js").RecordTable} table
   * @param {Object} calls
   * @param {(start: bigint, end: bigint) => void} calls.choose called with a range of time that is chosen in the chart
   * @param {(record: string) => string} calls.address of a record in this page, by "partition-offset"
   * @param {() => void} calls.told called when it is known how many records there are, or no longer known
   */
  constructor(store, table, { choose, address, told }) {
    this.#store = store;
    this.#table = table;
    this.#address = address;
    this.#told = told;
    this.#histogram = new Histogram(choose);
    this.#scanning.append(this.#bar.element, this.#words);
    this.#more.addEventListener("click", () => this.#read());
    this.#stop.addEventListener("click", () => this.#asking.abort());
  }

  /** How many records the search with a filter has found, where it has read everything; null where that is not known. */
  get found() {
    const listing = this.#listing;
    return listing?.filtered && isComplete(listing) ? listing.counts.matched : null;
  }

  /** Forget what is listed. */
  clear() {
    this.#listing = null;
    this.#asking.abort();
    this.#table.clear();
    this.#histogram.say("");
    this.#reading(false);
    this.#count.textContent = "";
    this.#order.textContent = "";
    for (const id of ["records-problem", "filter-problems"]) byId(id).replaceChildren();
    this.#told();
  }

  /**
   * List the records of a route, from the first one on.
   * @param {Route} route
   * @param {number} limit how many at once
   */
  list(route, limit) {
    this.clear();
    this.#listing = listingOf(route);
    this.#limit = limit;
    this.#order.textContent = orderWords(route.mode);
    this.#charted = route.mode === "time";
    if (this.#charted) this.#drawChart(route.start, route.end, route.filter === "" ? "" : UNFILTERED);
    this.#read();
  }

  /** Read on from where the list ends. */
  async #read() {
    const { state } = this.#store;
    if (this.#listing === null) return;
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const [api, where, begun] = [apiOf(state), whereOf(state), this.#listing];
    byId("records-problem").replaceChildren();
    this.#reading(true);
    let stopped = true;
    try {
      for await (const { listing, messages } of readOn((query) => api.messages(where, query, signal), begun, this.#limit)) {
        if (signal.aborted) break;
        this.#listing = listing;
        if (messages.length) this.#table.append(messages);
        this.#tellProgress(listing);
      }
      stopped = signal.aborted;
    } catch (error) {
      if (!isAbort(error)) byId("records-problem").replaceChildren(problem(asError(error)));
    }
    // Another search has taken its place, or none is to be seen any more.
    if (this.#asking.signal !== signal || this.#listing === null) return;
    this.#reading(false);
    this.#tellEnd(stopped);
  }

  /** @param {boolean} is */
  #reading(is) {
    clearTimeout(this.#timer);
    this.#table.busy(is);
    const focused = document.activeElement;
    if (is) {
      this.#count.textContent = "Searching …";
      const show = () => {
        this.#scanning.hidden = this.#words.textContent === "";
        this.#stop.hidden = false;
      };
      this.#words.textContent = "";
      this.#timer = window.setTimeout(show, SOON_MS);
      // The button that had the focus cannot have it any more.
      if (focused === this.#more) {
        show();
        this.#stop.focus();
      }
      this.#more.hidden = true;
      return;
    }
    this.#more.hidden = this.#listing === null || isComplete(this.#listing);
    if (focused === this.#stop) (this.#more.hidden ? this.#table : this.#more).focus();
    this.#scanning.hidden = true;
    this.#stop.hidden = true;
  }

  /** @param {Listing} listing */
  #tellProgress(listing) {
    this.#bar.show(shareOf(listing), "running");
    this.#words.textContent = progressWords(listing);
    // From then on there is something to tell.
    if (!this.#stop.hidden) this.#scanning.hidden = false;
  }

  /** @param {boolean} stopped before the page was full */
  #tellEnd(stopped) {
    const listing = this.#listing;
    if (listing === null) return;
    this.#more.textContent = stopped ? "Continue the search" : `Load ${this.#limit} more`;
    if (!listing.begun) {
      // After an error there is nothing to continue from: the form searches again.
      this.#count.textContent = stopped && byId("records-problem").childElementCount === 0 ? "Stopped." : "";
      this.#more.hidden = this.#count.textContent === "";
      return;
    }
    const words = countWords(this.#table.records.length, listing);
    this.#count.textContent = words;
    if (listing.filtered) byId("filter-problems").replaceChildren(...problemsOf(listing, this.#recordAddress));
    announce(words);
    if (!this.#charted) this.#drawSpan();
    this.#told();
  }

  /** @type {(partition: number, offset: bigint) => string} */
  #recordAddress = (partition, offset) => this.#address(`${partition}-${offset}`);

  /** Draw the chart of the time that the listed records span. */
  #drawSpan() {
    const found = spanOf(this.#table.records, present());
    if (found === null) return;
    this.#charted = true;
    const { start, end, left } = found;
    const notes = this.#listing?.filtered ? [UNFILTERED] : [];
    if (left) notes.push(`Not in the chart: ${plural(left, "listed record")} with a time after tomorrow.`);
    this.#drawChart(start, end, notes.join(" "));
  }

  /**
   * @param {bigint|null} start
   * @param {bigint|null} end
   * @param {string} note
   */
  #drawChart(start, end, note) {
    const { state } = this.#store;
    if (instanceOf(state)?.embedded) {
      this.#histogram.say("No chart of records over time: a broker in memory has no look-up by time.");
      return;
    }
    if (start === null || end === null || start >= end) return;
    const { topic, partition } = state.route;
    this.#histogram.show(apiOf(state), whereOf(state), { topic, partition, start_time: start, end_time: end }, note);
  }
}

/**
 * What may be wrong with a filter. That some values are no JSON the count says; where nothing matches, it is a reason.
 * @param {Listing} listing
 * @param {(partition: number, offset: bigint) => string} address
 */
const problemsOf = ({ counts, ...listing }, address) =>
  filterProblems({ ...listing, counts: { ...counts, not_json: counts.matched ? 0 : counts.not_json } }, address);
