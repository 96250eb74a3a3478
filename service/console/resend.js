/** Resending: the question before, the answer after, and several records one after the other. */

import { asCurl, mayBeWritten, resendBody } from "./api.js";
import { confirmed } from "./confirm.js";
import { announce, byId, copyOrShow, make, oneTabStop, problem, quoted, shownBytes } from "./dom.js";
import { localText, number, plural } from "./format.js";
import { FEW, recipient, recipientsOf } from "./recipients.js";
import { recentKeys, rememberKey } from "./state.js";
import { idOf } from "./table.js";

const CHECKED_RECORDS = 25;
const STOPS = { records: "the most records that one search reads", seconds: "the most seconds that one search takes" };

export function offerKeys(key) {
  rememberKey(key);
  byId("recent-keys").replaceChildren(...recentKeys().map((each) => make("option", { value: each })));
}

/** A link to the record at a position, in this page. */
function link(context, partition, offset) {
  return make(
    "a",
    { href: context.address(`${partition}-${offset}`), class: "copy" },
    `partition ${partition}, offset ${offset}`,
  );
}

function copyWords(context, copy) {
  if (copy.offset === null) {
    return ["written; Kafka did not tell its offset: it is among the newest of partition ", String(copy.partition)];
  }
  return ["at ", link(context, copy.partition, copy.offset)];
}

/** What an error means for another try. */
function doubtWords(error) {
  return mayBeWritten(error) && !error.code
    ? make("p", { class: "notice warn" }, "Whether a copy was written is not known: look at the end of the partition.")
    : null;
}

/** Look for newer records with the same key: [words, whether they warn, the same in two words where they do not]. */
async function newer(context, record, signal) {
  const { api, where, topic } = context;
  const { partition, message_offset: offset, key } = record;
  if (key === null) return [["The record has no key, so no newer record can have taken its place."], false, "no key"];
  if (key === "" || record.key_encoding === "base64") {
    return [["Newer records with this key cannot be looked for: the key is not a text to search by."], true];
  }
  const query = { topic, partition, start_offset: offset + 1n, key, limit: 1 };
  const { messages, cursor, scan } = await api.messages(where, query, signal);
  if (messages.length > 0) {
    const [found] = messages;
    const at = found.timestamp === null ? "" : `, ${localText(found.timestamp)}`;
    return [
      [
        "There is a newer record with this key: ",
        link(context, found.partition, found.message_offset),
        `${at}. A consumer that keeps the latest value of each key gets this older one after it.`,
      ],
      true,
    ];
  }
  if (cursor === null) return [[`No newer record of partition ${partition} has this key.`], false, "no newer record with this key"];
  return [
    [
      "Whether newer records have this key is not known: the search stopped after ",
      `${plural(scan.records, "record")}, ${STOPS[scan.stopped_by] ?? "before the end"}.`,
    ],
    true,
  ];
}

/**
 * Ask whether to resend one record, do it, and return what to say then; null if the user did not want it.
 * @param {Object} context api, where, topic, and address(id): the address of a record in this page
 */
export async function resendOne(context, record, typed) {
  const { api, where, topic } = context;
  const { partition, message_offset: offset } = record;
  const row = (name, ...content) => [make("dt", {}, name), make("dd", {}, ...content)];
  const body = [
    make(
      "dl",
      { class: "facts" },
      ...row("Topic", quoted(topic)),
      ...row("Record", `partition ${partition}, offset ${offset}`),
      ...row("Key", ...shownBytes(record.key, record.key_encoding)),
      ...row("For", recipient(record, typed)),
    ),
    make("p", {}, `One copy is written at the end of partition ${partition}. The record itself stays as it is.`),
  ];
  const search = new AbortController();
  const asked = confirmed({ title: "Resend this record?", body, yes: "Resend" });
  sayNewer(byId("confirm-newer"), context, record, search.signal);
  const yes = await asked;
  search.abort();
  if (!yes) return null;
  announce("Resending …");
  try {
    const copy = await api.resend(where, resendBody(topic, partition, offset, typed));
    offerKeys(typed);
    return make("p", { class: "notice good" }, "Resent. The copy is ", ...copyWords(context, copy), ".");
  } catch (error) {
    return make("div", {}, problem(error), doubtWords(error));
  }
}

async function sayNewer(place, context, record, signal) {
  const say = (words, warns) => {
    place.classList.toggle("warn", warns);
    place.replaceChildren(...words);
  };
  say(["Looking for newer records with the same key …"], false);
  try {
    say(...(await newer(context, record, signal)));
  } catch (error) {
    if (error.name === "AbortError") return;
    say([`Newer records with the same key could not be looked for: ${error.message}`], true);
  }
}

/**
 * Resend several records, one after the other in the order of the log.
 *
 * A refusal of one record lets the others continue; anything else (no answer, no grant, a cluster that is away) stops, since
 * it would meet the others as well.
 * @param {function(string[])} settled called with the ids of the records that are done with
 */
export class Several {
  #dialog = byId("several");
  #settled;
  #context = null;
  #records = [];
  #lines = [];
  #running = false;
  #stopping = false;
  #done = false;
  #search = null;
  #refresh = oneTabStop(byId("several-lines"), "a");

