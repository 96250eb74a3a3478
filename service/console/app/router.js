/** The router: brings the user where an address or a click leads, and writes the address of where they are. */

import { differ, fromHash, toHash } from "./address.js";
import { apiOf, arrived, enteredInstance, enteredProject, may, signedOut, whyNoJobs } from "./state.js";

/**
 * @typedef {import("./address.js").Route} Route
 * @typedef {import("./address.js").ViewName} ViewName
 */

/**
 * What a part of the page can that fills it below the header. Each name of a view has one.
 * @typedef {Object} View
 * @property {(force: boolean) => unknown} show what the route says; with `force` asked for again, where it is shown already
 * @property {() => void} leave called when another view is shown, also when this one was not
 * @property {() => void} clear forget everything: another instance, or nobody signed in
 * @property {() => void} focus put the focus where the view begins
 */

/**
 * @callback Go
 * @param {Partial<Route>} change what differs from where one is
 * @param {boolean} [force] go there also if one is there already
 * @returns {unknown}
 */

/**
 * The browser's window, or what takes its place in a test.
 * @typedef {Object} Page
 * @property {{readonly hash: string, readonly pathname: string}} location
 * @property {Pick<History, "pushState"|"replaceState">} history
 * @property {(type: "popstate", listener: () => void) => void} addEventListener
 */

export class Router {
  #store;
  #views;
  #listTopics;
  #page;

  /**
   * @param {import("./state.js").Store} store
   * @param {Record<ViewName, View>} views
   * @param {() => Promise<string[]>} listTopics show the topics of the instance; resolves with the names on the first page
   * @param {Page} page
   */
  constructor(store, views, listTopics, page = window) {
    this.#store = store;
    this.#views = views;
    this.#listTopics = listTopics;
    this.#page = page;
    page.addEventListener("popstate", () => this.#return());
  }

  /** What the address says. */
  get asked() {
    return fromHash(this.#page.location.hash);
  }

  /** @type {Go} */
  go(change, force = false) {
    const next = { ...this.#store.state.route, ...change };
    const hash = toHash(next);
    if (hash !== this.#page.location.hash) this.#page.history.pushState(null, "", hash);
    return this.#arrive(next, force);
  }

  /** Show what is open to the caller of the instance that the state says, as after signing in. */
  async enterInstance() {
    const store = this.#store;
    store.change(enteredInstance);
    this.#write(store.state.route);
    for (const view of Object.values(this.#views)) view.clear();
    const entered = store.state.route;
    const names = may(store.state, "read") ? await this.#listTopics() : [];
    // Meanwhile the user may have gone elsewhere.
    if (store.state.route !== entered || store.state.caller.instances.length === 0) return;
    const only = names.length === 1 ? names[0] : "";
    const next = { ...entered, topic: entered.topic || only };
    this.#write(next);
    await this.#arrive(next, false);
  }

  /** Forget who is signed in, and where they were. */
  leave() {
    this.#store.change(signedOut);
    for (const view of Object.values(this.#views)) {
      view.leave();
      view.clear();
    }
    this.#page.history.replaceState(null, "", this.#page.location.pathname);
  }

  /** Put the focus where the view begins that is shown. */
  focus() {
    this.#views[this.#store.state.route.view].focus();
  }

  /** The browser went back or forward. */
  #return() {
    const { api, route } = this.#store.state;
    if (api === null) return;
    const { asked } = this;
    const place = { project: asked.project || route.project, instance: asked.instance || route.instance };
    this.#arrive({ ...asked, ...place }, false);
  }

  /**
   * @param {Route} next
   * @param {boolean} force
   */
  async #arrive(next, force) {
    const store = this.#store;
    const before = store.state.route;
    store.change(arrived, next);
    if (differ(before, next, ["project"])) return this.#enterProject();
    if (differ(before, next, ["instance"])) return this.enterInstance();
    if (next.view === "jobs" && whyNoJobs(store.state) !== null) {
      store.change(arrived, { ...next, view: "records", job: "" });
    }
    const { view: shown } = store.state.route;
    for (const [name, view] of Object.entries(this.#views)) if (name !== shown) view.leave();
    return this.#views[shown].show(force);
  }

  async #enterProject() {
    const { state } = this.#store;
    const api = apiOf(state);
    const caller = await api.caller(state.route.project).catch(() => null);
    // Signed out meanwhile.
    if (this.#store.state.api !== api) return undefined;
    this.#store.change(enteredProject, caller);
    return this.enterInstance();
  }

  /** @param {Route} route whose address takes the place of the one before */
  #write(route) {
    this.#page.history.replaceState(null, "", toHash(route));
  }
}
