/** Records per span of time, above their table: a chart from which one chooses a range of time. */

import { ApiError, asError, isAbort } from "../api/errors.js";
import { Chart } from "../page/chart.js";
import { byId, make } from "../page/dom.js";
import { localText, number, plural, span, zone } from "../page/format.js";

/**
 * @typedef {import("../api/bodies.d.ts").BucketItem} Bucket
 * @typedef {{topic: string, partition: string, start_time: bigint, end_time: bigint}} Range what is counted
 */

const MOST_BUCKETS = 60;
const HEIGHT = 64;

export class Histogram {
  #choose;
  #section = byId("chart");
  #asking = new AbortController();

  /** @param {(start: bigint, end: bigint) => void} choose called with the range that was chosen, in Unix ms, its end not included */
  constructor(choose) {
    this.#choose = choose;
  }

  /**
   * Say in words why there is no chart.
   * @param {string} text "" for nothing
   */
  say(text) {
    this.#asking.abort();
    this.#section.replaceChildren(...(text ? [make("p", { class: "hint" }, text)] : []));
  }

  /**
   * Ask for the counts of a range and draw them.
   * @param {import("../api/api.js").Api} api
   * @param {import("../api/api.js").Where} where
   * @param {Range} range
   * @param {string} note what the range leaves out, "" for nothing
   */
  async show(api, where, range, note = "") {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const buckets = Math.max(1, Math.min(MOST_BUCKETS, Number(range.end_time - range.start_time)));
    try {
      const counted = await api.histogram(where, { ...range, buckets }, signal);
      const hints = [note];
      if (counted.uncounted_partitions.length > 0) hints.unshift(uncountedWords(counted.uncounted_partitions));
      this.#section.replaceChildren(
        ...this.#chart(counted.buckets, counted.total).nodes,
        ...hints.filter(Boolean).map((hint) => make("p", { class: "hint" }, hint)),
      );
    } catch (thrown) {
      if (isAbort(thrown)) return;
      const code = thrown instanceof ApiError && thrown.code ? ` (${thrown.code})` : "";
      this.say(`No chart: ${asError(thrown).message}${code}`);
    }
  }

  /**
   * @param {Bucket[]} buckets
   * @param {number} total
   */
  #chart(buckets, total) {
    const first = buckets[0];
    const last = buckets[buckets.length - 1];
    const bar = span(first.end_time - first.start_time);
    return new Chart(buckets.map(({ count }) => Number(count)), HEIGHT, {
      label: "Time of records. Arrow keys move, Shift and arrow keys choose a range, Enter shows it.",
      idle: `About ${plural(total, "record")}, ${bar} a bar. Drag to choose.`,
      scale: scaleOf(first.start_time, last.end_time),
      words: (from, to) => wordsOf(buckets.slice(from, to + 1)),
      choose: (from, to) => this.#choose(buckets[from].start_time, buckets[to].end_time),
    });
  }
}

/** @param {number[]} partitions */
const uncountedWords = (partitions) =>
  `Not in the chart, because their times are out of order and they are large: partitions ${partitions.join(", ")}.`;

/**
 * What is to be said of some of the buckets, one after the other.
 * @param {readonly Bucket[]} buckets
 */
export function wordsOf(buckets) {
  const { start_time: start } = buckets[0];
  const { end_time: end } = buckets[buckets.length - 1];
  const count = buckets.reduce((sum, bucket) => sum + Number(bucket.count), 0);
  return `${localText(start)} to ${localText(end)} ${zone(start)}, about ${number(count)}`;
}

/**
 * The two ends of a range, to the second; of the later one only the time where both are of a day.
 * @param {bigint} start
 * @param {bigint} end
 * @returns {[string, string]}
 */
export function scaleOf(start, end) {
  const [from, to] = [start, end].map((ms) => localText(ms).replace(/\.\d+$/, ""));
  return [from, from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to];
}
