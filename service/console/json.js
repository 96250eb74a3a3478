/**
 * JSON as it was written: numbers of any length digit by digit, repeated names and their order kept, which JSON.parse
 * alone would not do. A node is {kind: "object", entries: [[name, node]]}, {kind: "array", entries: [[index, node]]}, or
 * {kind: "string" | "number" | "word", text}.
 */

/** @returns {Object|null} the tree, or null if the text is not JSON. */
export function parseJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // It is JSON, so that from here on nothing has to be checked.
  const root = { kind: "root", entries: [] };
  const open = [root];
  let name = null;
  const add = (node) => {
    const parent = open.at(-1);
    parent.entries.push([parent.kind === "object" ? name : parent.entries.length, node]);
    name = null;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "{" || character === "[") {
      const node = { kind: character === "{" ? "object" : "array", entries: [] };
      add(node);
      open.push(node);
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      let end = at + 1;
      while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      const string = JSON.parse(text.slice(at, end + 1));
      if (open.at(-1).kind === "object" && name === null) name = string;
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
