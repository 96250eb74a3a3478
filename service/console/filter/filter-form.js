/** The part of a form that says which records are meant: by key, headers and value. The search and a new job have one each. */

import { make, quoted } from "../page/dom.js";
import { conditionsOf, deadLetterRows, deadLettersOf } from "./dead-letter-rows.js";
import { readRows, writeExpression } from "./expression.js";
import { fieldRows, finished } from "./field-rows.js";
import { conditionWords, filterOf, givenOf } from "./filter.js";
import { headerRows } from "./header-rows.js";

/** @typedef {import("./filter.js").Filter} Filter */

/** @type {[import("./filter.js").KeyMatch, string][]} */
const KEY_MATCHES = [["key", "equals"], ["key_prefix", "starts with"], ["key_contains", "contains"]];
const PLAIN = { spellcheck: "false", autocomplete: "off", maxlength: 4096 };

export class FilterForm {
  #changed;
  #more;
  #keyMatch = make("select", { "aria-label": "How the key is compared" }, ...KEY_MATCHES.map(([name, words]) =>
    make("option", { value: name }, words)));
  #key;
  #expression;
  #copies = make("input", { type: "checkbox" });
  #digest = make("span", { class: "digest" });
  #typedNote = make("p", { class: "hint", hidden: true }, "More than rows can show. Rows that you add narrow it.");
  #headers = headerRows(() => this.#tell());
  #deadLetters = deadLetterRows(() => this.#tell());
  #fields = fieldRows(() => this.#write(), () => this.settle());
  /** What of the expression is typed by hand and no rows show, "" for nothing. */
  #typed = "";

  /**
   * @param {string} name what the ids of its fields begin with
   * @param {{key: HTMLElement, more: HTMLDetailsElement}} places where the key goes, and all other conditions
   * @param {() => void} changed called when it says something else, without an input event of the form
   */
  constructor(name, { key, more }, changed) {
    this.#changed = changed;
    this.#more = more;
    this.#key = make("input", { ...PLAIN, id: `${name}-key`, size: 14, placeholder: "any" });
    this.#expression = make("textarea", {
      ...PLAIN, id: `${name}-jmespath`, rows: 2, "aria-describedby": `${name}-jmespath-hint`, placeholder: "any",
    });
    key.append(
      make("label", { for: `${name}-key` }, "Key"),
      make("div", { class: "row key-row" }, this.#keyMatch, this.#key),
    );
    more.querySelector("summary")?.append(this.#digest);
    more.append(make("div", { class: "conditions" }, ...this.#conditions(name)));
    more.addEventListener("input", () => this.#describe());
    // What is folded away cannot be pointed at.
    more.addEventListener("invalid", () => {
      more.open = true;
    }, true);
    this.#expression.addEventListener("input", () => this.#leaveRows());
    this.#expression.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#expression.form?.requestSubmit();
    });
  }

  /** What it says. */
  get filter() {
    return filterOf({
      key: this.#key.value,
      keyMatch: /** @type {import("./filter.js").KeyMatch} */ (this.#keyMatch.value),
      headers: this.#headers.conditions,
      jmespath: this.#expression.value,
      deadLetters: deadLettersOf(this.#deadLetters.conditions),
      includeResent: this.#copies.checked,
    });
  }

  /** Whether copies are meant too. */
  get includesResent() {
    return this.#copies.checked;
  }

  /** Whether all of it can be read; else the browser says at which field it cannot. */
  reportValidity() {
    const controls = /** @type {NodeListOf<HTMLInputElement>} */ (this.#more.querySelectorAll("input, textarea"));
    return [...controls].every((control) => control.reportValidity());
  }

  /** @param {Filter} filter to be shown */
  show(filter) {
    const { key, keyMatch, headers, jmespath, deadLetters, includeResent } = givenOf(filter);
    this.#key.value = key;
    this.#keyMatch.value = keyMatch;
    this.#headers.show(headers);
    this.#deadLetters.show(conditionsOf(deadLetters));
    this.#copies.checked = includeResent;
    this.#expression.value = jmespath;
    this.#read();
    this.#describe();
  }

  /**
   * Show what was typed as rows, where rows can say it. Not while it is typed, nor when the field is left by a click: the form
   * would move away under it.
   */
  settle() {
    if (this.#fields.conditions.length === 0) this.#read();
  }

  /** Unfold what is asked for beyond the key, if anything is. */
  unfold() {
    this.#more.open = conditionWords(this.filter).length > 0;
  }

  /** @param {string} name */
  #conditions(name) {
    const group = (/** @type {string} */ id, /** @type {string} */ title, /** @type {Node[]} */ ...nodes) =>
      make(
        "div",
        { class: "field", role: "group", "aria-labelledby": `${name}-${id}-label` },
        make("span", { id: `${name}-${id}-label`, class: "label" }, title),
        ...nodes,
      );
    const examples = "A number, true, false or null is compared as such, all else as text; “4711” in \"double quotes\" is text.";
    const hint = "The rows write this expression. You can type it instead: text in 'single quotes', numbers in `backticks`.";
    return [
      group("fields", "Fields of the value (JSON)", ...this.#fields.nodes, make("p", { class: "hint" }, examples)),
      make(
        "div",
        { class: "field" },
        make("label", { for: `${name}-jmespath` }, "Value matches (JMESPath)"),
        this.#expression,
        make("p", { id: `${name}-jmespath-hint`, class: "hint" }, hint),
        this.#typedNote,
      ),
      group("headers", "Headers", ...this.#headers.nodes),
      group("dead", "Dead letters", ...this.#deadLetters.nodes),
      make("label", { class: "choice" }, this.#copies, " Copies too (records that have a consumer_key)"),
    ];
  }

  /** The rows say something else: so does the expression. */
  #write() {
    this.#expression.value = writeExpression(this.#typed, finished(this.#fields.conditions));
    this.#tell();
  }

  /** The expression is typed by hand: the rows no longer write it. */
  #leaveRows() {
    this.#typed = this.#expression.value.trim();
    this.#fields.show([]);
  }

  /** Show the expression as rows, or say that it is more than rows can show. */
  #read() {
    const text = this.#expression.value.trim();
    const rows = readRows(text);
    this.#typed = rows === null ? text : "";
    this.#fields.show(rows ?? []);
    this.#typedNote.hidden = this.#typed === "";
  }

  #tell() {
    this.#describe();
    this.#changed();
  }

  /** What is asked for is seen also while it is folded away. */
  #describe() {
    const words = conditionWords(this.filter);
    this.#digest.replaceChildren(...(words.length ? [": ", quoted(words.join(", "), {}, Infinity)] : []));
  }
}
