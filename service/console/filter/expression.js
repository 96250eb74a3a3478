/**
 * Rows that compare a field of the value, and the JMESPath expression that says the same. Rows write an expression, and an
 * expression that rows could have written is read back as them.
 */

/**
 * @typedef {"eq"|"ne"|"lt"|"gt"|"contains"|"exists"} Operator
 * @typedef {{path: string, operator: Operator, value: string}} Row `path` is such as payment.status; the value is as it was typed
 */

/** @type {Record<string, Operator>} */
const BY_SIGN = { "==": "eq", "!=": "ne", "<": "lt", ">": "gt" };
const SIGNS = { eq: "==", ne: "!=", lt: "<", gt: ">" };

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const QUOTED = /^"(?:[^"\\]|\\.)*"/;
const INDEX = /^\[(?:-?\d{1,9}|\*)\]/;
// What JSON calls a number, and its words.
const NUMBER_OR_WORD = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const AND = " && ";
// A path and a value as rows write them.
const PATH = String.raw`((?:"(?:[^"\\]|\\.)*"|[^\s"'\x60])+)`;
const VALUE = "('.*'|`.*`)";
const CONTAINS = new RegExp(`^contains\\(${PATH} \\|\\| '', ${VALUE}\\)$`, "s");
const COMPARES = new RegExp(`^${PATH} (==|!=|<|>) ${VALUE}$`, "s");

/** A path that names no field. */
export class PathError extends Error {}

/**
 * A path as an expression has it: what is no identifier is put into double quotes.
 * @param {string} path such as payment.status, lines[0].sku, or "order.id".state where a name has a dot in it
 * @throws {PathError}
 */
export function writePath(path) {
  let rest = path.trim();
  let written = "";
  for (;;) {
    const [name] = QUOTED.exec(rest) ?? /^[^.["]+/.exec(rest) ?? [];
    if (!name?.trim()) throw new PathError("Write the field as a path, such as payment.status.");
    written += name.startsWith('"') ? checkedName(name) : nameOf(name.trim());
    rest = rest.slice(name.length);
    for (let index = INDEX.exec(rest); index; index = INDEX.exec(rest)) {
      written += index[0];
      rest = rest.slice(index[0].length);
    }
    if (rest === "") return written;
    if (!rest.startsWith(".")) throw new PathError(`“${rest}” does not continue a path: put a name with such signs in double quotes.`);
    written += ".";
    rest = rest.slice(1);
  }
}

/** @param {string} name */
const nameOf = (name) => (IDENTIFIER.test(name) ? name : JSON.stringify(name));

/**
 * A name in double quotes, which it needs or not.
 * @param {string} quoted
 */
function checkedName(quoted) {
  try {
    return nameOf(JSON.parse(quoted));
  } catch {
    throw new PathError(`${quoted} is no name in double quotes: a backslash in it is written twice.`);
  }
}

/**
 * A text as an expression has it.
 * @param {string} text
 */
export function writeText(text) {
  // In single quotes a backslash cannot stand before a quote, or at the end.
  if (text.includes("\\")) return `\`${JSON.stringify(text).replaceAll("`", "\\u0060")}\``;
  return `'${text.replaceAll("'", "\\'")}'`;
}

/**
 * A value as an expression has it: a number, true, false and null as such, all else as text; "100" in double quotes is text.
 * @param {string} typed
 */
export function writeValue(typed) {
  if (NUMBER_OR_WORD.test(typed)) return `\`${typed}\``;
  return writeText(unquoted(typed));
}

/** @param {string} typed */
const isQuoted = (typed) => typed.length > 1 && typed.startsWith('"') && typed.endsWith('"');

/** @param {string} typed */
const unquoted = (typed) => (isQuoted(typed) ? typed.slice(1, -1) : typed);

/**
 * What one types for a text: in double quotes where it would be taken for something else.
 * @param {string} text
 */
const typedText = (text) => (NUMBER_OR_WORD.test(text) || isQuoted(text) ? `"${text}"` : text);

/**
 * What a row says.
 * @param {Row} row
 * @throws {PathError}
 */
export function writeRow({ path, operator, value }) {
  const field = writePath(path);
  if (operator === "exists") return `${field} != \`null\``;
  // What is not there contains nothing, and is not an error.
  if (operator === "contains") return `contains(${field} || '', ${writeText(unquoted(value))})`;
  return `${field} ${SIGNS[operator]} ${writeValue(value)}`;
}

/**
 * The expression that is true where all of it is.
 * @param {string} typed an expression that is more than rows can say, "" for none
 * @param {readonly Row[]} rows
 * @throws {PathError}
 */
export function writeExpression(typed, rows) {
  if (rows.length === 0) return typed;
  return [...(typed === "" ? [] : [`(${typed})`]), ...rows.map(writeRow)].join(AND);
}

/**
 * The rows that write an expression; null where no rows do.
 * @param {string} expression
 * @returns {Row[]|null}
 */
export function readRows(expression) {
  const text = expression.trim();
  if (text === "") return [];
  const rows = partsOf(text).map(readRow);
  const read = rows.filter((row) => row !== null);
  return read.length === rows.length && writes(read, text) ? read : null;
}

/**
 * Whether rows write exactly this: what was read of it in passing is checked here.
 * @param {readonly Row[]} rows
 * @param {string} text
 */
function writes(rows, text) {
  try {
    return writeExpression("", rows) === text;
  } catch (error) {
    if (error instanceof PathError) return false;
    throw error;
  }
}

/**
 * The parts of an expression between its &&, as far as these stand outside of quotes.
 * @param {string} text
 */
function partsOf(text) {
  const parts = [""];
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    if (quote === "" && text.startsWith(AND, at)) {
      parts.push("");
      at += AND.length - 1;
      continue;
    }
    const character = text[at];
    parts[parts.length - 1] += character;
    if (quote !== "" && character === "\\") {
      at += 1;
      parts[parts.length - 1] += text[at] ?? "";
    } else if (character === quote) {
      quote = "";
    } else if (quote === "" && "'\"`".includes(character)) {
      quote = character;
    }
  }
  return parts;
}

/**
 * @param {string} part
 * @returns {Row|null}
 */
function readRow(part) {
  const [, container, contained] = CONTAINS.exec(part) ?? [];
  if (container !== undefined) {
    const text = readText(contained);
    return text === null ? null : { path: container, operator: "contains", value: isQuoted(text) ? `"${text}"` : text };
  }
  const [, path, sign, written] = COMPARES.exec(part) ?? [];
  if (path === undefined) return null;
  if (sign === "!=" && written === "`null`") return { path, operator: "exists", value: "" };
  const operator = BY_SIGN[sign];
  const inside = written.slice(1, -1);
  if (written.startsWith("`") && NUMBER_OR_WORD.test(inside)) return { path, operator, value: inside };
  const text = readText(written);
  return text === null ? null : { path, operator, value: typedText(text) };
}

/**
 * The text that is written so; null where it is none.
 * @param {string} written in single quotes, or in backticks
 */
function readText(written) {
  const inside = written.slice(1, -1);
  if (written.startsWith("'")) return inside.replaceAll("\\'", "'");
  try {
    const value = JSON.parse(inside);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