  constructor(settled) {
    this.#settled = settled;
    byId("several-key").addEventListener("input", () => this.#describe());
    byId("several-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#running && !this.#done) this.#run();
    });
    byId("several-stop").addEventListener("click", () => {
      this.#stopping = true;
      byId("several-state").textContent = "Stopping after the one under way …";
    });
    byId("several-close").addEventListener("click", () => this.#dialog.close());
    byId("several-curl").addEventListener("click", () => this.#copy());
    // A result that nobody sees would be worse than a dialog that stays.
    this.#dialog.addEventListener("cancel", (event) => this.#running && event.preventDefault());
    this.#dialog.addEventListener("close", () => this.#search?.abort());
    this.#dialog.addEventListener("click", (event) => event.target.closest("a.copy") && this.#dialog.close());
  }

  open(context, records) {
    this.#context = context;
    this.#records = records;
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
    );
    this.#lines = records.map((record) => ({
      result: make("td", { class: "result" }, make("span", { class: "hint" }, "…")),
      who: make("td", {}),
      record,
    }));
    const head = ["Part.", "Offset", "Key", "For", "Result"].map((title) => make("th", { scope: "col" }, title));
    const rows = this.#lines.map(({ record, who, result }) =>
      make(
        "tr",
        {},
        make("td", {}, String(record.partition)),
        make("td", {}, String(record.message_offset)),
        make("td", { class: "key" }, ...shownBytes(record.key, record.key_encoding, FEW)),
        who,
        result,
      ),
    );
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
    byId("several-lines").replaceChildren(table);
    byId("several-key").value = "";
    byId("several-key").disabled = false;
    this.#describe();
    this.#buttons();
    this.#dialog.showModal();
    byId("several-key").focus();
    this.#check();
  }

  #describe() {
    const typed = byId("several-key").value;
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

  /** Say on each line whether newer records have the same key, as long as nothing was sent. */
  async #check() {
    this.#search?.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    const state = byId("several-state");
    if (this.#lines.length > CHECKED_RECORDS) {
      for (const { result } of this.#lines) result.replaceChildren();
      state.textContent = `Newer records with the same keys were not looked for: more than ${CHECKED_RECORDS} records.`;
      return;
    }
    state.textContent = "Looking for newer records with the same keys …";
    let warned = 0;
    try {
      for (const { record, result } of this.#lines) {
        const [words, warns, brief] = await newer(this.#context, record, signal);
        warned += warns ? 1 : 0;
        result.replaceChildren(make("span", { class: warns ? "warning" : "hint" }, ...(warns ? words : [brief])));
      }
      state.textContent = warned
        ? `Newer records with the same key: see ${plural(warned, "line")} of ${number(this.#lines.length)}.`
        : "No newer records have the same keys.";
    } catch (error) {
      if (error.name === "AbortError") return;
      for (const { result } of this.#lines) if (result.textContent === "…") result.replaceChildren();
      state.textContent = `Newer records with the same keys could not be looked for: ${error.message}`;
    }
  }

  async #run() {
    const { api, where, topic } = this.#context;
    const typed = byId("several-key").value;
    const state = byId("several-state");
    const finished = [];
    let written = 0;
    let refused = 0;
    let ended = null;
    this.#search.abort();
    this.#running = true;
    this.#stopping = false;
    byId("several-key").disabled = true;
    this.#buttons();
    byId("several-stop").focus();
    for (const { result } of this.#lines) result.replaceChildren(make("span", { class: "hint" }, "waits"));
    for (const { record, result } of this.#lines) {
      if (this.#stopping || ended) {
        result.replaceChildren(make("span", { class: "hint" }, "not sent"));
        continue;
      }
      result.replaceChildren("…");
      state.textContent = `${number(written + refused)} of ${number(this.#lines.length)} done.`;
      try {
        const body = resendBody(topic, record.partition, record.message_offset, typed);
        const copy = await api.resend(where, body);
        result.replaceChildren(make("span", { class: "success" }, "copy ", ...copyWords(this.#context, copy)));
        written += 1;
        finished.push(idOf(record));
      } catch (error) {
        result.replaceChildren(problem(error), ...[doubtWords(error)].filter(Boolean));
        if (error.status === 400) refused += 1;
        else ended = error;
        // Still selected, it would be sent again together with those that were not.
        if (mayBeWritten(error)) finished.push(idOf(record));
      }
      result.scrollIntoView({ block: "nearest" });
    }
    if (written) offerKeys(typed);
    this.#running = false;
    this.#done = true;
    const words = [`${plural(written, "copy", "copies")} written`];
    if (refused) words.push(`${number(refused)} refused`);
    const left = this.#lines.length - written - refused - (ended ? 1 : 0);
    if (ended) words.push("stopped at an error");
    if (left) words.push(`${number(left)} not sent, still selected`);
    state.textContent = `${words.join(", ")}.`;
    this.#refresh();
    this.#buttons();
    byId("several-close").focus();
    this.#settled(finished);
  }

  #copy() {
    const { where, topic } = this.#context;
    const typed = byId("several-key").value;
    const commands = this.#records.map((record) =>
      asCurl(where, resendBody(topic, record.partition, record.message_offset, typed)),
    );
    copyOrShow(commands.join("\n"));
  }
}
