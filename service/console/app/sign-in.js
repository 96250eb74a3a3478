/** Signing in and out: the page shows either the form that asks for a token, or what the token opens. */

import { Api } from "../api/api.js";
import { ApiError, asError } from "../api/errors.js";
import { byId, problem } from "../page/dom.js";
import { forgetToken, keepToken, keptToken } from "./session.js";
import { signedIn } from "./state.js";

// Open access takes any token: there, nobody need type one.
const ANY_TOKEN = "console";
const FORBIDDEN = 403;

export class SignIn {
  #store;
  #router;
  #token = byId("token", HTMLInputElement);

  /**
   * @param {import("./state.js").Store} store
   * @param {import("./router.js").Router} router
   */
  constructor(store, router) {
    this.#store = store;
    this.#router = router;
    byId("sign-in-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Sign in without asking where a token is kept or none is needed; else ask for one. */
  async begin() {
    const kept = keptToken();
    // Where a token is wanted, an attempt without one would be a refusal in the log at every visit.
    if (kept === null && document.documentElement.dataset.access !== "anonymous") {
      this.#ask();
      return;
    }
    try {
      await this.#enter(kept ?? ANY_TOKEN, false);
    } catch (error) {
      this.#ask();
      if (kept !== null) this.#say(signInError(error));
      // Without an answer, or with one of "not now", it may still be the right one.
      if (isForbidden(error)) forgetToken();
    }
  }

  leave() {
    forgetToken();
    this.#router.leave();
    this.#ask();
  }

  #ask() {
    byId("console").hidden = true;
    byId("sign-in").hidden = false;
    this.#token.focus();
  }

  async #submit() {
    const token = this.#token.value;
    // No header could carry it.
    if (/[^\x20-\x7e]/.test(token)) {
      this.#say(new Error("A token has only letters, digits and signs of ASCII."));
      return;
    }
    try {
      await this.#enter(token, byId("keep", HTMLInputElement).checked);
      // Unless the user has gone elsewhere meanwhile.
      if (document.activeElement === document.body) this.#router.focus();
    } catch (error) {
      this.#say(signInError(error));
      this.#token.select();
    }
  }

  /**
   * Sign in with a token, and go where the address says; the service's error is thrown if it does not know the token.
   * @param {string} token
   * @param {boolean} keep whether the tab keeps the token until it is closed
   */
  async #enter(token, keep) {
    const api = new Api(token);
    const { asked } = this.#router;
    const caller = await api.caller(asked.project || undefined);
    if (keep) keepToken(token);
    this.#token.value = "";
    byId("sign-in-problem").replaceChildren();
    byId("sign-in").hidden = true;
    byId("console").hidden = false;
    this.#store.change(signedIn, api, caller, asked);
    await this.#router.enterInstance();
  }

  /** @param {Error} error */
  #say(error) {
    byId("sign-in-problem").replaceChildren(problem(error));
  }
}

/** @param {unknown} error */
const isForbidden = (error) => error instanceof ApiError && error.status === FORBIDDEN;

/**
 * The error in words for a user who signs in: the API's own are those of any refused request.
 * @param {unknown} thrown
 */
export function signInError(thrown) {
  const error = asError(thrown);
  if (isForbidden(error)) error.message = "This token was not accepted. Check for typos or expiry.";
  return error;
}
