/** The head of the page: where one is, which views there are, who is signed in, and what holds for all of the instance. */

import { byId, make, quoted } from "../page/dom.js";
import { UNASKED, VIEWS, toHash } from "./address.js";
import { arrange } from "./layout.js";
import { instanceOf, may, whyNoJobs } from "./state.js";

/** @typedef {import("./state.js").State} State */

/**
 * Show what the state says from now on.
 * @param {import("./state.js").Store} store
 * @param {import("./router.js").Go} go
 * @param {() => void} leave called when the user signs out
 */
export function showHeader(store, go, leave) {
  const project = byId("project", HTMLInputElement);
  const instance = byId("instance", HTMLSelectElement);
  byId("where").addEventListener("submit", (event) => event.preventDefault());
  project.addEventListener("change", () => go({ ...ELSEWHERE, project: project.value }));
  instance.addEventListener("change", () => go({ ...ELSEWHERE, instance: instance.value }));
  byId("sign-out").addEventListener("click", leave);
  store.listen((state, before) => {
    const { caller, route } = state;
    if (caller !== before.caller) {
      byId("who").textContent = caller.name;
      const options = caller.instances.map(({ instance_id: id }) => make("option", { value: id }, id));
      instance.replaceChildren(...options);
    }
    if (route.project !== before.route.project || caller !== before.caller) project.value = route.project;
    instance.value = route.instance;
    if (caller !== before.caller || state.missing !== before.missing || route.instance !== before.route.instance) {
      const banners = bannersOf(state).map(({ kind, words, name }) =>
        make("p", { class: `notice ${kind}` }, words, name === undefined ? null : quoted(name)),
      );
      byId("banners").replaceChildren(...banners);
    }
    showViews(state);
  });
}

/** What another project or instance begins with. */
const ELSEWHERE = { ...UNASKED, topic: "", job: "" };

/** @param {State} state */
function showViews(state) {
  const { route } = state;
  const why = whyNoJobs(state);
  arrange("in-jobs", route.view === "jobs");
  byId("no-jobs").hidden = why === null;
  byId("no-jobs").textContent = why ?? "";
  for (const view of VIEWS) {
    const link = byId(`view-${view}`, HTMLAnchorElement);
    link.href = toHash({ ...route, view, job: "" });
    link.hidden = view === "jobs" && why !== null;
    link.ariaCurrent = view === route.view ? "page" : null;
  }
}

/**
 * What holds for the whole page.
 * @param {State} state
 * @returns {{kind: ""|"warn"|"bad", words: string, name?: string}[]} name: what others wrote, after the words
 */
export function bannersOf(state) {
  if (state.api === null) return [];
  const here = instanceOf(state);
  /** @type {ReturnType<typeof bannersOf>} */
  const said = [];
  if (state.caller.instances.length === 0) {
    const words = "No instance is available to you in this project: check its name, or ask for a grant.";
    said.push({ kind: "warn", words });
  }
  if (state.missing !== null) said.push({ kind: "warn", words: "This instance is not available to you: ", name: state.missing });
  if (here === null) return said;
  if (here.state !== "ready") {
    said.push({ kind: "bad", words: `This instance is ${here.state}: ${here.reason ?? "no reason is known"}.` });
  }
  if (!may(state, "read")) said.push({ kind: "warn", words: "Your token may not look at records here: it lacks the action read." });
  if (here.read_only) {
    said.push({ kind: "warn", words: "This instance is read-only: its operator has switched off all resends." });
  }
  if (here.embedded) {
    said.push({ kind: "", words: "A broker in memory: nothing is kept. Records, and copies too, end with the service." });
  }
  return said;
}
