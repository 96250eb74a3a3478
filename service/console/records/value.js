/** The value of a record, looked at in three ways: JSON folded out, text, hex. Long ones are shown piece by piece. */

import { parseJson } from "../api/json.js";
import { make, shown } from "../page/dom.js";
import { number, plural } from "../page/format.js";

const TEXT_PIECE = 50_000;
const HEX_PIECE = 4096;
const ENTRIES_PIECE = 200;
const OPEN_NODES = 60;

/**
 * @typedef {import("../api/json.js").JsonNode} JsonNode
 * @typedef {import("../api/bodies.d.ts").HeaderItem["encoding"]} Encoding
 */

/**
 * The bytes of content as the API sends it: text, or base64.
 * @param {string} text
 * @param {Encoding} encoding
 */
export function toBytes(text, encoding) {
  if (encoding !== "base64") return new TextEncoder().encode(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * The ways to look at a value, the best first, as [name, function that makes the view].
 * @param {string} text
 * @param {Encoding} encoding
 * @returns {[string, () => Node][]}
 */
export function views(text, encoding) {
  const content = toBytes(text, encoding);
  /** @type {[string, () => Node]} */
  const hexView = ["Hex", () => hex(content)];
  if (encoding === "base64") return [hexView, ["Base64", () => pieces(text)]];
  const tree = parseJson(text);
  /** @type {[string, () => Node]} */
  const textView = ["Text", () => pieces(text)];
  if (tree === null) return [textView, hexView];
  /** @type {[string, () => Node]} */
  const jsonView = ["JSON", () => make("div", { class: "json" }, branch(null, tree, true, isSmall(tree)))];
  return tree.kind === "object" || tree.kind === "array" ? [jsonView, textView, hexView] : [textView, jsonView, hexView];
}

/**
 * Show more of something by a button, until nothing is left.
 * @param {number} total
 * @param {number} piece how many more at once
 * @param {(from: number, to: number) => void} add called with the range that is to be seen as well
 * @param {[one: string, many?: string]} what there is of it
 */
function byPieces(total, piece, add, what) {
  const box = make("div", {});
  let done = 0;
  const more = make("button", { type: "button", class: "quiet", onclick: () => next() });
  const next = () => {
    add(done, Math.min(total, done + piece));
    done = Math.min(total, done + piece);
    if (done >= total) more.remove();
    else more.textContent = `Show more (${number(done)} of ${plural(total, ...what)})`;
  };
  box.append(more);
  next();
  return box;
}

/** @param {string} text */
function pieces(text) {
  const content = make("pre", { class: "data wrapped", dir: "auto" });
  const add = (/** @type {number} */ from, /** @type {number} */ to) => content.append(shown(text.slice(from, to), true));
  const rest = byPieces(text.length, TEXT_PIECE, add, ["character"]);
  rest.prepend(content);
  return rest;
}

/** @param {Uint8Array} content */
function hex(content) {
  const dump = make("pre", { class: "data" });
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    const lines = [];
    for (let at = from; at < to; at += 16) lines.push(hexLine(content.subarray(at, Math.min(at + 16, to)), at));
    dump.append(lines.join(""));
  };
  const rest = byPieces(content.length, HEX_PIECE, add, ["byte"]);
  rest.prepend(make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Bytes" }, dump));
  return rest;
}

/**
 * A line of a hex dump: the address, up to 16 bytes, and what is ASCII of them.
 * @param {Uint8Array} line
 * @param {number} at
 */
export function hexLine(line, at) {
  const digits = [...line].map((byte) => byte.toString(16).padStart(2, "0"));
  const left = `${digits.slice(0, 8).join(" ")}  ${digits.slice(8).join(" ")}`.padEnd(49);
  const text = [...line].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  return `${at.toString(16).padStart(6, "0")}  ${left} ${text}\n`;
}

/**
 * Whether a tree has so few nodes that all of them may be open at once.
 * @param {JsonNode} tree
 */
export function isSmall(tree) {
  const waiting = [tree];
  for (let count = 0; count < OPEN_NODES; count += 1) {
    const node = waiting.pop();
    if (node === undefined) return true;
    const inside = childrenOf(node);
    if (inside.length > OPEN_NODES) return false;
    waiting.push(...inside);
  }
  return false;
}

/** @param {JsonNode} node */
const childrenOf = (node) => ("entries" in node ? node.entries.map(([, child]) => child) : []);

/**
 * One node of a JSON tree; what is inside of a folded one is made when it is first opened.
 * @param {string|number|null} name
 * @param {JsonNode} node
 * @param {boolean} open
 * @param {boolean} inner whether what is inside is open as well
 */
function branch(name, node, open, inner = false) {
  const label = name === null ? [] : [make("span", { class: "name" }, shown(String(name))), ": "];
  if (node.kind !== "object" && node.kind !== "array") {
    const text = node.kind === "string" ? shown(JSON.stringify(node.text)) : node.text;
    return make("div", { class: "leaf" }, ...label, make("bdi", { class: node.kind }, text));
  }
  const count = node.entries.length;
  const brackets = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (count === 0) return make("div", { class: "leaf" }, ...label, brackets.join(""));
  /** @type {[string, string]} */
  const entry = node.kind === "object" ? ["field", "fields"] : ["item", "items"];
  const summary = make(
    "summary",
    {},
    ...label,
    make("span", { class: "count" }, `${brackets[0]} ${plural(count, ...entry)} ${brackets[1]}`),
  );
  const folded = make("details", { class: "branch" }, summary);
  const fill = () => {
    if (folded.childElementCount > 1) return;
    const inside = make("div", { class: "inside" });
    const add = (/** @type {number} */ from, /** @type {number} */ to) => {
      const children = node.entries.slice(from, to);
      inside.append(...children.map(([key, child]) => branch(key, child, inner, inner)));
    };
    const rest = byPieces(count, ENTRIES_PIECE, add, entry);
    rest.prepend(inside);
    folded.append(rest);
  };
  folded.addEventListener("toggle", () => folded.open && fill());
  if (open) {
    fill();
    folded.open = true;
  }
  return folded;
}
