/** One record, open beside the table: where it is, its headers, its value, and the form that resends it. */

import { asError, isAbort } from "../api/errors.js";
import { arrange } from "../app/layout.js";
import { announce, byId, copyOrShow, fact, make, problem, quoted, shownBytes, value } from "../page/dom.js";
import { bytes, localText, number, utcText, zone } from "../page/format.js";
import { recipientWords } from "../resend/recipients.js";
import { asCurl, resendBody } from "../resend/request.js";
import { idOf } from "./listing.js";
import { views } from "./value.js";

/**
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("../resend/newer.js").ResendContext & {refusal: string|null}} RecordContext `refusal`: why the topic's records
 *     cannot be resent; null: they can
 */

/** @type {Record<string, string>} */
const TIME_KINDS = {
  CreateTime: "set by its producer",
  LogAppendTime: "set by the broker",
};

export class RecordPanel {
  #panel = byId("record");
  #close;
  #resend;
  #asking = new AbortController();

  /**
   * @param {() => void} close called when the user closes the panel
   * @param {(record: Message, key: string) => Promise<Node|null>} resend called with a record and a consumer_key ("" for
   *     none); returns what to say about it, or null if the user did not continue
   */
  constructor(close, resend) {
    this.#close = close;
    this.#resend = resend;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#close();
    });
  }

  hide() {
    this.#asking.abort();
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    arrange("with-record", false);
  }

  /**
   * Fetch the record at a position and show it.
   * @param {RecordContext} context
   * @param {string} partition
   * @param {string} offset
   */
  async show(context, partition, offset) {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#panel.hidden = false;
    arrange("with-record", true);
    const body = make("div", { class: "record-body" }, make("p", { class: "hint" }, "Reading …"));
    const title = make("h2", { id: "record-title", tabindex: -1 }, `Partition ${partition}, offset ${offset}`);
    const close = make("button", { type: "button", class: "quiet", onclick: () => this.#close() }, "Close");
    this.#panel.replaceChildren(make("div", { class: "record-head" }, title, close), body);
    title.focus({ preventScroll: true });
    this.#panel.scrollTop = 0;
    try {
      const record = await context.api.record(context.where, context.topic, partition, offset, signal);
      body.replaceChildren(facts(record), headers(record.headers ?? []), valueSection(context, record));
      this.#panel.append(this.#form(context, record));
      announce(`Record at partition ${partition}, offset ${offset} is open.`);
    } catch (error) {
      if (isAbort(error)) return;
      body.replaceChildren(problem(asError(error), { role: "alert" }));
    }
  }

  /**
   * @param {RecordContext} context
   * @param {Message} record
   */
  #form({ refusal, where, topic }, record) {
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
        onclick: () => copyOrShow(asCurl(where, resendBody(topic, record, key.value))),
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
      // Not disabled meanwhile: the focus would be lost, to which the question gives it back.
      if (button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      try {
        const words = await this.#resend(record, key.value);
        if (words !== null) said.replaceChildren(words);
      } finally {
        button.ariaBusy = null;
      }
    });
    return form;
  }
}

/** @param {Message} record */
function facts(record) {
  const rows = fact("Key", ...shownBytes(record.key, record.key_encoding));
  if (record.timestamp === null) {
    rows.push(...fact("Time", make("span", { class: "none" }, "none")));
  } else {
    const kind = TIME_KINDS[record.timestamp_type];
    rows.push(
      ...fact("Time", `${localText(record.timestamp)} `, make("span", { class: "unit" }, zone(record.timestamp))),
      ...fact("UTC", utcText(record.timestamp), kind ? make("span", { class: "hint" }, ` ${kind}`) : null),
    );
  }
  rows.push(...fact("Size", `${number(record.size)} bytes`, make("span", { class: "hint" }, " key, value and headers")));
  return make("dl", { class: "facts", "data-record": idOf(record) }, ...rows);
}

/** @param {import("../api/bodies.d.ts").HeaderItem[]} list */
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

/**
 * @param {RecordContext} context
 * @param {Message} record
 */
function valueSection(context, record) {
  const section = make("section", { "aria-labelledby": "value-title" });
  const size = record.value_size === null ? "" : ` ${bytes(record.value_size)}`;
  const title = make("h3", { id: "value-title" }, "Value", make("span", { class: "hint" }, size));
  const head = make("div", { class: "title" }, title);
  section.append(head);
  if (record.huge_message) {
    const onclick = () => download(context, record, section);
    section.append(make("p", {}, "Too large to be shown here. "), make("button", { type: "button", onclick }, "Download"));
  } else if (record.value === null || record.value === undefined) {
    section.append(make("p", {}, make("span", { class: "none" }, "null"), " (no value: a tombstone)"));
  } else if (record.value === "") {
    section.append(make("p", {}, make("span", { class: "none" }, "empty"), " (a value of 0 bytes)"));
  } else {
    const [content, ...choices] = switchable(record.value, record.value_encoding ?? "utf-8");
    head.append(...choices);
    section.append(content);
  }
  return section;
}

/**
 * A value, and the controls that change how it is shown.
 * @param {string} value
 * @param {NonNullable<Message["value_encoding"]>} encoding
 */
function switchable(value, encoding) {
  const ways = views(value, encoding);
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
    { type: "button", class: "quiet", onclick: () => copyOrShow(value) },
    encoding === "base64" ? "Copy base64" : "Copy",
  );
  const legend = make("legend", { class: "unseen" }, "How to show the value");
  content.append(ways[0][1]());
  return [content, make("fieldset", { class: "modes small" }, legend, ...choices), copy];
}

/**
 * @param {RecordContext} context
 * @param {Message} record
 * @param {HTMLElement} section where to say what went wrong
 */
async function download({ api, where, topic }, record, section) {
  try {
    const content = await api.download(where, topic, record.partition, record.message_offset);
    const address = URL.createObjectURL(content);
    const name = `${topic}-${record.partition}-${record.message_offset}.bin`;
    make("a", { href: address, download: name }).click();
    // Not at once: the browser reads it after this.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    announce("Downloaded.");
  } catch (error) {
    section.append(problem(asError(error)));
  }
}
