/** The conditions on headers in the form that makes a job: a row for each. */

import { byId, make } from "../page/dom.js";

/** @typedef {import("../api/bodies.d.ts").HeaderConditionItem} HeaderCondition */

const KINDS = [["is", "is"], ["there", "is there"], ["absent", "is absent"]];

export class JobHeaders {
  #list = byId("job-headers");
  #add = byId("job-header-add");
  #changed;
  /** @type {Map<HTMLElement, () => HeaderCondition>} what each row says */
  #rows = new Map();

  /** @param {() => void} changed called when there is another row, or one less */
  constructor(changed) {
    this.#changed = changed;
    this.#add.addEventListener("click", () => this.#addRow());
  }

  /** @returns {HeaderCondition[]} */
  get conditions() {
    return [...this.#rows.values()].map((condition) => condition());
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  #addRow() {
    const options = KINDS.map(([kind, words]) => make("option", { value: kind }, words));
    const plain = { spellcheck: "false", autocomplete: "off" };
    const name = make("input", { ...plain, "aria-label": "Name of the header", placeholder: "name", required: true });
    const wanted = make("input", { ...plain, "aria-label": "Value of the header", placeholder: "value" });
    const kind = make("select", { "aria-label": "What of it" }, ...options);
    kind.addEventListener("change", () => {
      wanted.hidden = kind.value !== "is";
    });
    const away = make("button", { type: "button", class: "quiet" }, "Remove");
    const row = make("div", { class: "row header-row" }, name, kind, wanted, away);
    away.addEventListener("click", () => this.#remove(row));
    this.#rows.set(row, () => conditionOf(name.value, kind.value, wanted.value));
    this.#list.append(row);
    this.#changed();
    name.focus();
  }

  /** @param {HTMLElement} row */
  #remove(row) {
    this.#rows.delete(row);
    row.remove();
    this.#changed();
    this.#add.focus();
  }
}

/**
 * What a row says.
 * @param {string} name
 * @param {string} kind
 * @param {string} value
 * @returns {HeaderCondition}
 */
export function conditionOf(name, kind, value) {
  if (kind === "absent") return { name, absent: true };
  return kind === "there" ? { name } : { name, value };
}
