/** A token is kept in its tab where the user asks for that, also where a browser forbids it nothing fails. */

import assert from "node:assert/strict";
import test from "node:test";

import { forgetToken, keepToken, keptToken } from "../../service/console/app/session.js";

/** @type {Map<string, string>} */
const kept = new Map();
const storage = {
  getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
  setItem: (/** @type {string} */ name, /** @type {string} */ value) => kept.set(name, value),
  removeItem: (/** @type {string} */ name) => kept.delete(name),
};
const forbidden = () => {
  throw new DOMException("forbidden", "SecurityError");
};

/** @param {unknown} sessionStorage */
const browser = (sessionStorage) => Object.defineProperty(globalThis, "sessionStorage", { value: sessionStorage, configurable: true });

Object.assign(globalThis, { location: { pathname: "/kafka/console" } });

test("a token is kept under a name of its own path until it is forgotten", () => {
  browser(storage);
  assert.equal(keptToken(), null);
  keepToken("secret");
  assert.deepEqual([...kept], [["kafka-resend token /kafka/console", "secret"]]);
  assert.equal(keptToken(), "secret");
  forgetToken();
  assert.equal(keptToken(), null);
});

test("where the browser forbids it there is no token, and no error", () => {
  browser({ getItem: forbidden, setItem: forbidden, removeItem: forbidden });
  keepToken("secret");
  forgetToken();
  assert.equal(keptToken(), null);
});
