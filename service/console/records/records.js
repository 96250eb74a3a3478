/** The view of records: a topic, the form that says which of its records, their chart and table, and the one that is open. */

import { asError, isAbort } from "../api/errors.js";
import { LISTED, NOWHERE, differ, toHash } from "../app/address.js";
import { arrange } from "../app/layout.js";
import { apiOf, instanceOf, may, usedKey, whereOf, whyNoJobs } from "../app/state.js";
import { draftOf } from "../jobs/job-spec.js";
import { announce, byId, problem } from "../page/dom.js";
import { bytes, number, plural, present } from "../page/format.js";
import { resendOne } from "../resend/resend.js";
import { Several } from "../resend/several.js";
import { Histogram } from "./histogram.js";
import { countWords, idOf, isBounded, listingOf, spanOf } from "./listing.js";
import { RecordPanel } from "./record.js";
import { Search } from "./search.js";
import { RecordTable } from "./table.js";
import { focusTopic, showTopic } from "./topic-head.js";

/**
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../app/router.js").View} View
 */

/** @implements {View} */
export class RecordsView {
  #store;
  #topics;
  /** What is shown, which stays as it is while one looks at jobs. */
  #shown = NOWHERE;
  /** @type {import("../api/bodies.d.ts").TopicItem|null} */
  #topic = null;
  #page = new AbortController();
  #listing = listingOf(NOWHERE, 0);
  #search;
  #histogram;
  #table;
  #panel;
  #more = byId("more");

