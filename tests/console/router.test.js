/** The router: which view is shown, what the address says then, and what happens when the user goes elsewhere meanwhile. */

import assert from "node:assert/strict";
import test from "node:test";

import { fromHash } from "../../service/console/app/address.js";
import { Api } from "../../service/console/api/api.js";
import { Router } from "../../service/console/app/router.js";
import { Store, signedIn } from "../../service/console/app/state.js";
import { callerOf, instance } from "./made.js";

/**
 * A page with a router, and what was done to both.
 * @param {string} hash
 * @param {{instances?: import("./made.js").CallerInstance[], topics?: string[]}} facts
 */
function opened(hash, { instances = [instance("a"), instance("b")], topics = [] } = {}) {
  /** @type {string[]} */
  const done = [];
  const location = { hash, pathname: "/console" };
  /** @param {"push"|"replace"} how */
  const write = (how) => (/** @type {unknown} */ _state, /** @type {string} */ _title, /** @type {string|URL|null|undefined} */ url) => {
    location.hash = String(url).startsWith("#") ? String(url) : "";
    done.push(`${how} ${url}`);
  };
  /** @type {() => void} */
  let back = () => assert.fail("nobody listens");
  /** @type {import("../../service/console/app/router.js").Page} */
  const page = {
    location,
    history: { pushState: write("push"), replaceState: write("replace") },
    addEventListener: (_type, listener) => {
      back = listener;
    },
  };
  const store = new Store();
  /** @param {string} name */
  const view = (name) => ({
    show: (/** @type {boolean} */ force) => done.push(`${name} shown${force ? " again" : ""}`),
    leave: () => done.push(`${name} left`),
    clear: () => done.push(`${name} cleared`),
    focus: () => done.push(`${name} focused`),
  });
  const router = new Router(store, { records: view("records"), jobs: view("jobs") }, async () => topics, page);
  const api = new Api("token");
  const signIn = () => {
    store.change(signedIn, api, callerOf(...instances), router.asked);
    return router.enterInstance();
  };
  const goBack = (/** @type {string} */ to) => {
    location.hash = to;
    back();
  };
  /** What was done since this was asked last. */
  const since = () => done.splice(0);
  return { store, router, api, signIn, goBack, since, location };
}

test("signing in shows what the address asks for, and completes it", async () => {
  const { signIn, since, store } = opened("#topic=orders");
  await signIn();
  assert.deepEqual(since(), [
    "replace #project=p&instance=a&topic=orders&mode=newest",
    "records cleared",
    "jobs cleared",
    "replace #project=p&instance=a&topic=orders&mode=newest",
    "jobs left",
    "records shown",
  ]);
  assert.equal(store.state.route.topic, "orders");
});

test("a topic that is the only one is shown without being chosen", async () => {
  const { signIn, store, location } = opened("", { topics: ["only"] });
  await signIn();
  assert.equal(store.state.route.topic, "only");
  assert.equal(fromHash(location.hash).topic, "only");
});

test("going somewhere writes the address once, and shows the view of the route", async () => {
  const { signIn, router, since } = opened("");
  await signIn();
  since();
  await router.go({ view: "jobs", job: "new" });
  assert.deepEqual(since(), ["push #project=p&instance=a&view=jobs&job=new", "records left", "jobs shown"]);
  await router.go({ view: "jobs", job: "new" }, true);
  assert.deepEqual(since(), ["records left", "jobs shown again"]);
});

test("where there are no jobs an address of them leads to the records", async () => {
  const { signIn, since, store } = opened("#view=jobs&job=new&topic=orders", { instances: [instance("a", { actions: ["read"] })] });
  await signIn();
  assert.equal(since().at(-1), "records shown");
  assert.deepEqual([store.state.route.view, store.state.route.job, store.state.route.topic], ["records", "", "orders"]);
});

test("another instance is entered before anything of it is shown", async () => {
  const { signIn, router, since } = opened("");
  await signIn();
  since();
  await router.go({ instance: "b", topic: "" });
  assert.deepEqual(since().slice(0, 4), [
    "push #project=p&instance=b", "replace #project=p&instance=b", "records cleared", "jobs cleared",
  ]);
});

test("another project is asked for its instances, and has none where that fails", async () => {
  const { signIn, router, api, store } = opened("");
  await signIn();
  api.caller = async (project) => ({ name: "me", project: project ?? "", instances: [instance("c")] });
  await router.go({ project: "q" });
  assert.deepEqual([store.state.route.project, store.state.route.instance], ["q", "c"]);
  api.caller = () => Promise.reject(new Error("away"));
  await router.go({ project: "r" });
  assert.deepEqual([store.state.route.instance, store.state.caller.instances], ["", []]);
});

test("an answer about a project is dropped when its asker has signed out", async () => {
  const { signIn, router, api, store, since } = opened("");
  await signIn();
  /** @type {(caller: import("../../service/console/app/state.js").CallerResponse) => void} */
  let answer = () => assert.fail("nobody asked");
  api.caller = () => new Promise((resolve) => {
    answer = resolve;
  });
  const going = router.go({ project: "q" });
  router.leave();
  since();
  answer(callerOf(instance("c")));
  await going;
  assert.deepEqual(since(), []);
  assert.deepEqual(store.state.caller.instances, []);
});

test("going elsewhere while topics are listed is not undone when they are there", async () => {
  const { signIn, router, store, since } = opened("", { topics: ["only"] });
  const signing = signIn();
  const going = router.go({ topic: "other" });
  await Promise.all([signing, going]);
  assert.equal(store.state.route.topic, "other");
  assert.equal(since().filter((each) => each === "records shown").length, 1);
});

test("back and forward lead where the address says, in the project and instance of before where it names none", async () => {
  const { signIn, goBack, store, since } = opened("");
  await signIn();
  since();
  goBack("#topic=orders&record=0-5");
  assert.deepEqual(since(), ["jobs left", "records shown"]);
  assert.deepEqual(
    [store.state.route.project, store.state.route.instance, store.state.route.record], ["p", "a", "0-5"],
  );
});

test("after signing out nothing is shown, whatever the address says", async () => {
  const { signIn, router, goBack, since, location } = opened("#topic=orders");
  await signIn();
  since();
  router.leave();
  assert.equal(location.hash, "");
  assert.deepEqual(since(), ["records left", "records cleared", "jobs left", "jobs cleared", "replace /console"]);
  goBack("#topic=orders");
  assert.deepEqual(since(), []);
});

test("the focus goes to the view that is shown", async () => {
  const { signIn, router, since } = opened("#view=jobs");
  await signIn();
  since();
  router.focus();
  assert.deepEqual(since(), ["jobs focused"]);
});
