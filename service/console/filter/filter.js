/**
 * Which records are meant: the filter of a search and of a job, as the API takes it, as the forms show it, and as an address
 * has it.
 */

/**
 * @typedef {import("../api/bodies.d.ts").FilterItem} Filter
 * @typedef {import("../api/bodies.d.ts").HeaderConditionItem} HeaderCondition
 * @typedef {import("../api/bodies.d.ts").DeadLettersItem} DeadLetters
 * @typedef {"key"|"key_prefix"|"key_contains"} KeyMatch what the key must be like: equal, starting with it, containing it
 */

/**
 * What is in a form, as text where it is typed.
 * @typedef {Object} Given
 * @property {string} key "" for any
 * @property {KeyMatch} keyMatch
 * @property {readonly HeaderCondition[]} headers
 * @property {string} jmespath "" for any
 * @property {DeadLetters} deadLetters
 * @property {boolean} includeResent
 */

/** @type {readonly KeyMatch[]} */
const KEY_MATCHES = ["key", "key_prefix", "key_contains"];
const FIELDS = new Set([...KEY_MATCHES, "headers", "jmespath", "dead_letters", "include_resent"]);
/** @type {readonly (keyof DeadLetters)[]} */
export const DEAD_LETTER_FIELDS = ["dialect", "topic", "group", "reason"];

/**
 * The filter that a form says, without what was left open.
 * @param {Given} given
 * @returns {Filter}
 */
export function filterOf({ key, keyMatch, headers, jmespath, deadLetters, includeResent }) {
  /** @type {Filter} */
  const filter = {};
  if (key !== "") filter[keyMatch] = key;
  if (headers.length) filter.headers = headers.map(conditionOf);
  if (jmespath.trim() !== "") filter.jmespath = jmespath.trim();
  const asked = DEAD_LETTER_FIELDS.filter((name) => typeof deadLetters[name] === "string");
  if (asked.length) filter.dead_letters = Object.fromEntries(asked.map((name) => [name, deadLetters[name]]));
  if (includeResent) filter.include_resent = true;
  return filter;
}

/**
 * What a form shows of a filter.
 * @param {Filter} filter
 * @returns {Given}
 */
export function givenOf(filter) {
  const keyMatch = KEY_MATCHES.find((name) => filter[name]) ?? "key";
  return {
    key: filter[keyMatch] ?? "",
    keyMatch,
    headers: filter.headers ?? [],
    jmespath: filter.jmespath ?? "",
    deadLetters: filter.dead_letters ?? {},
    includeResent: filter.include_resent ?? false,
  };
}

/**
 * A condition without what says nothing: of a value, of any, or of none.
 * @param {HeaderCondition} condition
 * @returns {HeaderCondition}
 */
function conditionOf({ name, value, absent }) {
  if (absent) return { name, absent: true };
  return value === undefined || value === null ? { name } : { name, value };
}

/**
 * A filter as an address and a search have it: always the same text for the same filter, "" for one that takes all.
 * @param {Filter} filter
 */
export function writeFilter(filter) {
  const written = filterOf(givenOf(filter));
  return Object.keys(written).length ? JSON.stringify(written) : "";
}

/**
 * The filter that a text is; one that takes all where it is none, or one that the forms could not show.
 * @param {string} text
 * @returns {Filter}
 */
export function readFilter(text) {
  try {
    const read = JSON.parse(text);
    return isFilter(read) ? filterOf(givenOf(read)) : {};
  } catch {
    return {};
  }
}

/**
 * @param {unknown} read
 * @returns {read is Filter}
 */
function isFilter(read) {
  if (!isObject(read) || !Object.keys(read).every((name) => FIELDS.has(name))) return false;
  const { headers = [], dead_letters: dead = {}, include_resent: copies = false, ...texts } = read;
  if (!Object.values(texts).every((text) => typeof text === "string")) return false;
  if (KEY_MATCHES.filter((name) => name in texts).length > 1) return false;
  if (!isObject(dead) || !Object.entries(dead).every(isDeadLetterEntry)) return false;
  return typeof copies === "boolean" && Array.isArray(headers) && headers.every(isCondition);
}

/** @param {[string, unknown]} entry */
const isDeadLetterEntry = ([name, wanted]) => DEAD_LETTER_FIELDS.some((each) => each === name) && typeof wanted === "string";

/** @param {unknown} read */
function isCondition(read) {
  if (!isObject(read)) return false;
  const { name, value = "", absent = false, ...others } = read;
  return typeof name === "string" && typeof value === "string" && typeof absent === "boolean" && Object.keys(others).length === 0;
}

/**
 * @param {unknown} read
 * @returns {read is Record<string, unknown>}
 */
const isObject = (read) => typeof read === "object" && read !== null && !Array.isArray(read);

/**
 * What is asked for beyond the key, in a few words each.
 * @param {Filter} filter
 */
export function conditionWords({ headers, jmespath, dead_letters: dead, include_resent: copies }) {
  const words = (headers ?? []).map(({ name, value, absent }) => {
    if (absent) return `no header ${name}`;
    return value === undefined || value === null ? `header ${name}` : `header ${name} is ${value === "" ? "empty" : value}`;
  });
  if (jmespath) words.push(jmespath);
  words.push(...deadLetterWords(dead).map(([what, wanted]) => `dead letter ${wanted === "" ? `without ${what}` : `with ${what} ${wanted}`}`));
  if (copies) words.push("copies too");
  return words;
}

/** What is asked of dead letters. */
export const DEAD_LETTER_WORDS = /** @type {const} */ ({
  dialect: "dialect", topic: "origin", group: "group", reason: "exception",
});

/**
 * What is asked of dead letters, as [what, how it must be], "" for not named.
 * @param {DeadLetters|null|undefined} dead
 */
export const deadLetterWords = (dead) =>
  DEAD_LETTER_FIELDS.flatMap((name) => {
    const wanted = dead?.[name];
    return typeof wanted === "string" ? [/** @type {const} */ ([DEAD_LETTER_WORDS[name], wanted])] : [];
  });
