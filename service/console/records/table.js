/** The table of records. However many there are, only the rows in sight (and some around them) stand in the page. */

import { around, byId, make } from "../page/dom.js";
import { idOf } from "./listing.js";
import { cellsOf } from "./table-row.js";
import { rowByKey, rowsInSight } from "./table-window.js";

/** @typedef {import("../api/bodies.d.ts").MessageItem} Message */

const USUAL_HEIGHT = 34;

export class RecordTable {
  #open;
  #changed;
  #region = byId("table-region");
  #body = byId("rows");
  #all = byId("tick-all", HTMLInputElement);
  #above = make("td");
  #under = make("td");
  /** @type {Message[]} */
  #records = [];
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, Message>} */
  #selected = new Map();
  #active = 0;
  #opened = "";
  #rowHeight = 0;

  /**
   * @param {(record: Message) => void} open called with a record that the user opens
   * @param {(selected: Message[]) => void} changed called with the selected records when others may be
   */
  constructor(open, changed) {
    this.#open = open;
    this.#changed = changed;
    const spacer = { class: "spacer", "aria-hidden": "true" };
    this.#body.append(make("tr", spacer, this.#above), make("tr", spacer, this.#under));
    this.#region.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#measure()).observe(this.#region);
    byId("table").addEventListener("keydown", (event) => this.#key(event));
    this.#region.addEventListener("keydown", (event) => {
      if (event.target === this.#region && ["ArrowDown", "ArrowUp"].includes(event.key) && this.#records.length) {
        event.preventDefault();
        this.#focus(this.#active);
      }
    });
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#all.addEventListener("change", () => this.#tickAll(this.#all.checked));
  }

  get records() {
    return this.#records;
  }

  /** The selected records in the order of the log: by partition, then offset. */
  get selected() {
    return [...this.#selected.values()].sort(
      (one, other) => one.partition - other.partition || Number(one.message_offset - other.message_offset),
    );
  }

  clear() {
    this.#records = [];
    this.#selected.clear();
    this.#active = 0;
    this.#drop();
    this.#region.scrollTop = 0;
    this.#draw();
    this.#tell();
  }

  /** @param {Message[]} records that come after those it has */
  append(records) {
    this.#records = [...this.#records, ...records];
    byId("table").setAttribute("aria-rowcount", String(this.#records.length + 1));
    this.#measure();
    this.#tell();
  }

  /** @param {string[]} ids */
  deselect(ids) {
    for (const id of ids) this.#selected.delete(id);
    this.#redraw();
    this.#tell();
  }

  /**
   * Whether more records are on their way.
   * @param {boolean} is
   */
  busy(is) {
    this.#region.ariaBusy = is ? "true" : null;
  }

  /**
   * Mark the record that is open beside the table.
   * @param {string} id "" for none
   */
  mark(id) {
    this.#opened = id;
    for (const [index, row] of this.#rows) this.#markRow(row, this.#records[index]);
  }

  /**
   * Put the focus on a record's row, if the table has it.
   * @param {string} id
   */
  focusRecord(id) {
    const index = this.#records.findIndex((record) => idOf(record) === id);
    if (index === -1) return false;
    this.#focus(index);
    return true;
  }

  focus() {
    this.#region.focus({ preventScroll: true });
  }

  #drop() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
  }

  #redraw() {
    const focused = this.#body.contains(document.activeElement);
    this.#drop();
    this.#draw();
    if (focused) this.#focus(this.#active);
  }

  #measure() {
    this.#draw();
    const height = this.#rows.values().next().value?.offsetHeight;
    if (height && height !== this.#rowHeight) {
      this.#rowHeight = height;
      this.#draw();
    }
  }

  #draw() {
    const height = this.#rowHeight || USUAL_HEIGHT;
    const count = this.#records.length;
    const { first, last } = rowsInSight(this.#region, height, count);
    const focused = document.activeElement;
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue;
      // A focus that goes with its row would begin again at the top of the page.
      if (row.contains(focused)) this.#region.focus({ preventScroll: true });
      row.remove();
      this.#rows.delete(index);
    }
    let before = this.#above.parentElement;
    for (let index = first; index < last; index += 1) {
      const there = this.#rows.get(index);
      const row = there ?? this.#row(this.#records[index], index);
      if (!there) {
        this.#rows.set(index, row);
        before?.after(row);
      }
      before = row;
    }
    // Heights go through the CSSOM: the page's policy knows no style attributes.
    for (const [spacer, rows] of /** @type {[HTMLElement, number][]} */ ([[this.#above, first], [this.#under, count - last]])) {
      spacer.style.height = `${rows * height}px`;
      if (spacer.parentElement) spacer.parentElement.hidden = rows === 0;
    }
  }

  /**
   * @param {Message} record
   * @param {number} index
   */
  #row(record, index) {
    const id = idOf(record);
    const place = `partition ${record.partition} offset ${record.message_offset}`;
    const reach = index === this.#active ? 0 : -1;
    const tick = make("input", { type: "checkbox", "aria-label": `Select ${place}`, tabindex: reach });
    tick.checked = this.#selected.has(id);
    const open = make(
      "button",
      { type: "button", class: "open", "aria-label": `Open ${place}`, tabindex: reach },
      String(record.message_offset),
    );
    const row = make(
      "tr",
      { "aria-rowindex": index + 2 },
      make("td", { class: "tick" }, tick),
      ...cellsOf(record, open),
    );
    row.dataset.index = String(index);
    this.#markRow(row, record);
    return row;
  }

  /**
   * @param {HTMLElement} row
   * @param {Message} record
   */
  #markRow(row, record) {
    const id = idOf(record);
    row.classList.toggle("opened", id === this.#opened);
    row.classList.toggle("selected", this.#selected.has(id));
    const button = row.querySelector("button");
    if (button) button.ariaCurrent = id === this.#opened ? "true" : null;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = around(event, "tr[data-index]");
    if (!row) return;
    const index = Number(row.dataset.index);
    this.#activate(index);
    if (around(event, "td.tick")) {
      const box = row.querySelector("input");
      if (box && event.target !== box) box.checked = !box.checked;
      this.#tick(index, box?.checked ?? false);
    } else if (!String(getSelection())) {
      this.#open(this.#records[index]);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = around(event, "tr[data-index]");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = Number(row.dataset.index);
    const inBox = around(event, "[type=checkbox]") !== null;
    const page = Math.max(1, Math.floor(this.#region.clientHeight / (this.#rowHeight || USUAL_HEIGHT)) - 2);
    const target = rowByKey(event.key, index, page, this.#records.length);
    if (target !== null) {
      event.preventDefault();
      this.#focus(target, inBox);
    } else if (event.key === " " && !inBox) {
      event.preventDefault();
      const box = row.querySelector("input");
      if (!box) return;
      box.checked = !box.checked;
      this.#tick(index, box.checked);
    }
  }

  /** @param {number} index of the row that is a Tab stop from now on */
  #activate(index) {
    const reach = (/** @type {HTMLElement|undefined} */ row, /** @type {number} */ tabindex) => {
      const controls = /** @type {NodeListOf<HTMLElement>|undefined} */ (row?.querySelectorAll("input, button"));
      for (const control of controls ?? []) control.tabIndex = tabindex;
    };
    reach(this.#rows.get(this.#active), -1);
    this.#active = index;
    reach(this.#rows.get(index), 0);
  }

  /**
   * @param {number} index
   * @param {boolean} box on what selects the row, else on what opens it
   */
  #focus(index, box = false) {
    this.#activate(index);
    const height = this.#rowHeight || USUAL_HEIGHT;
    const head = this.#region.querySelector("thead")?.offsetHeight ?? 0;
    const top = index * height;
    const sight = this.#region.clientHeight - head;
    if (top < this.#region.scrollTop) this.#region.scrollTop = top;
    else if (top + height > this.#region.scrollTop + sight) this.#region.scrollTop = top + height - sight;
    this.#draw();
    this.#activate(index);
    this.#rows.get(index)?.querySelector(box ? "input" : "button")?.focus({ preventScroll: true });
  }

  /**
   * @param {number} index
   * @param {boolean} checked
   */
  #tick(index, checked) {
    const record = this.#records[index];
    const row = this.#rows.get(index);
    if (checked) this.#selected.set(idOf(record), record);
    else this.#selected.delete(idOf(record));
    if (row) this.#markRow(row, record);
    this.#tell();
  }

  /** @param {boolean} checked */
  #tickAll(checked) {
    this.#selected = checked ? new Map(this.#records.map((record) => [idOf(record), record])) : new Map();
    this.#redraw();
    this.#tell();
  }

  #tell() {
    const all = this.#all;
    all.checked = this.#selected.size > 0 && this.#selected.size === this.#records.length;
    all.indeterminate = this.#selected.size > 0 && !all.checked;
    all.disabled = this.#records.length === 0;
    this.#changed(this.selected);
  }
}
