/** The list of topics, and what the page says about the one that was chosen. */

import { announce, byId, make, oneTabStop, problem, quoted } from "./dom.js";
import { number, plural, span } from "./format.js";

const PAGE = 200;
const SEARCH_DELAY_MS = 200;

export class Topics {
  #choose;
  #topics = [];
  #total = 0;
  #chosen = "";
  #api = null;
  #where = null;
  #asking = null;
  #refresh = oneTabStop(byId("topic-list"), "button");

  /** @param {function(string)} choose called with the name of a topic that the user takes */
  constructor(choose) {
    this.#choose = choose;
    let timer;
    byId("topic-search").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#load(0), SEARCH_DELAY_MS);
    });
    byId("topics-more").addEventListener("click", () => this.#load(this.#topics.length));
  }

  /** Show the topics of an instance; resolves when they are there. */
  async open(api, where) {
    this.#api = api;
    this.#where = where;
    byId("topic-search").value = "";
    await this.#load(0);
  }

  clear() {
    this.#asking?.abort();
    this.#topics = [];
    this.#chosen = "";
    byId("topics-problem").replaceChildren();
    this.#draw();
    byId("topics-note").textContent = "";
  }

  get names() {
    return this.#topics.map((topic) => topic.name);
  }

  /** What is known about a topic, also when it is on no page that was loaded; null if there is none. */
  async find(name, signal) {
    const loaded = this.#topics.find((topic) => topic.name === name);
    if (loaded) return loaded;
    const found = await this.#api.topics(this.#where, { name, limit: 1000 }, signal);
    return found.topics.find((topic) => topic.name === name) ?? null;
  }

  mark(name) {
    this.#chosen = name;
    for (const button of byId("topic-list").querySelectorAll("button")) {
      if (button.value === name) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      if (button.value === name) this.#refresh(button);
    }
  }

  async #load(offset) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    byId("topics-problem").replaceChildren();
    try {
      const query = { name: byId("topic-search").value, limit: PAGE, offset };
      const page = await this.#api.topics(this.#where, query, signal);
      this.#topics = offset ? [...this.#topics, ...page.topics] : page.topics;
      this.#total = page.total;
      this.#draw();
      byId("topics-note").textContent = this.#total ? "" : "No topic with this name is available to you.";
      announce(`${plural(this.#total, "topic")}.`);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#topics = [];
      this.#draw();
      byId("topics-problem").replaceChildren(problem(error));
    }
  }

  #draw() {
    const focused = byId("topic-list").contains(document.activeElement) ? document.activeElement.value : null;
    byId("topic-list").replaceChildren(...this.#topics.map((topic) => this.#item(topic)));
    this.#refresh();
    byId("topics-more").hidden = this.#topics.length >= this.#total || this.#topics.length === 0;
    if (focused === null) return;
    // The button that had the focus is gone; its successor takes it, or the search field.
    const buttons = [...byId("topic-list").querySelectorAll("button")];
    (buttons.find((button) => button.value === focused) ?? byId("topic-search")).focus();
  }

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

/** Show what is known about the chosen topic; null where the listing does not have it. */
export function showTopic(name, topic) {
  byId("topic-name").replaceChildren(quoted(name));
  byId("topic-facts").replaceChildren(...(topic ? facts(topic) : []));
  byId("topic-refusal").replaceChildren(...(topic && !topic.resend_allowed ? [refusal(topic)] : []));
  const places = topic?.partitions ?? [];
  byId("partition").replaceChildren(
    make("option", { value: "" }, "all"),
    ...places.map(({ partition }) => make("option", { value: partition }, String(partition))),
  );
}

function facts(topic) {
  const said = topic.partition === null ? [] : [plural(topic.partition, "partition")];
  if (topic.record_count !== null) said.push(`at most ${plural(topic.record_count, "record")}`);
  if (topic.replication !== null) said.push(`replication ${topic.replication}`);
  if (topic.compacted) said.push("compacted");
  if (topic.retention_time !== null) said.push(`kept ${span(topic.retention_time * 3_600_000)}`);
  // Without a view of the configuration both are null.
  else if (topic.compacted !== null) said.push("no time limit");
  if (topic.timestamp_type) said.push(`times by ${topic.timestamp_type}`);
  const text = make("span", {}, said.join(" · "));
  if (!topic.partitions?.length) return [text];
  const row = (place) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, String(place.partition)),
      make("td", {}, place.log_start_offset === null ? "not known" : number(place.log_start_offset)),
      make("td", {}, place.high_watermark === null ? "not known" : number(place.high_watermark)),
    );
  const head = ["Partition", "Log start offset", "High watermark"].map((title) => make("th", { scope: "col" }, title));
  const table = make("table", {}, make("tr", {}, ...head), ...topic.partitions.map(row));
  const region = make("div", { class: "lines", tabindex: 0, role: "region", "aria-label": "Offsets by partition" }, table);
  return [text, make("details", { class: "partitions" }, make("summary", {}, "Offsets"), region)];
}

function refusal(topic) {
  const { error_code: code, error_msg: message } = topic.resend_refusal ?? {};
  return make(
    "div",
    { class: "notice warn" },
    make("p", {}, "Its records can be looked at, not resent: ", message ?? "the service does not say why."),
    code ? make("p", {}, make("code", { class: "code" }, code)) : null,
  );
}
