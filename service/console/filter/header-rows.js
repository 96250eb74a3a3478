/** The conditions on headers in a form. */

import { make } from "../page/dom.js";
import { Rows } from "./rows.js";

/** @typedef {import("../api/bodies.d.ts").HeaderConditionItem} HeaderCondition */

const KINDS = [["is", "is"], ["there", "is there"], ["absent", "is absent"]];

/**
 * A list of conditions on headers.
 * @param {() => void} changed called when there is another row, or one less
 * @returns {Rows<HeaderCondition>}
 */
export const headerRows = (changed) => new Rows("Add a header", headerRow, changed);

/**
 * @param {HeaderCondition|null} condition
 * @returns {import("./rows.js").Row<HeaderCondition>}
 */
function headerRow(condition) {
  const options = KINDS.map(([kind, words]) => make("option", { value: kind }, words));
  const plain = { spellcheck: "false", autocomplete: "off", maxlength: 4096 };
  const name = make("input", { ...plain, "aria-label": "Name of the header", placeholder: "name", required: true });
  const wanted = make("input", { ...plain, "aria-label": "Value of the header", placeholder: "value" });
  const kind = make("select", { "aria-label": "What of it" }, ...options);
  const choose = () => {
    wanted.hidden = kind.value !== "is";
  };
  kind.addEventListener("change", choose);
  if (condition !== null) {
    name.value = condition.name;
    wanted.value = condition.value ?? "";
    kind.value = kindOf(condition);
    choose();
  }
  return { controls: [name, kind, wanted], first: name, read: () => conditionOf(name.value, kind.value, wanted.value) };
}

/** @param {HeaderCondition} condition */
export function kindOf({ value, absent }) {
  if (absent) return "absent";
  return value === undefined || value === null ? "there" : "is";
}

/**
 * What a row says.
 * @param {string} name
 * @param {string} kind
 * @param {string} value
 * @returns {HeaderCondition}
 */
export function conditionOf(name, kind, value) {
  if (kind === "absent") return { name, absent: true };
  return kind === "there" ? { name } : { name, value };
}
