/** Making elements, and showing what others wrote. Data enters the page as text nodes only: nothing here takes HTML. */

export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} tag
 * @param {Object} attributes a function is an event listener (onclick), true is an attribute without a value, false,
 *     null and undefined are none
 * @param {...(Node|string|null|false)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

// What would be invisible, or turn the text around it: controls, formats (without the joiner of emoji), lone surrogates.
const INVISIBLE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

/**
 * What others wrote, as nodes: characters that one could not see are shown by their code, so that nothing hides.
 * @param {string} text
 * @param {boolean} lines keep line breaks and tabs as they are
 */
export function shown(text, lines = false) {
  const fragment = document.createDocumentFragment();
  let done = 0;
  for (const { 0: character, index } of text.matchAll(INVISIBLE)) {
    const plain = character === "\n" || character === "\t" || (character === "\r" && text[index + 1] === "\n");
    if (lines && plain) continue;
    const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    fragment.append(text.slice(done, index), make("span", { class: "mark" }, NAMED[character] ?? `U+${code}`));
    done = index + character.length;
  }
  fragment.append(text.slice(done));
  return fragment;
}

/** Text that others wrote, kept apart from the direction of what stands around it. */
export function quoted(text, attributes = {}) {
  return make("bdi", { ...attributes, class: `data ${attributes.class ?? ""}` }, shown(text));
}

/** A value that may be missing: null says so, and "" too, since they are different things. */
export function value(text, attributes = {}) {
  if (text === null || text === undefined) return make("span", { ...attributes, class: "none" }, "null");
  if (text === "") return make("span", { ...attributes, class: "none" }, "empty");
  return quoted(text, attributes);
}

/** Say something to those who listen to the page. */
export function announce(text) {
  byId("status").textContent = text;
}

/** A notice of an error: the API's own words and code. */
export function problem(error) {
  const code = error.code ? make("code", { class: "code" }, error.code) : null;
  const id = error.requestId ? make("span", { class: "hint" }, `Request ${error.requestId}`) : null;
  return make("div", { class: "notice bad" }, make("p", {}, error.message), code && make("p", {}, code, " ", id));
}

/** Copy text for the user, or show it to be copied by hand where the browser does not allow that (plain HTTP). */
export async function copyOrShow(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied.");
    return true;
  } catch {
    byId("command-text").value = text;
    byId("command").showModal();
    byId("command-text").select();
    return false;
  }
}
