/** The conditions on fields of the value in a form, which write its expression. */

import { make } from "../page/dom.js";
import { PathError, writePath } from "./expression.js";
import { Rows } from "./rows.js";

/**
 * @typedef {import("./expression.js").Operator} Operator
 * @typedef {import("./expression.js").Row} FieldRow
 */

/** @type {[Operator, string][]} */
const OPERATORS = [["eq", "="], ["ne", "≠"], ["lt", "<"], ["gt", ">"], ["contains", "contains"], ["exists", "exists"]];
/** @type {readonly Operator[]} These compare with an empty text as well. */
const WITH_EMPTY = ["eq", "ne"];

/**
 * A list of conditions on fields.
 * @param {() => void} changed called when there is another row, or one less, or one says something else
 * @param {() => void} adding called before there is another row
 * @returns {Rows<FieldRow>}
 */
export const fieldRows = (changed, adding) =>
  new Rows("Add a field", (condition) => fieldRow(condition, changed), changed, adding);

/**
 * @param {FieldRow|null} condition
 * @param {() => void} changed
 * @returns {import("./rows.js").Row<FieldRow>}
 */
function fieldRow(condition, changed) {
  const options = OPERATORS.map(([operator, words]) => make("option", { value: operator }, words));
  const plain = { spellcheck: "false", autocomplete: "off", maxlength: 1000 };
  const path = make("input", { ...plain, "aria-label": "Field of the value", placeholder: "payment.status", required: true });
  const value = make("input", { ...plain, "aria-label": "Value of the field", placeholder: "FAILED" });
  const operator = make("select", { "aria-label": "How it is compared" }, ...options);
  const read = () => ({ path: path.value, operator: /** @type {Operator} */ (operator.value), value: value.value });
  const check = () => {
    const { operator: chosen } = read();
    value.hidden = chosen === "exists";
    value.required = !value.hidden && !WITH_EMPTY.includes(chosen);
    path.setCustomValidity(path.value === "" ? "" : pathProblem(path.value));
  };
  if (condition !== null) {
    path.value = condition.path;
    operator.value = condition.operator;
    value.value = condition.value;
  }
  check();
  for (const control of [path, operator, value]) {
    control.addEventListener("input", () => {
      check();
      changed();
    });
  }
  return { controls: [path, operator, value], first: path, read };
}

/**
 * What is wrong with a path, "" for nothing.
 * @param {string} path
 */
export function pathProblem(path) {
  try {
    writePath(path);
    return "";
  } catch (error) {
    if (error instanceof PathError) return error.message;
    throw error;
  }
}

/**
 * The rows that can be written: those on their way are left out.
 * @param {readonly FieldRow[]} rows
 */
export const finished = (rows) =>
  rows.filter(({ path, operator, value }) =>
    pathProblem(path) === "" && (value !== "" || operator === "exists" || WITH_EMPTY.includes(operator)));
