/** Resending several records, one after the other in the order of the log, each with its result in a dialog. */

import { ApiError, asError, isAbort, mayBeWritten } from "../api/errors.js";
import { around, byId, copyOrShow, headRow, make, oneTabStop, problem, quoted, shownBytes } from "../page/dom.js";
import { number, plural } from "../page/format.js";
import { idOf } from "../records/listing.js";
import { newerRecords } from "./newer.js";
import { readersFold } from "./readers.js";
import { FEW, recipient, recipientsOf } from "./recipients.js";
import { asCurl, resendBody } from "./request.js";
import { copyWords, doubtWords } from "./resend.js";

/**
 * @typedef {import("../api/bodies.d.ts").MessageItem} Message
 * @typedef {import("./newer.js").ResendContext} ResendContext
 * @typedef {{record: Message, who: HTMLElement, result: HTMLElement}} Line
 */

const CHECKED_RECORDS = 25;

/**
 * The dialog.
 *
 * A refusal of one record lets the others continue; anything else (no answer, no grant, a cluster that is away) stops, since
 * it would meet the others as well.
 */
export class Several {
  #dialog = byId("several", HTMLDialogElement);
  #key = byId("several-key", HTMLInputElement);
  #state = byId("several-state");
  #settled;
  #used;
  /** @type {ResendContext|null} */
  #context = null;
  /** @type {Line[]} */
  #lines = [];
  #running = false;
  #stopping = false;
  #done = false;
  #search = new AbortController();
  #refresh = oneTabStop(byId("several-lines"), "a");

