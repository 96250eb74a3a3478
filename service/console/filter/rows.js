/** A list of conditions in a form, a row for each: they can be added and removed. */

import { make } from "../page/dom.js";

/**
 * One row.
 * @template Condition
 * @typedef {Object} Row
 * @property {Node[]} controls
 * @property {HTMLElement} first the one that has the focus in a new row
 * @property {() => Condition} read what it says
 */

/** @template Condition */
export class Rows {
  /** What to put into the page: the rows, and the button that adds one. */
  nodes;
  #list = make("div", { class: "stack rows" });
  #add;
  #make;
  #changed;
  #adding;
  /** @type {Map<HTMLElement, () => Condition>} what each row says */
  #rows = new Map();

  /**
   * @param {string} add what the button says that adds a row
   * @param {(condition: Condition|null) => Row<Condition>} makeRow makes the controls of a row that says a condition; null: a new one
   * @param {() => void} changed called when there is another row, or one less
   * @param {() => void} adding called before there is another row
   */
  constructor(add, makeRow, changed, adding = () => undefined) {
    this.#make = makeRow;
    this.#changed = changed;
    this.#adding = adding;
    this.#add = make("button", { type: "button", class: "quiet", onclick: () => this.#open() }, add);
    this.nodes = [this.#list, make("div", {}, this.#add)];
  }

  get conditions() {
    return [...this.#rows.values()].map((read) => read());
  }

  /**
   * Have a row for each of these and no other.
   * @param {readonly Condition[]} conditions
   */
  show(conditions) {
    this.#rows.clear();
    this.#list.replaceChildren();
    for (const condition of conditions) this.#append(condition);
  }

  #open() {
    this.#adding();
    const { first } = this.#append(null);
    this.#changed();
    first.focus();
  }

  /** @param {Condition|null} condition */
  #append(condition) {
    const row = this.#make(condition);
    const away = make("button", { type: "button", class: "quiet" }, "Remove");
    const element = make("div", { class: "row condition" }, ...row.controls, away);
    away.addEventListener("click", () => {
      this.#rows.delete(element);
      element.remove();
      this.#changed();
      this.#add.focus();
    });
    this.#rows.set(element, row.read);
    this.#list.append(element);
    return row;
  }
}
