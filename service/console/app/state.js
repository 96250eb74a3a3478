/**
 * All that the parts of the page share, in one object, and the ways in which it changes. A state is never altered: a
 * change makes the next one of it. What only one part knows, such as which rows are selected, that part keeps.
 */

import { NOWHERE } from "./address.js";

/**
 * @typedef {import("./address.js").Route} Route
 * @typedef {import("../api/bodies.d.ts").CallerInstance} CallerInstance
 * @typedef {import("../api/bodies.d.ts").CallerResponse} CallerResponse
 */

/**
 * @typedef {Object} State
 * @property {import("../api/api.js").Api|null} api asks with the token of who is signed in; null: nobody is
 * @property {CallerResponse} caller who is signed in, and the instances of the project that they may touch
 * @property {Route} route where the user is
 * @property {string|null} missing the instance that was asked for, where it is not among those open to the caller
 * @property {readonly string[]} recentKeys the consumer_keys used last, newest first
 */

const MOST_KEYS = 10;

/** @type {CallerResponse} */
const NOBODY = { name: "", project: "", instances: [] };

/** @type {Readonly<State>} */
export const INITIAL = { api: null, caller: NOBODY, route: NOWHERE, missing: null, recentKeys: [] };

// How it changes.

/**
 * A token was accepted: one is where the address says, or, where that says nothing, in the first instance.
 * @param {State} state
 * @param {import("../api/api.js").Api} api
 * @param {CallerResponse} caller
 * @param {Route} asked
 * @returns {State}
 */
export function signedIn(state, api, caller, asked) {
  const instance = asked.instance || (caller.instances[0]?.instance_id ?? "");
  return { ...state, api, caller, route: { ...asked, project: caller.project, instance } };
}

/**
 * The keys used last stay, in the page's memory only.
 * @param {State} state
 * @returns {State}
 */
export const signedOut = ({ recentKeys }) => ({ ...INITIAL, recentKeys });

/**
 * @param {State} state
 * @param {Route} route
 * @returns {State}
 */
export const arrived = (state, route) => ({ ...state, route });

/**
 * Another project was entered.
 * @param {State} state
 * @param {CallerResponse|null} caller null: what is open to the caller there could not be found out
 * @returns {State}
 */
export const enteredProject = (state, caller) => ({ ...state, caller: caller ?? { ...state.caller, instances: [] } });

/**
 * The instance of the route was entered, or, where the caller may not, the first that they may.
 * @param {State} state
 * @returns {State}
 */
export function enteredInstance(state) {
  const { route, caller } = state;
  if (instanceOf(state) !== null) return { ...state, missing: null };
  const instance = caller.instances[0]?.instance_id ?? "";
  // What was asked for of another instance is not looked for in this one.
  const elsewhere = route.instance === "" ? {} : { topic: "", record: "" };
  const missing = route.instance !== "" && route.instance !== instance ? route.instance : null;
  return { ...state, route: { ...route, instance, ...elsewhere }, missing };
}

/**
 * @param {State} state
 * @param {string} key "" for none, which is not kept
 * @returns {State}
 */
export function usedKey(state, key) {
  if (key === "") return state;
  return { ...state, recentKeys: [key, ...state.recentKeys.filter((each) => each !== key)].slice(0, MOST_KEYS) };
}

// What it says.

/**
 * @param {State} state
 * @returns {import("../api/api.js").Api}
 * @throws {Error} nobody is signed in
 */
export function apiOf({ api }) {
  if (api === null) throw new Error("Nobody is signed in.");
  return api;
}

/**
 * Where requests of this route go.
 * @param {State} state
 */
export const whereOf = ({ route: { project, instance } }) => ({ project, instance });

/**
 * The instance that one is in; null for none.
 * @param {State} state
 */
export const instanceOf = ({ caller, route }) =>
  caller.instances.find((each) => each.instance_id === route.instance) ?? null;

/**
 * Whether the caller may do something in the instance.
 * @param {State} state
 * @param {"read"|"resend"|"jobs"} action
 */
export const may = (state, action) =>
  instanceOf(state)?.actions.some((each) => each === action || each === "*") ?? false;

/**
 * Why there are no jobs where one is, in a few words, "" where there is no instance either; null if there are.
 * @param {State} state
 */
export function whyNoJobs(state) {
  const instance = instanceOf(state);
  if (instance === null) return "";
  if (instance.embedded) return "Jobs need a real Kafka: run make up.";
  return may(state, "jobs") ? null : "No jobs: your token lacks the action jobs.";
}

/**
 * @callback Listener
 * @param {State} state
 * @param {State} before
 * @returns {void}
 */

/** The one state there is, and those who are told when it changes. */
export class Store {
  /** @type {State} */
  #state = INITIAL;
  /** @type {Listener[]} */
  #listeners = [];

  get state() {
    return this.#state;
  }

  /** @param {Listener} listener called after each change, with what is now and what was before */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Change the state by one of the functions above.
   * @template {unknown[]} Given
   * @param {(state: State, ...given: Given) => State} change
   * @param {Given} given
   */
  change(change, ...given) {
    const before = this.#state;
    this.#state = change(before, ...given);
    for (const listener of this.#listeners) listener(this.#state, before);
  }
}