  /**
   * @param {import("../app/state.js").Store} store
   * @param {import("../app/router.js").Go} go
   * @param {import("./topics.js").Topics} topics
   * @param {(draft: import("../jobs/job-spec.js").JobDraft) => void} propose called with what a job is to begin with
   */
  constructor(store, go, topics, propose) {
    this.#store = store;
    this.#topics = topics;
    const used = (/** @type {string} */ key) => store.change(usedKey, key);
    const several = new Several((ids) => this.#table.deselect(ids), used);
    this.#table = new RecordTable((record) => go({ record: idOf(record) }), (selected) => this.#tellSelected(selected));
    this.#search = new Search((asked) => go({ ...asked, record: "" }, true));
    this.#histogram = new Histogram((start, end) =>
      go({ mode: "time", start, end, key: this.#search.key, record: "" }, true),
    );
    this.#panel = new RecordPanel(
      () => go({ record: "" }),
      (record, key) => resendOne(this.#context(), record, key, used),
    );
    this.#more.addEventListener("click", () => this.#load());
    byId("selected-clear").addEventListener("click", () => this.#table.deselect(this.#table.selected.map(idOf)));
    byId("selected-resend").addEventListener("click", () => several.open(this.#context(), this.#table.selected));
    byId("selected-job").addEventListener("click", () =>
      propose({ topic: this.#shown.topic, mode: "selected", records: this.#table.selected }),
    );
    byId("all-job").addEventListener("click", () => propose(draftOf(store.state.route, this.#search.key)));
    byId("topics-toggle").addEventListener("click", (event) => {
      const toggle = /** @type {HTMLElement} */ (event.currentTarget);
      this.#unfoldTopics(toggle.getAttribute("aria-expanded") !== "true");
    });
    store.listen((state) => {
      for (const id of ["all-job", "selected-job"]) byId(id).hidden = whyNoJobs(state) !== null;
    });
  }

  /** @param {boolean} force list the records again, also those that are listed already */
  async show(force) {
    const { route } = this.#store.state;
    const before = this.#shown;
    this.#topics.mark(route.topic);
    if (route.topic === "") {
      this.#leaveTopic();
      return;
    }
    this.#shown = route;
    const moved = differ(before, route, ["topic"]);
    if (moved && !(await this.#enterTopic(route.topic))) return;
    if (force || differ(before, route, LISTED)) this.#list();
    if (force || moved || differ(before, route, ["record"])) this.#showRecord(before.record);
  }

  /** It stays as it is, unseen. */
  leave() {}

  clear() {
    this.#leaveTopic();
    this.#topics.clear();
  }

  focus() {
    if (this.#store.state.route.topic === "") this.#topics.focus();
    else focusTopic({ preventScroll: true });
  }

  #context() {
    const { state } = this.#store;
    const { route } = state;
    return {
      api: apiOf(state),
      where: whereOf(state),
      topic: route.topic,
      refusal: this.#refusal(),
      address: (/** @type {string} */ record) => toHash({ ...route, record }),
    };
  }

  /** Why records of the topic cannot be resent from here; null if they can, as far as is known. */
  #refusal() {
    if (!may(this.#store.state, "resend")) return "Your token may look at records here, not resend them.";
    if (this.#topic === null || this.#topic.resend_allowed) return null;
    return this.#topic.resend_refusal?.error_msg ?? "This topic's records are not resent.";
  }

  #leaveTopic() {
    this.#topic = null;
    this.#shown = { ...this.#shown, topic: "" };
    this.#page.abort();
    this.#panel.hide();
    this.#table.clear();
    byId("topic").hidden = true;
    byId("no-topic").hidden = !may(this.#store.state, "read");
    arrange("with-topic", false);
  }

  /**
   * Show the head of the topic; false when the user has continued meanwhile.
   * @param {string} name
   */
  async #enterTopic(name) {
    this.#page.abort();
    this.#table.clear();
    this.#panel.hide();
    this.#histogram.say("");
    byId("count").textContent = "";
    byId("records-problem").replaceChildren();
    byId("topic").hidden = false;
    byId("no-topic").hidden = true;
    arrange("with-topic", true);
    this.#unfoldTopics(false);
    this.#setTopic(name, null);
    const topic = await this.#topics.find(name).catch(() => null);
    if (this.#shown.topic !== name) return false;
    this.#setTopic(name, topic);
    return true;
  }

  /**
   * @param {string} name
   * @param {import("../api/bodies.d.ts").TopicItem|null} topic
   */
  #setTopic(name, topic) {
    this.#topic = topic;
    showTopic(name, topic);
    this.#search.offerPartitions((topic?.partitions ?? []).map(({ partition }) => partition));
  }

  /** @param {boolean} unfolded whether the list of topics is seen where there is no room for it beside the records */
  #unfoldTopics(unfolded) {
    arrange("topics-unfolded", unfolded);
    byId("topics-toggle").setAttribute("aria-expanded", String(unfolded));
    if (unfolded) this.#topics.focusSearch();
  }

  /** List the records of the route, from the first page on. */
  #list() {
    const { route } = this.#store.state;
    this.#search.show(route);
    this.#table.clear();
    this.#histogram.say("");
    this.#listing = listingOf(route, this.#search.limit);
    if (route.mode === "time") this.#drawChart(route.start, route.end);
    this.#load();
  }

  async #load() {
    this.#page.abort();
    this.#page = new AbortController();
    const { signal } = this.#page;
    const { state } = this.#store;
    const listing = this.#listing;
    const first = listing.cursor === null;
    byId("records-problem").replaceChildren();
    byId("count").textContent = "Reading …";
    this.#more.hidden = true;
    this.#table.busy(true);
    try {
      let found;
      do {
        found = await apiOf(state).messages(whereOf(state), { ...listing.query, cursor: listing.cursor }, signal);
        listing.cursor = found.cursor;
        // A page on the way may be empty; a search that was stopped continues only when the user says so.
      } while (found.messages.length === 0 && found.cursor !== null && !isBounded(found.scan));
      this.#table.append(found.messages);
      if (first) Object.assign(listing, { total: found.total, relation: found.total_relation });
      this.#tellCount(found.scan);
      if (first && state.route.mode !== "time") this.#drawSpan();
    } catch (error) {
      if (isAbort(error)) return;
      byId("count").textContent = "";
      byId("records-problem").replaceChildren(problem(asError(error)));
      this.#more.hidden = listing.cursor === null;
    } finally {
      if (!signal.aborted) this.#table.busy(false);
    }
  }

  /** @param {import("./listing.js").Scan} scan */
  #tellCount(scan) {
    const words = countWords(this.#table.records.length, this.#listing, scan);
    this.#more.hidden = this.#listing.cursor === null;
    this.#more.textContent = isBounded(scan) ? "Continue the search" : `Load ${this.#search.limit} more`;
    byId("count").textContent = words;
    announce(words);
  }

  /** Draw the chart of the time that the listed records span. */
  #drawSpan() {
    const found = spanOf(this.#table.records, present());
    if (found === null) return;
    const { start, end, left } = found;
    this.#drawChart(start, end, left ? `Not in the chart: ${plural(left, "listed record")} with a time after tomorrow.` : "");
  }

  /**
   * @param {bigint|null} start
   * @param {bigint|null} end
   * @param {string} note
   */
  #drawChart(start, end, note = "") {
    const { state } = this.#store;
    if (instanceOf(state)?.embedded) {
      this.#histogram.say("No chart of records over time: a broker in memory has no look-up by time.");
      return;
    }
    if (start === null || end === null || start >= end) return;
    const { topic, partition } = state.route;
    this.#histogram.show(apiOf(state), whereOf(state), { topic, partition, start_time: start, end_time: end }, note);
  }

  /** @param {string} before the record that was open */
  #showRecord(before) {
    const { record } = this.#store.state.route;
    this.#table.mark(record);
    if (record === "") {
      this.#panel.hide();
      if (before && !this.#table.focusRecord(before)) focusTopic();
      return;
    }
    const [partition, offset] = record.split("-");
    this.#panel.show(this.#context(), partition, offset);
  }

  /** @param {Message[]} selected */
  #tellSelected(selected) {
    const size = selected.reduce((sum, record) => sum + record.size, 0);
    byId("selected").hidden = selected.length === 0;
    byId("selected-count").textContent = `${number(selected.length)} selected, ${bytes(size)}`;
    byId("selected-resend", HTMLButtonElement).disabled = this.#refusal() !== null;
  }
}
