/** The bar of something that takes a while. It has a name, and also says the share as a number. */

import { make } from "./dom.js";

export class Bar {
  /** What to put into the page. */
  element;
  #bar;
  #share = make("span", { class: "share" });

  /** @param {string} name */
  constructor(name) {
    this.#bar = make("progress", { max: 1, value: 0, "aria-label": name });
    this.element = make("div", { class: "progress" }, this.#bar, this.#share);
  }

  /**
   * @param {number} done from 0 to 1
   * @param {string} state of the job, which gives it its colour
   */
  show(done, state) {
    this.#bar.value = done;
    this.#bar.dataset.state = state;
    // Not 100% before the end.
    this.#share.textContent = `${Math.floor(done * 100)}%`;
  }
}
