/** The part of a topic that says what its dead letters are: groups, read page by page, each of which is a job away. */

import { asError, isAbort } from "../api/errors.js";
import { apiOf, whereOf, whyNoJobs } from "../app/state.js";
import { announce, byId, make, problem, quoted } from "../page/dom.js";
import { localText, number, zone } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { NOTHING_READ, isGrouped, largestFirst, progressOf, redriveDraft, sizeWords, withGroups } from "./dead-letter-groups.js";

/**
 * @typedef {import("../api/bodies.d.ts").DeadLetterGroupItem} Group
 * @typedef {import("../jobs/job-spec.js").JobDraft} JobDraft
 */

/** More would be a page that nobody reads; the command line lists them all. */
const MOST_SHOWN = 100;

export class DeadLetters {
  #store;
  #propose;
  #address;
  #fold = byId("dead-letters", HTMLDetailsElement);
  #bar = new Bar("Progress of the grouping");
  #words = make("p", { class: "hint numbers" });
  #trouble = make("div", { class: "stack" });
  #stop = make("button", { type: "button", onclick: () => this.#asking.abort() }, "Stop");
  #more = make("button", { type: "button", class: "quiet", onclick: () => this.#readMore() });
  #list = make("ul", { class: "groups" });
  #others = make("p", { class: "hint" });
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #grouping = NOTHING_READ;
  #asking = new AbortController();

  /**
   * @param {import("../app/state.js").Store} store
   * @param {(draft: JobDraft) => void} propose called with what a job is to begin with
   * @param {(record: string) => string} address of a record in this page, by "partition-offset"
   */
  constructor(store, propose, address) {
    this.#store = store;
    this.#propose = propose;
    this.#address = address;
    const buttons = make("div", { class: "row" }, this.#stop, this.#more);
    const measure = make("div", { class: "measure" }, this.#bar.element, this.#words);
    byId("dead-letters-body").append(measure, buttons, this.#trouble, this.#list, this.#others);
    this.#fold.addEventListener("toggle", () => this.#toggle());
  }

  /** Forget what was found, and fold it. */
  clear() {
    this.#asking.abort();
    this.#fold.open = false;
    this.#forget();
  }

  #forget() {
    this.#grouping = NOTHING_READ;
    this.#rows.clear();
    for (const each of [this.#list, this.#others, this.#trouble, this.#words]) each.replaceChildren();
  }

  #toggle() {
    if (!this.#fold.open) this.#asking.abort();
    else if (!this.#grouping.begun) this.#read();
  }

  #readMore() {
    if (isGrouped(this.#grouping)) this.#forget();
    this.#read();
  }

  /** Read on from where it ended. */
  async #read() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const { state } = this.#store;
    const [api, where, { topic }] = [apiOf(state), whereOf(state), state.route];
    this.#trouble.replaceChildren();
    this.#words.textContent ||= "Reading …";
    this.#reading(true);
    try {
      while (!isGrouped(this.#grouping)) {
        const answer = await api.deadLetters(where, { topic, cursor: this.#grouping.cursor }, signal);
        if (signal.aborted) break;
        this.#grouping = withGroups(this.#grouping, answer);
        this.#draw(topic);
      }
      if (isGrouped(this.#grouping)) announce(`${progressOf(this.#grouping).words}.`);
    } catch (error) {
      if (!isAbort(error)) this.#trouble.replaceChildren(problem(asError(error), { role: "alert" }));
    }
    // Nothing else is read meanwhile.
    if (this.#asking.signal === signal) this.#reading(false);
  }

  /** @param {boolean} is */
  #reading(is) {
    const focused = document.activeElement;
    const done = isGrouped(this.#grouping);
    this.#stop.hidden = !is;
    this.#more.hidden = is;
    this.#bar.element.hidden = !is && done;
    if (!is && !this.#grouping.begun) this.#words.textContent = "";
    this.#more.textContent = done ? "Read again" : "Continue";
    // The one that had the focus cannot have it any more.
    if (is && focused === this.#more) this.#stop.focus();
    if (!is && focused === this.#stop) this.#more.focus();
  }

  /** @param {string} topic */
  #draw(topic) {
    const { share, words } = progressOf(this.#grouping);
    this.#bar.show(share, "running");
    this.#words.textContent = words;
    const groups = largestFirst(this.#grouping);
    const shown = new Map(groups.slice(0, MOST_SHOWN));
    const focused = document.activeElement;
    for (const [key, row] of this.#rows) {
      if (shown.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    [...shown].forEach(([key, group], index) => {
      const row = this.#rows.get(key) ?? this.#enter(topic, key, group);
      row.show(group, this.#address);
      const there = this.#list.children[index] ?? null;
      if (there !== row.element) this.#list.insertBefore(row.element, there);
    });
    // A row that has moved has lost it.
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus();
    const more = groups.length - shown.size;
    this.#others.textContent = more ? `${number(more)} smaller groups are not shown: kafka-resend dead-letters lists all.` : "";
  }

  /**
   * @param {string} topic
   * @param {string} key
   * @param {Group} group
   */
  #enter(topic, key, group) {
    const draft = redriveDraft(topic, group);
    const propose = draft === null || whyNoJobs(this.#store.state) !== null ? null : () => this.#propose(draft);
    const row = new Row(group, propose);
    this.#rows.set(key, row);
    return row;
  }
}

/** A group in the list. */
class Row {
  element;
  #size = make("strong");
  #places = make("p", { class: "hint" });
  #shown = "";

  /**
   * @param {Group} group
   * @param {(() => void)|null} propose have its records sent back
   */
  constructor(group, propose) {
    const origin = group.dialect === null
      ? [", no dead letters: ", quoted(group.problem ?? "")]
      : [" of topic ", named(group.topic), ", group ", named(group.group)];
    const reason = group.dialect === null ? null : make("p", {}, "Reason: ", named(group.reason));
    const button = propose && make("button", { type: "button", onclick: propose }, "Redrive as job …");
    this.element = make("li", {}, make("p", {}, this.#size, ...origin), reason, this.#places, button);
  }

  /**
   * @param {Group} group
   * @param {(record: string) => string} address
   */
  show(group, address) {
    const { dialect, first_time: first, last_time: last, example: { partition, message_offset: offset } } = group;
    const times = first === null || last === null ? "" : `${localText(first)} to ${localText(last)} ${zone(last)}, `;
    const words = `${dialect === null ? "" : `${dialect}, `}${times}such as `;
    const shown = `${sizeWords(group)} ${words}${partition} ${offset}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#size.textContent = sizeWords(group);
    const link = make("a", { href: address(`${partition}-${offset}`) }, `partition ${partition}, offset ${offset}`);
    this.#places.replaceChildren(words, link);
  }
}

/** @param {string|null} text */
const named = (text) => (text === null ? make("span", { class: "none" }, "not named") : quoted(text));
