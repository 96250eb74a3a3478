/** The list of topics. */

import { asError, isAbort } from "../api/errors.js";
import { apiOf, whereOf } from "../app/state.js";
import { announce, byId, make, oneTabStop, problem, quoted } from "../page/dom.js";
import { number, plural } from "../page/format.js";

/** @typedef {import("../api/bodies.d.ts").TopicItem} Topic */

const PAGE = 200;
const SEARCH_DELAY_MS = 200;

export class Topics {
  #store;
  #choose;
  #search = byId("topic-search", HTMLInputElement);
  /** @type {Topic[]} */
  #topics = [];
  #total = 0;
  #chosen = "";
  #asking = new AbortController();
  #refresh = oneTabStop(byId("topic-list"), "button");

  /**
   * @param {import("../app/state.js").Store} store
   * @param {(name: string) => void} choose called with the name of a topic that the user takes
   */
  constructor(store, choose) {
    this.#store = store;
    this.#choose = choose;
    let timer = 0;
    this.#search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.#load(0), SEARCH_DELAY_MS);
    });
    byId("topics-more").addEventListener("click", () => this.#load(this.#topics.length));
  }

  /** Show the topics of the instance; resolves when they are there. */
  async open() {
    this.#search.value = "";
    await this.#load(0);
  }

  clear() {
    this.#asking.abort();
    this.#topics = [];
    this.#chosen = "";
    byId("topics-problem").replaceChildren();
    this.#draw();
    byId("topics-note").textContent = "";
  }

  get names() {
    return this.#topics.map((topic) => topic.name);
  }

  focus() {
    byId("topics-title").focus({ preventScroll: true });
  }

  focusSearch() {
    this.#search.focus();
  }

  /**
   * What is known about a topic, also when it is on no page that was loaded; null if there is none.
   * @param {string} name
   * @returns {Promise<Topic|null>}
   */
  async find(name) {
    const loaded = this.#topics.find((topic) => topic.name === name);
    if (loaded) return loaded;
    const found = await this.#ask({ name, limit: 1000 });
    return found.topics.find((topic) => topic.name === name) ?? null;
  }

  /**
   * Mark the topic that is chosen.
   * @param {string} name "" for none
   */
  mark(name) {
    this.#chosen = name;
    for (const button of this.#buttons()) {
      button.ariaCurrent = button.value === name ? "true" : null;
      if (button.value === name) this.#refresh(button);
    }
  }

  /**
   * @param {import("../api/api.js").Query} query
   * @param {AbortSignal} [signal]
   */
  #ask(query, signal) {
    const { state } = this.#store;
    return apiOf(state).topics(whereOf(state), query, signal);
  }

  #buttons() {
    return [...byId("topic-list").querySelectorAll("button")];
  }

  /** @param {number} offset how many of them are there already */
  async #load(offset) {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    byId("topics-problem").replaceChildren();
    try {
      const page = await this.#ask({ name: this.#search.value, limit: PAGE, offset }, signal);
      this.#topics = offset ? [...this.#topics, ...page.topics] : page.topics;
      this.#total = page.total;
      this.#draw();
      byId("topics-note").textContent = this.#total ? "" : "No topic with this name is available to you.";
      announce(`${plural(this.#total, "topic")}.`);
    } catch (error) {
      if (isAbort(error)) return;
      this.#topics = [];
      this.#draw();
      byId("topics-problem").replaceChildren(problem(asError(error)));
    }
  }

  #draw() {
    const focused = this.#buttons().find((button) => button === document.activeElement)?.value ?? null;
    byId("topic-list").replaceChildren(...this.#topics.map((topic) => this.#item(topic)));
    this.#refresh();
    byId("topics-more").hidden = this.#topics.length >= this.#total || this.#topics.length === 0;
    if (focused === null) return;
    // The button that had the focus is gone; its successor takes it, or the search field.
    (this.#buttons().find((button) => button.value === focused) ?? this.#search).focus();
  }

  /** @param {Topic} topic */
  #item(topic) {
    // What Kafka's ACLs hide from the service is null.
    const facts = topic.partition === null ? [] : [plural(topic.partition, "partition")];
    if (topic.record_count === 0) facts.push("empty");
    else if (topic.record_count !== null) facts.push(`≤ ${number(topic.record_count)} records`);
    const refused = topic.resend_allowed ? null : make("span", { class: "tag" }, "no resend");
    const button = make(
      "button",
      {
        type: "button",
        value: topic.name,
        "aria-current": topic.name === this.#chosen ? "true" : null,
        title: topic.resend_refusal?.error_msg,
        onclick: () => this.#choose(topic.name),
      },
      make("span", { class: "name" }, quoted(topic.name)),
      make("span", { class: "about" }, facts.join(", "), " ", refused),
    );
    return make("li", {}, button);
  }
}