  /**
   * @param {(ids: string[]) => void} settled called with the ids of the records that are done with
   * @param {(key: string) => void} used called with the consumer_key of copies that were written
   */
  constructor(settled, used) {
    this.#settled = settled;
    this.#used = used;
    this.#key.addEventListener("input", () => this.#describe());
    byId("several-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#running && !this.#done) this.#run();
    });
    byId("several-stop").addEventListener("click", () => {
      this.#stopping = true;
      this.#state.textContent = "Stopping after the one under way …";
    });
    byId("several-close").addEventListener("click", () => this.#dialog.close());
    byId("several-curl").addEventListener("click", () => this.#copy());
    // A result that nobody sees would be worse than a dialog that stays.
    this.#dialog.addEventListener("cancel", (event) => this.#running && event.preventDefault());
    this.#dialog.addEventListener("close", () => this.#search.abort());
    this.#dialog.addEventListener("click", (event) => around(event, "a.copy") && this.#dialog.close());
  }

  /**
   * Ask whether to resend records.
   * @param {ResendContext} context
   * @param {Message[]} records
   */
  open(context, records) {
    this.#context = context;
    this.#done = this.#stopping = false;
    const partitions = new Set(records.map((record) => record.partition)).size;
    byId("several-title").textContent = `Resend ${plural(records.length, "record")}?`;
    byId("several-body").replaceChildren(
      make(
        "p",
        {},
        "Topic ",
        quoted(context.topic),
        `: ${plural(records.length, "copy", "copies")}, one after the other, each at the end of its record's partition `,
        `(${plural(partitions, "partition")}). The records themselves stay as they are.`,
      ),
      readersFold(context, context.topic),
    );
    this.#lines = records.map((record) => ({
      result: make("td", { class: "result" }, make("span", { class: "hint" }, "…")),
      who: make("td", {}),
      record,
    }));
    const head = make("thead", {}, headRow("Part.", "Offset", "Key", "For", "Result"));
    const table = make("table", {}, head, make("tbody", {}, ...this.#lines.map(row)));
    byId("several-lines").replaceChildren(table);
    this.#key.value = "";
    this.#key.disabled = false;
    this.#describe();
    this.#buttons();
    this.#dialog.showModal();
    this.#key.focus();
    this.#check(context);
  }

  get #records() {
    return this.#lines.map(({ record }) => record);
  }

  #describe() {
    const typed = this.#key.value;
    for (const { record, who } of this.#lines) who.replaceChildren(recipient(record, typed, FEW));
    const said = byId("several-who");
    said.classList.toggle("warn", typed === "");
    said.replaceChildren(...recipientsOf(this.#records, typed));
  }

  #buttons() {
    byId("several-go").hidden = this.#running || this.#done;
    byId("several-stop").hidden = !this.#running;
    byId("several-close").hidden = this.#running;
    byId("several-close").textContent = this.#done ? "Close" : "Cancel";
    byId("several-curl").hidden = this.#running;
  }

  /**
   * Say on each line whether newer records have the same key, as long as nothing was sent.
   * @param {ResendContext} context
   */
  async #check(context) {
    this.#search.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    if (this.#lines.length > CHECKED_RECORDS) {
      for (const { result } of this.#lines) result.replaceChildren();
      this.#state.textContent =
        `Newer records with the same keys were not looked for: more than ${CHECKED_RECORDS} records.`;
      return;
    }
    this.#state.textContent = "Looking for newer records with the same keys …";
    let warned = 0;
    try {
      for (const { record, result } of this.#lines) {
        const { words, warns, brief } = await newerRecords(context, record, signal);
        warned += warns ? 1 : 0;
        result.replaceChildren(make("span", { class: warns ? "warning" : "hint" }, ...(warns ? words : [brief])));
      }
      this.#state.textContent = warned
        ? `Newer records with the same key: see ${plural(warned, "line")} of ${number(this.#lines.length)}.`
        : "No newer records have the same keys.";
    } catch (error) {
      if (isAbort(error)) return;
      for (const { result } of this.#lines) if (result.textContent === "…") result.replaceChildren();
      this.#state.textContent = `Newer records with the same keys could not be looked for: ${asError(error).message}`;
    }
  }

  async #run() {
    const context = this.#context;
    if (context === null) return;
    const typed = this.#key.value;
    const finished = [];
    const counts = { all: this.#lines.length, written: 0, refused: 0, ended: false };
    this.#search.abort();
    this.#running = true;
    this.#stopping = false;
    this.#key.disabled = true;
    this.#buttons();
    byId("several-stop").focus();
    for (const { result } of this.#lines) result.replaceChildren(make("span", { class: "hint" }, "waits"));
    for (const { record, result } of this.#lines) {
      if (this.#stopping || counts.ended) {
        result.replaceChildren(make("span", { class: "hint" }, "not sent"));
        continue;
      }
      result.replaceChildren("…");
      this.#state.textContent = `${number(counts.written + counts.refused)} of ${number(counts.all)} done.`;
      try {
        const copy = await context.api.resend(context.where, resendBody(context.topic, record, typed));
        result.replaceChildren(make("span", { class: "success" }, "copy ", ...copyWords(context, copy)));
        counts.written += 1;
        finished.push(idOf(record));
      } catch (thrown) {
        const error = asError(thrown);
        result.replaceChildren(problem(error), doubtWords(error) ?? "");
        if (error instanceof ApiError && error.status === 400) counts.refused += 1;
        else counts.ended = true;
        // Still selected, it would be sent again together with those that were not.
        if (mayBeWritten(error)) finished.push(idOf(record));
      }
      result.scrollIntoView({ block: "nearest" });
    }
    if (counts.written) this.#used(typed);
    this.#running = false;
    this.#done = true;
    this.#state.textContent = outcomeWords(counts);
    this.#refresh();
    this.#buttons();
    byId("several-close").focus();
    this.#settled(finished);
  }

  #copy() {
    if (this.#context === null) return;
    const { where, topic } = this.#context;
    const typed = this.#key.value;
    const commands = this.#records.map((record) => asCurl(where, resendBody(topic, record, typed)));
    copyOrShow(commands.join("\n"));
  }
}

/** @param {Line} line */
function row({ record, who, result }) {
  return make(
    "tr",
    {},
    make("td", {}, String(record.partition)),
    make("td", {}, String(record.message_offset)),
    make("td", { class: "key" }, ...shownBytes(record.key, record.key_encoding, FEW)),
    who,
    result,
  );
}

/**
 * What became of all of them.
 * @param {{all: number, written: number, refused: number, ended: boolean}} counts ended: by an error of another kind
 */
export function outcomeWords({ all, written, refused, ended }) {
  const words = [`${plural(written, "copy", "copies")} written`];
  if (refused) words.push(`${number(refused)} refused`);
  const left = all - written - refused - (ended ? 1 : 0);
  if (ended) words.push("stopped at an error");
  if (left) words.push(`${number(left)} not sent, still selected`);
  return `${words.join(", ")}.`;
}
