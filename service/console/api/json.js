/**
 * JSON without loss. JSON.parse makes a double of every number: offsets above 2^53 and timestamps near 2^63, which the API
 * has, become others. And a value is shown as it was written: numbers of any length digit by digit, repeated names and
 * their order kept.
 */

/**
 * @typedef {{kind: "object", entries: [string, JsonNode][]}} ObjectNode
 * @typedef {{kind: "array", entries: [number, JsonNode][]}} ArrayNode
 * @typedef {{kind: "string"|"number"|"word", text: string}} LeafNode a number as it is written; a word is true, false or null
 * @typedef {ObjectNode|ArrayNode|LeafNode} JsonNode
 */

/**
 * @param {string} text
 * @returns {JsonNode|null} the tree, or null if the text is not JSON
 */
export function parseJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // It is JSON, so that from here on nothing has to be checked.
  /** @type {ArrayNode} */
  const root = { kind: "array", entries: [] };
  /** @type {ObjectNode|ArrayNode} */
  let parent = root;
  /** @type {(ObjectNode|ArrayNode)[]} */
  const around = [];
  /** @type {string|null} */
  let name = null;
  /** @param {JsonNode} node */
  const add = (node) => {
    if (parent.kind === "array") parent.entries.push([parent.entries.length, node]);
    else parent.entries.push([/** @type {string} */ (name), node]);
    name = null;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "{" || character === "[") {
      /** @type {ObjectNode|ArrayNode} */
      const node = { kind: character === "{" ? "object" : "array", entries: [] };
      add(node);
      around.push(parent);
      parent = node;
    } else if (character === "}" || character === "]") {
      parent = around.pop() ?? root;
    } else if (character === '"') {
      let end = at + 1;
      while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      const string = JSON.parse(text.slice(at, end + 1));
      if (parent.kind === "object" && name === null) name = string;
      else add({ kind: "string", text: string });
      at = end;
    } else if (/[^\s,:]/.test(character)) {
      let end = at + 1;
      while (end < text.length && /[^\s,\]}]/.test(text[end])) end += 1;
      const token = text.slice(at, end);
      add({ kind: /^[-\d]/.test(token) ? "number" : "word", text: token });
      at = end - 1;
    }
  }
  return root.entries[0][1];
}

/** Fields of the API that hold 64-bit whole numbers: offsets, and times of records. */
const LONGS = new Set([
  "message_offset", "log_start_offset", "high_watermark", "next_offset", "end_offset", "first_offset",
  "last_offset", "start", "end",
  "timestamp", "start_time", "end_time",
]);

/**
 * Read a body of the API. Offsets and times of records are BigInt, always, so that what reckons with them has one type;
 * so is any other whole number that a double cannot hold.
 * @param {string} text
 * @returns {any} what the caller knows the shape of: bodies.d.ts has those of the API's answers
 * @throws {SyntaxError} the text is not JSON
 */
export function readBody(text) {
  const tree = parseJson(text);
  if (tree === null) throw new SyntaxError("not JSON");
  return plain(tree, "");
}

/** @type {Record<string, boolean|null>} */
const WORDS = { true: true, false: false, null: null };

/**
 * @param {JsonNode} node
 * @param {string} name of the field that it is in, or that the array is in
 * @returns {unknown}
 */
function plain(node, name) {
  if (node.kind === "object") return Object.fromEntries(node.entries.map(([key, child]) => [key, plain(child, key)]));
  if (node.kind === "array") return node.entries.map(([, child]) => plain(child, name));
  if (node.kind === "string") return node.text;
  if (node.kind === "word") return WORDS[node.text];
  const whole = /^-?\d+$/.test(node.text);
  return whole && (LONGS.has(name) || !Number.isSafeInteger(Number(node.text))) ? BigInt(node.text) : Number(node.text);
}

/**
 * Write a body for the API; BigInt as a number, digit by digit. A field that is undefined is left out.
 * @param {unknown} value
 * @returns {string}
 */
export function writeBody(value) {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(writeBody).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${writeBody(field)}`).join(",")}}`;
}
