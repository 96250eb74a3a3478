/** One record, open beside the table: where it is, its headers, its value, and the form that resends it. */

import { announce, byId, copyOrShow, make, problem, quoted, shownBytes, value } from "./dom.js";
import { bytes, localText, number, utcText, zone } from "./format.js";
import { asCurl, resendBody } from "./api.js";
import { recipientWords } from "./recipients.js";
import { idOf } from "./table.js";
import { views } from "./value.js";

const TIME_KINDS = {
  CreateTime: "set by its producer",
  LogAppendTime: "set by the broker",
};

export class RecordPanel {
  #panel = byId("record");
  #close;
  #resend;
  #asking = null;
  #context = null;

  /**
   * @param {function()} close called when the user closes the panel
   * @param {function(Object, string): Promise<Node|null>} resend called with a record and a consumer_key ("" for none);
   *     returns what to say about it, or null if the user did not continue
   */
  constructor(close, resend) {
    this.#close = close;
    this.#resend = resend;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#close();
    });
  }

  hide() {
    this.#asking?.abort();
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    byId("work").classList.remove("with-record");
  }

  /**
   * Fetch the record at a position and show it.
   * @param {Object} context api, where, topic, and why the topic's records cannot be resent: `refusal`, null if they can
   */
  async show(context, partition, offset) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    this.#context = context;
    const { signal } = this.#asking;
    this.#panel.hidden = false;
    byId("work").classList.add("with-record");
    const body = make("div", { class: "record-body" }, make("p", { class: "hint" }, "Reading …"));
    const title = make("h2", { id: "record-title", tabindex: -1 }, `Partition ${partition}, offset ${offset}`);
    const close = make("button", { type: "button", class: "quiet", onclick: () => this.#close() }, "Close");
    this.#panel.replaceChildren(make("div", { class: "record-head" }, title, close), body);
    title.focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
    try {
      const record = await context.api.record(context.where, context.topic, partition, offset, signal);
      body.replaceChildren(...this.#parts(record));
      this.#panel.append(this.#form(record));
      announce(`Record at partition ${partition}, offset ${offset} is open.`);
    } catch (error) {
      if (error.name === "AbortError") return;
      body.replaceChildren(problem(error));
      body.firstChild.setAttribute("role", "alert");
    }
  }

  #parts(record) {
    return [facts(record), headers(record.headers ?? []), this.#value(record)];
  }

  #value(record) {
    const section = make("section", { "aria-labelledby": "value-title" });
    const size = record.value_size === null ? "" : ` ${bytes(record.value_size)}`;
    const title = make("h3", { id: "value-title" }, "Value", make("span", { class: "hint" }, size));
    section.append(make("div", { class: "title" }, title));
    if (record.huge_message) {
      const download = make("button", { type: "button", onclick: () => this.#download(record, section) }, "Download");
      section.append(make("p", {}, "Too large to be shown here. "), download);
    } else if (record.value === null) {
      section.append(make("p", {}, make("span", { class: "none" }, "null"), " (no value: a tombstone)"));
    } else if (record.value === "") {
      section.append(make("p", {}, make("span", { class: "none" }, "empty"), " (a value of 0 bytes)"));
    } else {
      this.#switchable(section, record);
    }
    return section;
  }

  #switchable(section, record) {
    const ways = views(record.value, record.value_encoding);
    const content = make("div", { class: "value" });
    const choices = ways.map(([name, view], index) => {
      const radio = make("input", {
        type: "radio",
        name: "value-view",
        checked: index === 0,
        onchange: () => content.replaceChildren(view()),
      });
      return make("label", {}, radio, ` ${name}`);
    });
    const copy = make(
      "button",
      { type: "button", class: "quiet", onclick: () => copyOrShow(record.value) },
      record.value_encoding === "base64" ? "Copy base64" : "Copy",
    );
    const legend = make("legend", { class: "unseen" }, "How to show the value");
    section.firstChild.append(make("fieldset", { class: "modes small" }, legend, ...choices), copy);
    content.append(ways[0][1]());
    section.append(content);
  }

  async #download(record, section) {
    const { api, where, topic } = this.#context;
    try {
      const content = await api.download(where, topic, record.partition, record.message_offset);
      const address = URL.createObjectURL(content);
      const name = `${topic}-${record.partition}-${record.message_offset}.bin`;
      make("a", { href: address, download: name }).click();
      // Not at once: the browser reads it after this.
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      announce("Downloaded.");
    } catch (error) {
      section.append(problem(error));
    }
  }

  #form(record) {
    const { refusal, where, topic } = this.#context;
    if (refusal) return make("div", { class: "record-foot" }, make("p", { class: "notice warn" }, refusal));
    const key = make("input", {
      id: "consumer-key",
      list: "recent-keys",
      spellcheck: "false",
      autocomplete: "off",
      "aria-describedby": "consumer-key-who",
    });
    const who = make("p", { id: "consumer-key-who", class: "notice" });
    const said = make("div", { class: "said", role: "status" });
    const button = make("button", { class: "main" }, "Resend …");
    const describe = () => {
      who.classList.toggle("warn", key.value === "");
      who.replaceChildren(...recipientWords(record, key.value));
    };
    key.addEventListener("input", describe);
    describe();
    const curl = make(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: () => copyOrShow(asCurl(where, resendBody(topic, record.partition, record.message_offset, key.value))),
      },
      "Copy as curl",
    );
    const form = make(
      "form",
      { class: "record-foot", "aria-label": "Resend this record" },
      make("label", { for: "consumer-key" }, "Deliver to (consumer_key)"),
      make("div", { class: "row" }, key, button, curl),
      who,
      said,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const words = await this.#resend(record, key.value);
        if (words !== null) said.replaceChildren(words);
      } finally {
        button.disabled = false;
      }
    });
    return form;
  }
}

function facts(record) {
  const rows = [];
  const add = (name, ...content) => rows.push(make("dt", {}, name), make("dd", {}, ...content));
  add("Key", ...shownBytes(record.key, record.key_encoding));
  if (record.timestamp === null) {
    add("Time", make("span", { class: "none" }, "none"));
  } else {
    const kind = TIME_KINDS[record.timestamp_type];
    add("Time", `${localText(record.timestamp)} `, make("span", { class: "unit" }, zone(record.timestamp)));
    add("UTC", utcText(record.timestamp), kind ? make("span", { class: "hint" }, ` ${kind}`) : null);
  }
  add("Size", `${number(record.size)} bytes`, make("span", { class: "hint" }, " key, value and headers"));
  return make("dl", { class: "facts", "data-record": idOf(record) }, ...rows);
}

function headers(list) {
  const title = make("h3", {}, "Headers", make("span", { class: "hint" }, ` ${list.length || "none"}`));
  if (list.length === 0) return make("section", {}, title);
  const rows = list.map(({ name, value: bytes, encoding }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name === "" ? value("") : quoted(name)),
      make("td", {}, ...shownBytes(bytes, encoding)),
    ),
  );
  return make("section", {}, title, make("table", { class: "headers" }, make("tbody", {}, ...rows)));
}
