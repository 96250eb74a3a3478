/** The table of records. However many there are, only the rows in sight (and some around them) stand in the page. */

import { byId, make, shown } from "./dom.js";
import { bytes, local, localText, utcText } from "./format.js";

const AROUND = 12;

/** How a record is named in the address and among the selected. */
export const idOf = (record) => `${record.partition}-${record.message_offset}`;

export class RecordTable {
  #open;
  #changed;
  #region = byId("table-region");
  #body = byId("rows");
  #above = make("tr", { class: "spacer", "aria-hidden": "true" }, make("td"));
  #under = make("tr", { class: "spacer", "aria-hidden": "true" }, make("td"));
  #records = [];
  #rows = new Map();
  #selected = new Map();
  #active = 0;
  #opened = "";
  #rowHeight = 0;

  /**
   * @param {function(Object)} open called with a record that the user opens
   * @param {function()} changed called when other records are selected
   */
  constructor(open, changed) {
    this.#open = open;
    this.#changed = changed;
    this.#body.append(this.#above, this.#under);
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
    byId("tick-all").addEventListener("change", (event) => this.#tickAll(event.target.checked));
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

  append(records) {
    this.#records = [...this.#records, ...records];
    byId("table").setAttribute("aria-rowcount", this.#records.length + 1);
    this.#measure();
    this.#tell();
  }

  deselect(ids) {
    for (const id of ids) this.#selected.delete(id);
    this.#redraw();
    this.#tell();
  }

  /** Mark the record that is open beside the table. */
  mark(id) {
    this.#opened = id;
    for (const [index, row] of this.#rows) this.#markRow(row, this.#records[index]);
  }

  /** Put the focus on a record's row, if the table has it. */
  focusRecord(id) {
    const index = this.#records.findIndex((record) => idOf(record) === id);
    if (index === -1) return false;
    this.#focus(index);
    return true;
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
    const height = this.#rowHeight || 34;
    const count = this.#records.length;
    const first = Math.max(0, Math.min(count, Math.floor(this.#region.scrollTop / height)) - AROUND);
    const last = Math.min(count, first + Math.ceil(this.#region.clientHeight / height) + 2 * AROUND);
    const focused = document.activeElement;
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue;
      // A focus that goes with its row would begin again at the top of the page.
      if (row.contains(focused)) this.#region.focus({ preventScroll: true });
      row.remove();
      this.#rows.delete(index);
    }
    let before = this.#above;
    for (let index = first; index < last; index += 1) {
      if (!this.#rows.has(index)) {
        const row = this.#row(this.#records[index], index);
        this.#rows.set(index, row);
        before.after(row);
      }
      before = this.#rows.get(index);
    }
    // Heights go through the CSSOM: the page's policy knows no style attributes.
    this.#above.firstChild.style.height = `${first * height}px`;
    this.#under.firstChild.style.height = `${(count - last) * height}px`;
    this.#above.hidden = first === 0;
    this.#under.hidden = last === count;
  }

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
      make("td", { class: "time" }, time(record.timestamp)),
      make("td", { class: "partition" }, String(record.partition)),
      make("td", { class: "offset" }, open),
      cell("key", record.key, record.key_encoding === "base64" ? "base64" : null),
      consumerCell(record),
      make("td", { class: "size", title: `${record.size} bytes` }, bytes(record.size)),
      cell("preview", record.value_size === null ? null : (record.preview ?? ""), record.preview_lossy ? "not UTF-8" : null),
    );
    row.dataset.index = index;
    this.#markRow(row, record);
    return row;
  }

  #markRow(row, record) {
    const id = idOf(record);
    row.classList.toggle("opened", id === this.#opened);
    row.classList.toggle("selected", this.#selected.has(id));
    const button = row.querySelector(".open");
    if (id === this.#opened) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  #click(event) {
    const row = event.target.closest("tr[data-index]");
    if (!row) return;
    const index = Number(row.dataset.index);
    this.#activate(index);
    if (event.target.closest("td.tick")) {
      const box = row.querySelector("input");
      if (event.target !== box) box.checked = !box.checked;
      this.#tick(index, box.checked);
    } else if (!String(getSelection())) {
      this.#open(this.#records[index]);
    }
  }

  #key(event) {
    const row = event.target.closest("tr[data-index]");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = Number(row.dataset.index);
    const page = Math.max(1, Math.floor(this.#region.clientHeight / (this.#rowHeight || 34)) - 2);
    const target = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: this.#records.length - 1,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      this.#focus(Math.max(0, Math.min(this.#records.length - 1, target)), event.target.type === "checkbox");
    } else if (event.key === " " && event.target.type !== "checkbox") {
      event.preventDefault();
      const box = row.querySelector("input");
      box.checked = !box.checked;
      this.#tick(index, box.checked);
    }
  }

  #activate(index) {
    const reach = (row, tabindex) => {
      for (const control of row?.querySelectorAll("input, button") ?? []) control.tabIndex = tabindex;
    };
    reach(this.#rows.get(this.#active), -1);
    this.#active = index;
    reach(this.#rows.get(index), 0);
  }

  #focus(index, box = false) {
    this.#activate(index);
    const height = this.#rowHeight || 34;
    const head = this.#region.querySelector("thead").offsetHeight;
    const top = index * height;
    const sight = this.#region.clientHeight - head;
    if (top < this.#region.scrollTop) this.#region.scrollTop = top;
    else if (top + height > this.#region.scrollTop + sight) this.#region.scrollTop = top + height - sight;
    this.#draw();
    this.#activate(index);
    this.#rows.get(index)?.querySelector(box ? "input" : "button").focus({ preventScroll: true });
  }

  #tick(index, checked) {
    const record = this.#records[index];
    if (checked) this.#selected.set(idOf(record), record);
    else this.#selected.delete(idOf(record));
    this.#markRow(this.#rows.get(index), record);
    this.#tell();
  }

  #tickAll(checked) {
    this.#selected = checked ? new Map(this.#records.map((record) => [idOf(record), record])) : new Map();
    this.#redraw();
    this.#tell();
  }

  #tell() {
    const all = byId("tick-all");
    all.checked = this.#selected.size > 0 && this.#selected.size === this.#records.length;
    all.indeterminate = this.#selected.size > 0 && !all.checked;
    all.disabled = this.#records.length === 0;
    this.#changed();
  }
}

function time(ms) {
  if (ms === null) return make("span", { class: "none" }, "none");
  const at = local(ms);
  if (at === null) return String(ms);
  return make(
    "time",
    { datetime: new Date(Number(ms)).toISOString(), title: `${localText(ms)}, ${utcText(ms)}` },
    make("span", { class: "date" }, `${at.date} `),
    at.time,
    make("span", { class: "fraction" }, at.fraction),
  );
}

/** The consumer_key: nothing where there is no such header, which is another thing than one that is null. */
function consumerCell(record) {
  const { has_consumer_key: has, consumer_key: key, consumer_key_encoding: encoding } = record;
  if (has === null) return make("td", { class: "consumer none", title: "The name of a header is not UTF-8" }, "not known");
  return has ? cell("consumer", key, encoding === "base64" ? "base64" : null) : make("td", { class: "consumer" });
}

function cell(name, text, badge = null) {
  const empty = text === null || text === "";
  return make(
    "td",
    { class: `${name} ${empty ? "none" : "data"}` },
    badge ? make("span", { class: "tag" }, badge) : null,
    empty ? (text === null ? "null" : "empty") : make("bdi", {}, shown(text)),
  );
}
