/** What is shown of one job that is open, and kept up to date: how far it is, what failed, what a dry run found. */

import { headRow, make, oneTabStop } from "../page/dom.js";
import { earlier, number, plural } from "../page/format.js";
import { Bar } from "../page/progress.js";
import { ConsumerGroups } from "./consumer-groups.js";
import { countRows, jobFacts, stateTag, troubles } from "./job-facts.js";
import { failureLine, reportNodes } from "./job-report.js";
import { isOver, numbersLine, partBefore, share } from "./job-words.js";

/** @typedef {import("../api/bodies.d.ts").JobResponse} Job */

export class JobBody {
  /**
   * What to put into the page.
   * @type {Node[]}
   */
  nodes;
  #address;
  #state = make("span", {});
  #bar = new Bar("Progress of this job");
  #numbers = make("p", { class: "hint numbers" });
  #counts = make("dl", { class: "facts" });
  #problems = make("div", { class: "stack" });
  #places = make("tbody");
  /** @type {Map<number, {at: HTMLElement, bar: Bar}>} by partition */
  #rows = new Map();
  #failures = make("ul", { class: "places" });
  #failuresTitle = make("h3", {});
  #failed = make("section", { hidden: true }, this.#failuresTitle, this.#failures);
  #refreshFailures = oneTabStop(this.#failures, "a");
  #groups;
  #report = make("section", { "aria-label": "What the dry run found", hidden: true });

  /**
   * @param {Job} job
   * @param {import("./job-report.js").AddressOf} address
   * @param {import("./consumer-groups.js").Ask} askGroups about its copies
   */
  constructor(job, address, askGroups) {
    this.#address = address;
    this.#groups = new ConsumerGroups(job, askGroups);
    const head = make("thead", {}, headRow("Partition", "Next offset", "End offset", "Done"));
    const table = make("table", { class: "by-partition" }, head, this.#places);
    const region = { class: "lines", tabindex: 0, role: "region", "aria-label": "Progress by partition" };
    const dry = job.dry_run ? make("span", { class: "tag" }, "dry run: writes nothing") : null;
    this.nodes = [
      make("div", { class: "row" }, this.#state, dry),
      make("div", { class: "measure" }, this.#bar.element, this.#numbers),
      this.#problems,
      this.#failed,
      this.#report,
      jobFacts(job),
      this.#counts,
      this.#groups.element,
      make("section", {}, make("h3", {}, "By partition"), make("div", region, table)),
    ];
  }

  /**
   * Show the job as it is now. Only what has changed is touched, so that neither focus nor selection is lost.
   * @param {Job} job
   */
  show(job) {
    refresh(this.#state, [stateTag(job)]);
    this.#bar.show(share(job), job.state);
    this.#numbers.textContent = numbersLine(job);
    refresh(this.#counts, countRows(job));
    refresh(this.#problems, troubles(job));
    this.#showPlaces(job);
    this.#showFailures(job);
    this.#showReport(job);
    this.#groups.show(job);
  }

  /** Ask for nothing more. */
  leave() {
    this.#groups.leave();
  }

  /**
   * Say why the job cannot be shown as it is now.
   * @param {Node} words
   */
  fail(words) {
    this.#problems.replaceChildren(words);
  }

  /** @param {Job} job */
  #showPlaces(job) {
    /** @type {Map<number, bigint>} */
    const starts = new Map();
    for (const { partition, start } of job.selection?.spans ?? []) {
      starts.set(partition, earlier(start, starts.get(partition) ?? start));
    }
    for (const { partition, next_offset: next, end_offset: end } of job.progress ?? []) {
      const row = this.#rows.get(partition) ?? this.#addRow(partition, end);
      row.at.textContent = String(next);
      row.bar.show(partBefore(next, starts.get(partition) ?? 0n, end), job.state);
    }
  }

  /**
   * @param {number} partition
   * @param {bigint} end
   */
  #addRow(partition, end) {
    const row = { at: make("td"), bar: new Bar(`Partition ${partition}`) };
    const name = make("th", { scope: "row" }, String(partition));
    this.#places.append(make("tr", {}, name, row.at, make("td", {}, String(end)), make("td", {}, row.bar.element)));
    this.#rows.set(partition, row);
    return row;
  }

  /** @param {Job} job */
  #showFailures(job) {
    const listed = job.failures ?? [];
    this.#failed.hidden = listed.length === 0;
    const all = job.failures_listed_all ? "" : `, the first ${number(listed.length)}`;
    const title = `What failed: ${plural(job.counts.failed, "record")}${all}`;
    if (title !== this.#failuresTitle.textContent) this.#failuresTitle.textContent = title;
    // They only ever get more.
    for (const failure of listed.slice(this.#failures.childElementCount)) {
      this.#failures.append(failureLine(failure, this.#address));
    }
    this.#refreshFailures();
  }

  /** @param {Job} job */
  #showReport(job) {
    if (!job.report || !isOver(job) || !this.#report.hidden) return;
    this.#report.hidden = false;
    this.#report.replaceChildren(...reportNodes(job.report, this.#address));
  }
}

/**
 * Replace what an element holds, if that reads otherwise now.
 * @param {HTMLElement} element
 * @param {Node[]} nodes
 */
function refresh(element, nodes) {
  const fresh = make("div", {}, ...nodes);
  if (fresh.textContent !== element.textContent) element.replaceChildren(...fresh.childNodes);
}
