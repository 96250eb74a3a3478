/** The conditions on dead letters in a form: where they came from, whose they are, why they failed. */

import { make } from "../page/dom.js";
import { DEAD_LETTER_FIELDS, DEAD_LETTER_WORDS } from "./filter.js";
import { Rows } from "./rows.js";

/**
 * @typedef {import("./filter.js").DeadLetters} DeadLetters
 * @typedef {{field: keyof DeadLetters, value: string|null}} Condition "" for one that is not named; null: not yet typed
 */

const KINDS = [["is", "is"], ["none", "is not named"]];
/** @type {readonly (keyof DeadLetters)[]} A dead letter may name neither of these. */
const MAY_BE_MISSING = ["group", "reason"];

/**
 * A list of conditions on dead letters.
 * @param {() => void} changed called when there is another row, or one less
 * @returns {Rows<Condition>}
 */
export const deadLetterRows = (changed) => new Rows("Add what a dead letter says", deadLetterRow, changed);

/**
 * @param {Condition|null} condition
 * @returns {import("./rows.js").Row<Condition>}
 */
function deadLetterRow(condition) {
  const fields = DEAD_LETTER_FIELDS.map((name) => make("option", { value: name }, DEAD_LETTER_WORDS[name]));
  const field = make("select", { "aria-label": "Which part of the dead letter" }, ...fields);
  const kind = make("select", { "aria-label": "How it must be" }, ...KINDS.map(([name, words]) => make("option", { value: name }, words)));
  const plain = { spellcheck: "false", autocomplete: "off", maxlength: 4096 };
  const value = make("input", { ...plain, "aria-label": "Value of that part" });
  const read = () => /** @type {keyof DeadLetters} */ (field.value);
  const choose = () => {
    kind.hidden = !MAY_BE_MISSING.includes(read());
    value.hidden = !kind.hidden && kind.value === "none";
    value.required = !value.hidden;
  };
  field.value = condition?.field ?? "group";
  kind.value = condition?.value === "" ? "none" : "is";
  value.value = condition?.value ?? "";
  for (const control of [field, kind]) control.addEventListener("change", choose);
  choose();
  return { controls: [field, kind, value], first: field, read: () => ({ field: read(), value: value.hidden ? "" : value.value || null }) };
}

/**
 * The rows that say it.
 * @param {DeadLetters} dead
 * @returns {Condition[]}
 */
export const conditionsOf = (dead) =>
  DEAD_LETTER_FIELDS.flatMap((field) => {
    const value = dead[field];
    return typeof value === "string" ? [{ field, value }] : [];
  });

/**
 * What rows say; of two about the same part the last counts.
 * @param {readonly Condition[]} conditions
 * @returns {DeadLetters}
 */
export const deadLettersOf = (conditions) =>
  Object.fromEntries(conditions.filter(({ value }) => value !== null).map(({ field, value }) => [field, value]));
