/** A chart: numbers as bars. Of one that can be chosen from, dragging over it, or Shift and the arrow keys, chooses bars. */

import { make } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
// Of a unit's height; few among many would else be invisible.
const LEAST_HEIGHT = 3;
/** How many bars a key goes on. */
const STEPS = new Map([
  ["ArrowRight", 1], ["ArrowUp", 1], ["ArrowLeft", -1], ["ArrowDown", -1], ["PageUp", 10], ["PageDown", -10],
]);

/**
 * Bars from the one where choosing began to the one where it is now.
 * @typedef {{anchor: number, end: number}} Chosen
 */

/**
 * @typedef {Object} Choice
 * @property {string} label what the bars are, and how one chooses
 * @property {string} idle what to say while nothing is chosen
 * @property {[string, string]} scale what stands at both ends
 * @property {(from: number, to: number) => string} words what to say of bars, the last included
 * @property {(from: number, to: number) => void} choose called with bars that the user takes, the last included
 */

/**
 * How high the bars are; none for 0.
 * @param {readonly number[]} counts
 * @param {number} height of the whole chart
 */
export function heightsOf(counts, height) {
  const most = Math.max(1, ...counts);
  return counts.map((count) => (count > 0 ? Math.max(LEAST_HEIGHT, (count / most) * (height - 2)) : 0));
}

/**
 * What is chosen after a key.
 * @param {Chosen|null} chosen null for nothing
 * @param {string} key
 * @param {boolean} extends_ whether what is chosen grows; else it is the one bar that the key leads to
 * @param {number} last index of the last bar
 * @returns {Chosen|null} null: the key leads nowhere
 */
export function chosenByKey(chosen, key, extends_, last) {
  const step = STEPS.get(key);
  let end = 0;
  if (step !== undefined) end = Math.max(0, Math.min(last, (chosen?.end ?? (step > 0 ? -1 : last + 1)) + step));
  else if (key === "End") end = last;
  else if (key !== "Home") return null;
  return { anchor: extends_ && chosen !== null ? chosen.anchor : end, end };
}

/**
 * @param {"svg"|"rect"} tag
 * @param {Record<string, string|number>} attributes
 */
function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * Numbers as bars: a picture that nobody is told of.
 * @param {readonly number[]} counts one for each bar
 * @param {number} height in pixels
 */
export function barsOf(counts, height) {
  const picture = shape("svg", {
    class: "bars", viewBox: `0 0 ${counts.length} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true",
    focusable: "false",
  });
  heightsOf(counts, height).forEach((high, index) => {
    if (high > 0) picture.append(shape("rect", { class: "bar", x: index + 0.1, y: height - high, width: 0.8, height: high }));
  });
  return picture;
}

/** Bars that the user may choose from. */
export class Chart {
  /**
   * What to put into the page.
   * @type {Element[]}
   */
  nodes;
  #count;
  #choice;
  #brush;
  #plot;
  #caption = make("span", { class: "now" });
  /** @type {Chosen|null} */
  #chosen = null;
  #dragging = false;

  /**
   * @param {readonly number[]} counts one for each bar
   * @param {number} height in pixels
   * @param {Choice} choice
   */
  constructor(counts, height, choice) {
    this.#count = counts.length;
    this.#choice = choice;
    this.#brush = shape("rect", { class: "brush", x: 0, y: 0, width: 0, height });
    const picture = barsOf(counts, height);
    picture.append(this.#brush);
    this.#plot = this.#slider(choice, picture);
    const [first, last] = choice.scale;
    const scale = make("p", { class: "scale hint" }, make("span", {}, first), this.#caption, make("span", {}, last));
    this.nodes = [this.#plot, scale];
    this.#describe();
  }

  /**
   * @param {Choice} choice
   * @param {Element} picture
   */
  #slider(choice, picture) {
    return make(
      "div",
      {
        class: "plot",
        role: "slider",
        tabindex: 0,
        "aria-label": choice.label,
        "aria-valuemin": 0,
        "aria-valuemax": this.#count - 1,
        "aria-valuenow": 0,
        "aria-valuetext": choice.words(0, 0),
        onkeydown: (event) => this.#key(event),
        onpointerdown: (event) => this.#down(event),
        onpointermove: (event) => this.#move(event),
        onpointerup: (event) => this.#up(event),
        onpointercancel: () => this.#reset(),
        onpointerleave: () => this.#dragging || this.#describe(),
      },
      picture,
    );
  }

  #describe() {
    this.#caption.textContent = this.#choice.idle;
  }

  /** @param {Chosen} chosen */
  #select(chosen) {
    this.#chosen = chosen;
    const [from, to] = ends(chosen);
    this.#brush.setAttribute("x", String(from));
    this.#brush.setAttribute("width", String(to - from + 1));
    const words = this.#choice.words(from, to);
    this.#caption.textContent = words;
    this.#plot.setAttribute("aria-valuenow", String(chosen.end));
    this.#plot.setAttribute("aria-valuetext", words);
  }

  #reset() {
    this.#dragging = false;
    this.#chosen = null;
    this.#brush.setAttribute("width", "0");
    this.#describe();
  }

  /** @param {Chosen} chosen */
  #take(chosen) {
    this.#choice.choose(...ends(chosen));
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const { left, width } = this.#plot.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * this.#count);
    return Math.max(0, Math.min(this.#count - 1, index));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    this.#dragging = true;
    this.#plot.setPointerCapture(event.pointerId);
    this.#select({ anchor: this.#at(event), end: this.#at(event) });
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const end = this.#at(event);
    if (this.#dragging) this.#select({ anchor: this.#chosen?.anchor ?? end, end });
    else this.#caption.textContent = this.#choice.words(end, end);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#dragging || this.#chosen === null) return;
    this.#dragging = false;
    this.#select({ anchor: this.#chosen.anchor, end: this.#at(event) });
    this.#take(this.#chosen);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const moved = chosenByKey(this.#chosen, event.key, event.shiftKey, this.#count - 1);
    const taken = this.#chosen !== null && (event.key === "Enter" || event.key === "Escape");
    if (moved === null && !taken) return;
    event.preventDefault();
    if (moved !== null) this.#select(moved);
    else if (event.key === "Escape") this.#reset();
    else if (this.#chosen !== null) this.#take(this.#chosen);
  }
}

/**
 * @param {Chosen} chosen
 * @returns {[number, number]}
 */
const ends = ({ anchor, end }) => [Math.min(anchor, end), Math.max(anchor, end)];
