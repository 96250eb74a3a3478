/** Making elements, and showing what others wrote. Data enters the page as text nodes only: nothing here takes HTML. */

import { number } from "./format.js";

/**
 * @typedef {Node|string|null|undefined|false} Child
 * @typedef {{[name: string]: string|number|bigint|boolean|null|undefined|((event: never) => unknown)} &
 *     {[Name in keyof HTMLElementEventMap as `on${Name}`]?: (event: HTMLElementEventMap[Name]) => unknown}} Attributes
 */

/**
 * The element of the page that has an id. Each is asked for by one module, to which it belongs.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind] which kind of element it is
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`The page has no ${kind?.name ?? "element"} ${id}.`);
  return /** @type {T} */ (element);
}

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} attributes a function is an event listener (onclick), true is an attribute without a value, false,
 *     null and undefined are none
 * @param {...Child} children null, undefined and false are none
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

/**
 * A row of a list of facts.
 * @param {string} name
 * @param {...Child} content
 */
export const fact = (name, ...content) => [make("dt", {}, name), make("dd", {}, ...content)];

/**
 * The row of a table that names its columns.
 * @param {...string} titles
 */
export const headRow = (...titles) => make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));

/**
 * What an event is about: the nearest element around where it happened that a selector is for.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement|null}
 */
export const around = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

// What would be invisible, or turn the text around it: controls, formats (without the joiner of emoji), lone surrogates.
const INVISIBLE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
/** @type {Record<string, string>} */
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
    const code = Number(character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    fragment.append(text.slice(done, index), make("span", { class: "mark" }, NAMED[character] ?? `U+${code}`));
    done = index + character.length;
  }
  fragment.append(text.slice(done));
  return fragment;
}

/**
 * Text that others wrote, kept apart from the direction of what is around it. Of a long one the beginning is shown, and
 * a button for the rest, so that it does not push away what is around it.
 * @param {string} text
 * @param {Attributes} attributes
 * @param {number} most number of characters that is not long
 */
export function quoted(text, attributes = {}, most = 200) {
  const box = make("bdi", { ...attributes, class: `data ${attributes.class ?? ""}` });
  if (text.length <= most) {
    box.append(shown(text));
    return box;
  }
  // Not between the halves of a character.
  const begin = text.slice(0, /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most);
  const toggle = make("button", { type: "button", class: "quiet rest", onclick: () => show(!all) });
  let all = false;
  const show = (/** @type {boolean} */ wanted) => {
    all = wanted;
    box.replaceChildren(shown(all ? text : begin), all ? "" : "…");
    toggle.textContent = all ? "Show less" : `Show all ${number(text.length)} characters`;
    toggle.setAttribute("aria-expanded", String(all));
  };
  show(false);
  return make("span", {}, box, " ", toggle);
}

/**
 * A value that may be missing: null says so, and "" too, since they are different things.
 * @param {string|null|undefined} text
 * @param {number} [most] as for quoted
 */
export function value(text, most) {
  if (text === null || text === undefined) return make("span", { class: "none" }, "null");
  if (text === "") return make("span", { class: "none" }, "empty");
  return quoted(text, {}, most);
}

/**
 * What the API sends of bytes, as nodes: null, empty, text, or base64 and said so.
 * @param {string|null|undefined} text
 * @param {import("../api/bodies.d.ts").HeaderItem["encoding"]} [encoding]
 * @param {number} [most] as for quoted
 */
export function shownBytes(text, encoding, most) {
  const base64 = encoding === "base64" ? make("span", { class: "tag" }, "base64") : null;
  const node = value(text, most);
  return base64 === null ? [node] : [base64, " ", node];
}

/**
 * Make the controls of a list one Tab stop: the arrow keys, Home and End go from one to another.
 * @param {Element} list
 * @param {string} selector of the controls in it
 * @returns {(wanted?: HTMLElement|null) => void} to be called when the list has other controls, or another one is current,
 *     which may be named
 */
export function oneTabStop(list, selector) {
  /** @type {HTMLElement|null|undefined} */
  let reached = null;
  const controls = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll(selector)]);
  const refresh = (/** @type {HTMLElement|null} */ wanted = null) => {
    const all = controls();
    const current = all.find((each) => each.hasAttribute("aria-current"));
    reached = [wanted, reached, current].find((each) => each && all.includes(each)) ?? all[0];
    for (const each of all) each.tabIndex = each === reached ? 0 : -1;
  };
  list.addEventListener("focusin", (event) => {
    const control = around(event, selector);
    if (control) refresh(control);
  });
  list.addEventListener("keydown", (happened) => {
    const event = /** @type {KeyboardEvent} */ (happened);
    const all = controls();
    const at = all.findIndex((each) => each === event.target);
    if (at === -1 || event.altKey || event.ctrlKey || event.metaKey) return;
    /** @type {Record<string, number>} */
    const targets = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, target))].focus();
  });
  return refresh;
}

/**
 * Say something to those who listen to the page.
 * @param {string} text
 */
export function announce(text) {
  byId("status").textContent = text;
}

/**
 * A notice of an error: the API's own words and code.
 * @param {Error & {code?: string|null, requestId?: string|null}} error
 * @param {Attributes} attributes
 */
export function problem(error, attributes = {}) {
  const code = error.code ? make("code", { class: "code" }, error.code) : null;
  const id = error.requestId ? make("span", { class: "hint" }, `Request ${error.requestId}`) : null;
  return make("div", { ...attributes, class: "notice bad" }, make("p", {}, error.message), code && make("p", {}, code, " ", id));
}

/**
 * Copy text for the user, or show it to be copied by hand where the browser does not allow that (plain HTTP).
 * @param {string} text
 */
export async function copyOrShow(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied.");
  } catch {
    const field = byId("command-text", HTMLTextAreaElement);
    field.value = text;
    byId("command", HTMLDialogElement).showModal();
    field.select();
  }
}
