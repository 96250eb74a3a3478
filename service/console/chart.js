/** Records per span of time, as bars. Dragging over them, or Shift and the arrow keys, chooses a range of time. */

import { byId, make } from "./dom.js";
import { localText, number, plural, span, zone } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const BUCKETS = 60;
const HEIGHT = 64;

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export class Chart {
  #choose;
  #section = byId("chart");
  #asking = null;
  #buckets = [];
  #anchor = null;
  #end = null;
  #slider = null;
  #brush = null;
  #caption = null;
  #dragging = false;
  #total = 0;

  /** @param {function(bigint, bigint)} choose called with the range that was chosen, in Unix ms, its end not included */
  constructor(choose) {
    this.#choose = choose;
  }

  /** Say in words why there is no chart. */
  say(text) {
    this.#asking?.abort();
    this.#section.replaceChildren(...(text ? [make("p", { class: "hint" }, text)] : []));
  }

  /**
   * Ask for the counts of a range and draw them.
   * @param {string} note what the range leaves out, "" for nothing
   */
  async show(api, where, query, note = "") {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const buckets = Math.max(1, Math.min(BUCKETS, Number(query.end_time - query.start_time)));
    try {
      const counted = await api.histogram(where, { ...query, buckets }, signal);
      this.#draw(counted);
      const uncounted = counted.uncounted_partitions;
      if (uncounted.length > 0) {
        const text = `Not in the chart, because their times are out of order and they are large: partitions ${uncounted.join(", ")}.`;
        this.#section.append(make("p", { class: "hint" }, text));
      }
      if (note) this.#section.append(make("p", { class: "hint" }, note));
    } catch (error) {
      if (error.name !== "AbortError") this.say(`No chart: ${error.message}${error.code ? ` (${error.code})` : ""}`);
    }
  }

  #draw({ buckets, total }) {
    this.#buckets = buckets.map((bucket) => ({ ...bucket, count: Number(bucket.count) }));
    this.#anchor = this.#end = null;
    const most = Math.max(1, ...this.#buckets.map((bucket) => bucket.count));
    const picture = shape("svg", {
      viewBox: `0 0 ${buckets.length} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false",
    });
    this.#buckets.forEach(({ count }, index) => {
      // Few among many would else be invisible.
      const height = count > 0 ? Math.max(3, (count / most) * (HEIGHT - 2)) : 0;
      picture.append(shape("rect", { class: "bar", x: index + 0.1, y: HEIGHT - height, width: 0.8, height }));
    });
    this.#brush = shape("rect", { class: "brush", x: 0, y: 0, width: 0, height: HEIGHT });
    picture.append(this.#brush);
    this.#slider = make(
      "div",
      {
        class: "plot",
        role: "slider",
        tabindex: 0,
        "aria-label": "Time of records. Arrow keys move, Shift and arrow keys choose a range, Enter shows it.",
        "aria-valuemin": 0,
        "aria-valuemax": buckets.length - 1,
        onkeydown: (event) => this.#key(event),
        onpointerdown: (event) => this.#down(event),
        onpointermove: (event) => this.#move(event),
        onpointerup: (event) => this.#up(event),
        onpointercancel: () => this.#reset(),
        onpointerleave: () => this.#dragging || this.#describe(),
      },
      picture,
    );
    const start = buckets[0].start_time;
    const end = buckets.at(-1).end_time;
    const sameDay = localText(start).slice(0, 10) === localText(end).slice(0, 10);
    this.#caption = make("span", { class: "now" });
    this.#section.replaceChildren(
      this.#slider,
      make(
        "p",
        { class: "scale hint" },
        make("span", {}, seconds(start)),
        this.#caption,
        make("span", {}, sameDay ? seconds(end).slice(11) : seconds(end)),
      ),
    );
    this.#total = total;
    this.#slider.setAttribute("aria-valuenow", 0);
    this.#slider.setAttribute("aria-valuetext", this.#words(0, 0));
    this.#describe();
  }

  #describe() {
    const bars = span(this.#buckets[0].end_time - this.#buckets[0].start_time);
    this.#caption.textContent = `About ${plural(this.#total, "record")}, ${bars} a bar. Drag to choose.`;
  }

  #words(from, to) {
    const count = this.#buckets.slice(from, to + 1).reduce((sum, bucket) => sum + bucket.count, 0);
    const { start_time: start } = this.#buckets[from];
    const { end_time: end } = this.#buckets[to];
    return `${localText(start)} to ${localText(end)} ${zone(start)}, about ${number(count)}`;
  }

  #select(anchor, end) {
    this.#anchor = anchor;
    this.#end = end;
    const [from, to] = [Math.min(anchor, end), Math.max(anchor, end)];
    this.#brush.setAttribute("x", from);
    this.#brush.setAttribute("width", to - from + 1);
    const words = this.#words(from, to);
    this.#caption.textContent = words;
    this.#slider.setAttribute("aria-valuenow", end);
    this.#slider.setAttribute("aria-valuetext", words);
  }

  #reset() {
    this.#dragging = false;
    this.#anchor = this.#end = null;
    this.#brush.setAttribute("width", 0);
    this.#describe();
  }

  #take() {
    const [from, to] = [Math.min(this.#anchor, this.#end), Math.max(this.#anchor, this.#end)];
    this.#choose(this.#buckets[from].start_time, this.#buckets[to].end_time);
  }

  #at(event) {
    const { left, width } = this.#slider.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * this.#buckets.length);
    return Math.max(0, Math.min(this.#buckets.length - 1, index));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#dragging = true;
    this.#slider.setPointerCapture(event.pointerId);
    this.#select(this.#at(event), this.#at(event));
  }

  #move(event) {
    if (this.#dragging) this.#select(this.#anchor, this.#at(event));
    else this.#caption.textContent = this.#words(this.#at(event), this.#at(event));
  }

  #up(event) {
    if (!this.#dragging) return;
    this.#dragging = false;
    this.#select(this.#anchor, this.#at(event));
    this.#take();
  }

  #key(event) {
    const last = this.#buckets.length - 1;
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const target = { Home: 0, End: last }[event.key] ?? (step && (this.#end ?? (step > 0 ? -1 : last + 1)) + step);
    if (target !== undefined) {
      event.preventDefault();
      const end = Math.max(0, Math.min(last, target));
      this.#select(event.shiftKey && this.#anchor !== null ? this.#anchor : end, end);
    } else if (event.key === "Enter" && this.#anchor !== null) {
      event.preventDefault();
      this.#take();
    } else if (event.key === "Escape" && this.#anchor !== null) {
      event.preventDefault();
      this.#reset();
    }
  }
}

const seconds = (ms) => localText(ms).replace(/\.\d+$/, "");
