/** The view of records: a topic, the form that says which of its records, their chart and table, and the one that is open. */

import { LISTED, NOWHERE, differ, toHash } from "../app/address.js";
import { arrange } from "../app/layout.js";
import { apiOf, may, usedKey, whereOf, whyNoJobs } from "../app/state.js";
import { draftOf } from "../jobs/job-spec.js";
import { byId } from "../page/dom.js";
import { bytes, number } from "../page/format.js";
import { resendOne } from "../resend/resend.js";
import { Several } from "../resend/several.js";
import { DeadLetters } from "./dead-letters.js";
import { idOf } from "./listing.js";
import { RecordPanel } from "./record.js";
import { Results } from "./results.js";
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
  #search;
  #results;
  #table;
  #panel;
  #deadLetters;
  #allJob = byId("all-job");

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
    this.#search = new Search((asked) => go({ ...asked, record: "" }, true), () => this.#nameJob());
    this.#results = new Results(store, this.#table, {
      choose: (start, end) => go({ mode: "time", start, end, filter: this.#search.filter, record: "" }, true),
      address: (record) => this.#context().address(record),
      told: () => this.#nameJob(),
    });
    this.#deadLetters = new DeadLetters(store, propose, (record) => this.#context().address(record));
    this.#panel = new RecordPanel(
      () => go({ record: "" }),
      (record, key) => resendOne(this.#context(), record, key, used),
    );
    byId("selected-clear").addEventListener("click", () => this.#table.deselect(this.#table.selected.map(idOf)));
    byId("selected-resend").addEventListener("click", () => several.open(this.#context(), this.#table.selected));
    byId("selected-job").addEventListener("click", () =>
      propose({ topic: this.#shown.topic, mode: "selected", records: this.#table.selected }),
    );
    this.#allJob.addEventListener("click", () => {
      if (this.#search.reportValidity()) propose(draftOf({ ...store.state.route, filter: this.#search.filter }));
    });
    byId("topics-toggle").addEventListener("click", (event) => {
      const toggle = /** @type {HTMLElement} */ (event.currentTarget);
      this.#unfoldTopics(toggle.getAttribute("aria-expanded") !== "true");
    });
    store.listen((state) => {
      for (const button of [this.#allJob, byId("selected-job")]) button.hidden = whyNoJobs(state) !== null;
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
    this.#results.clear();
    this.#deadLetters.clear();
    this.#panel.hide();
    byId("topic").hidden = true;
    byId("no-topic").hidden = !may(this.#store.state, "read");
    arrange("with-topic", false);
  }

  /**
   * Show the head of the topic; false when the user has continued meanwhile.
   * @param {string} name
   */
  async #enterTopic(name) {
    this.#results.clear();
    this.#deadLetters.clear();
    this.#panel.hide();
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
    this.#results.list(route, this.#search.limit);
  }

  /** Say which records a job would be about: exactly those listed, as long as the form says the same. */
  #nameJob() {
    const { filter } = this.#store.state.route;
    const { found } = this.#results;
    let words = "Resend all as job …";
    if (filter !== "" && filter === this.#search.filter) {
      words = found ? `Resend ${found === 1 ? "this one" : `these ${number(found)}`} as job …` : "Resend all that match as job …";
    }
    this.#allJob.textContent = words;
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
