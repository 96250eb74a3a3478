/** How far consumer groups have committed past the copies of the job that is open. It is asked when the user wants to know. */

import { ApiError, asError } from "../api/errors.js";
import { announce, make, problem, quoted } from "../page/dom.js";
import { localText, plural, utcText, zone } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { deletedWords, groupShare, groupWords, hasCopies, summaryWords, toAskAgain, withAnswer } from "./consumer-words.js";

/**
 * @typedef {import("../api/bodies.d.ts").ConsumersResponse} Answer
 * @typedef {import("../api/bodies.d.ts").JobResponse} Job
 * @typedef {import("./consumer-words.js").Seen} Seen
 */

/**
 * Ask about these groups, or about all that the cluster names.
 * @typedef {(groups: readonly string[], signal: AbortSignal) => Promise<Answer>} Ask
 */

const AGAIN_MS = 2000;
const MOST_CHARACTERS = 255;
const WHAT_IT_PROVES =
  "Kafka keeps the offset that a group reads next. A group that has committed past a copy does not read it again. " +
  "That it has processed the copy is not said: it may have skipped it.";

export class ConsumerGroups {
  /** What to put into the page. */
  element;
  #ask;
  #job;
  /** @type {Seen[]} */
  #groups = [];
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #name = make("input", {
    id: "job-group", list: "job-groups", spellcheck: "false", autocomplete: "off", maxlength: MOST_CHARACTERS,
    placeholder: "all groups",
  });
  #names = make("datalist", { id: "job-groups" });
  #button = make("button", {}, "Look at the groups");
  #list = make("ul", { class: "groups" });
  #notes = make("div", { class: "stack" });
  #trouble = make("div", { class: "stack" });
  #timer = 0;
  #asking = new AbortController();
  #left = new AbortController();

  /**
   * @param {Job} job
   * @param {Ask} ask
   */
  constructor(job, ask) {
    this.#job = job;
    this.#ask = ask;
    const field = make("div", { class: "field" }, make("label", { for: "job-group" }, "Group"), this.#name, this.#names);
    const form = make("form", { class: "row", onsubmit: (event) => this.#submit(event) }, field, this.#button);
    this.element = make(
      "section",
      { "aria-labelledby": "job-groups-title" },
      make("h3", { id: "job-groups-title" }, "Consumer groups"),
      form,
      this.#trouble,
      this.#list,
      this.#notes,
      make("p", { class: "hint" }, WHAT_IT_PROVES),
    );
    const { signal } = this.#left;
    document.addEventListener("visibilitychange", () => this.#button.ariaBusy || this.#later(), { signal });
  }

  /**
   * Show what belongs to the job as it is now.
   * @param {Job} job
   */
  show(job) {
    this.#job = job;
    this.element.hidden = !hasCopies(job);
  }

  /** Stop: what is still being asked is not waited for. */
  leave() {
    this.#left.abort();
    this.#asking.abort();
    clearTimeout(this.#timer);
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const name = this.#name.value.trim();
    this.#button.ariaBusy = "true";
    const answer = await this.#look(name === "" ? [] : [name]);
    if (answer === null) return;
    this.#button.ariaBusy = null;
    this.#groups = answer instanceof Error ? [] : withAnswer([], answer);
    this.#draw();
    this.#notes.replaceChildren(...(answer instanceof Error ? [] : notes(answer)));
    if (answer instanceof Error) return;
    announce(summaryWords(this.#groups));
    this.#later();
  }

  /** Look again soon, if a group is under way and the page is visible. */
  #later() {
    clearTimeout(this.#timer);
    if (document.hidden || toAskAgain(this.#groups, this.#job).length === 0) return;
    this.#timer = window.setTimeout(() => this.#lookAgain(), AGAIN_MS);
  }

  async #lookAgain() {
    const before = this.#groups;
    const answer = await this.#look(toAskAgain(before, this.#job));
    if (answer === null) return;
    if (!(answer instanceof Error)) {
      this.#groups = withAnswer(before, answer);
      this.#draw();
      const passed = new Set(before.filter(({ group }) => group.state === "passed").map(({ group }) => group.group));
      const news = this.#groups.filter(({ group }) => group.state === "passed" && !passed.has(group.group));
      if (news.length > 0) announce(news.map((seen) => `${seen.group.group} ${groupWords(seen)}.`).join(" "));
    }
    if (!(answer instanceof Error) || mayPass(answer)) this.#later();
  }

  /**
   * @param {readonly string[]} names none for all
   * @returns {Promise<Answer|Error|null>} null: something else was asked meanwhile, or the view was left
   */
  async #look(names) {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const [asked] = await Promise.allSettled([this.#ask(names, signal)]);
    if (signal.aborted) return null;
    const answer = asked.status === "fulfilled" ? asked.value : asError(asked.reason);
    this.#trouble.replaceChildren(...(answer instanceof Error ? [problem(answer, { role: "alert" })] : []));
    return answer;
  }

  #draw() {
    const names = new Set(this.#groups.map(({ group }) => group.group));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.#rows.delete(name);
    }
    this.#groups.forEach((seen, index) => {
      const { group: name } = seen.group;
      const row = this.#rows.get(name) ?? this.#enter(name);
      row.show(seen);
      const there = this.#list.children[index] ?? null;
      if (there !== row.element) this.#list.insertBefore(row.element, there);
    });
  }

  /** @param {string} name of a group that is not shown yet */
  #enter(name) {
    const row = new Row(name);
    this.#rows.set(name, row);
    const offered = [...this.#names.options].some((option) => option.value === name);
    if (!offered) this.#names.append(make("option", { value: name }));
    return row;
  }
}

/** A group in the list. */
class Row {
  element;
  #bar;
  #words = make("span");
  #more = make("div");

  /** @param {string} name */
  constructor(name) {
    this.#bar = new Bar(`Copies that ${name} has committed past`);
    const line = make("p", {}, quoted(name, { class: "strong" }), " ", this.#words);
    this.element = make("li", {}, line, this.#bar.element, this.#more);
  }

  /** @param {Seen} seen */
  show(seen) {
    const { group, checkedAt } = seen;
    const done = groupShare(seen);
    const words = groupWords(seen);
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#bar.element.hidden = done === null;
    this.#bar.show(done ?? 0, group.state === "passed" ? "succeeded" : "running");
    const time = make("span", { title: utcText(checkedAt) }, `Checked at ${localText(checkedAt).slice(0, 19)} ${zone(checkedAt)}.`);
    const why = group.reason ? [quoted(group.reason), " ", make("code", {}, group.error_code ?? "")] : [];
    const lines = [why, [deletedWords(group)], [time]].filter(([first]) => first);
    this.#more.replaceChildren(...lines.map((line) => make("p", { class: "hint" }, ...line)));
  }
}

/**
 * What an answer says beside its groups.
 * @param {Answer} answer
 */
function notes({ groups, complete, reason, copies_unplaced: unplaced }) {
  const said = [];
  if (groups.length === 0) {
    const words = "No consumer group is known to have committed anything where the copies are. Name one to ask for it.";
    said.push(make("p", {}, words));
  }
  if (!complete) said.push(make("p", { class: "notice warn" }, "Groups may be missing: ", quoted(reason ?? "")));
  if (unplaced) {
    const words = `Of ${plural(unplaced, "copy", "copies")} it is not known in which partition they are.`;
    said.push(make("p", { class: "notice warn" }, words));
  }
  return said;
}

/**
 * Whether the same question may be answered the next time.
 * @param {Error} error
 */
const mayPass = (error) => error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
