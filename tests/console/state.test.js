/** The state that the parts of the page share: how it changes, and what it says. */

import assert from "node:assert/strict";
import test from "node:test";

import { NOWHERE } from "../../service/console/app/address.js";
import { Api } from "../../service/console/api/api.js";
import { bannersOf } from "../../service/console/app/header.js";
import {
  INITIAL,
  Store,
  apiOf,
  arrived,
  enteredInstance,
  enteredProject,
  instanceOf,
  may,
  signedIn,
  signedOut,
  usedKey,
  whereOf,
  whyNoJobs,
} from "../../service/console/app/state.js";
import { callerOf, instance } from "./made.js";

const API = new Api("token");

/**
 * The state after signing in at an address.
 * @param {Partial<import("../../service/console/app/address.js").Route>} asked
 * @param {...import("../../service/console/app/state.js").CallerInstance} instances
 */
const signed = (asked, ...instances) => signedIn(INITIAL, API, callerOf(...instances), { ...NOWHERE, ...asked });

test("signing in leads to the project of the caller, and to the first instance where none is asked for", () => {
  const state = signed({ project: "elsewhere", topic: "orders" }, instance("a"), instance("b"));
  assert.deepEqual(whereOf(state), { project: "p", instance: "a" });
  assert.equal(state.route.topic, "orders");
  assert.equal(apiOf(state), API);
});

test("an instance that is asked for is entered with all that is asked for of it", () => {
  const state = enteredInstance(signed({ instance: "b", topic: "orders", record: "0-1" }, instance("a"), instance("b")));
  assert.deepEqual([state.route.instance, state.route.topic, state.route.record], ["b", "orders", "0-1"]);
  assert.equal(state.missing, null);
});

test("an instance that is not open to the caller is missing, and the first one is shown without its topic", () => {
  const state = enteredInstance(signed({ instance: "x", topic: "orders", record: "0-1" }, instance("a")));
  assert.deepEqual([state.route.instance, state.route.topic, state.route.record], ["a", "", ""]);
  assert.equal(state.missing, "x");
  assert.equal(enteredInstance(arrived(state, { ...state.route, instance: "a" })).missing, null);
});

test("a project without instances has none, and nothing may be done there", () => {
  const state = enteredInstance(enteredProject(signed({}, instance("a")), null));
  assert.equal(instanceOf(state), null);
  assert.equal(may(state, "read"), false);
  assert.equal(whyNoJobs(state), "");
});

test("an action may be done that is granted by name or by a star", () => {
  assert.equal(may(signed({}, instance("a", { actions: ["read"] })), "read"), true);
  assert.equal(may(signed({}, instance("a", { actions: ["read"] })), "resend"), false);
  assert.equal(may(signed({}, instance("a", { actions: ["*"] })), "jobs"), true);
});

test("there are jobs on a real Kafka for those who may, else there is a reason", () => {
  assert.equal(whyNoJobs(signed({}, instance("a"))), null);
  assert.match(whyNoJobs(signed({}, instance("a", { actions: ["read"] }))) ?? "", /lacks the action jobs/);
  assert.match(whyNoJobs(signed({}, instance("a", { embedded: true }))) ?? "", /need a real Kafka/);
});

test("who signs out leaves nothing but the keys used last", () => {
  const state = signedOut(usedKey(signed({ topic: "orders" }, instance("a")), "billing"));
  assert.deepEqual(state, { ...INITIAL, recentKeys: ["billing"] });
  assert.throws(() => apiOf(state));
});

test("the keys used last are ten, the newest first, each once, and the empty one is none", () => {
  let state = INITIAL;
  for (let number = 0; number < 12; number += 1) state = usedKey(state, `k${number}`);
  state = usedKey(usedKey(state, "k5"), "");
  assert.deepEqual(state.recentKeys, ["k5", "k11", "k10", "k9", "k8", "k7", "k6", "k4", "k3", "k2"]);
});

test("a store tells each listener what is now and what was before", () => {
  const store = new Store();
  /** @type {unknown[]} */
  const told = [];
  store.listen((now, before) => told.push([before.recentKeys, now.recentKeys]));
  store.change(usedKey, "billing");
  assert.deepEqual(told, [[[], ["billing"]]]);
  assert.deepEqual(store.state.recentKeys, ["billing"]);
});

test("the banners say what keeps an instance from being used", () => {
  const kinds = (/** @type {import("../../service/console/app/state.js").State} */ state) =>
    bannersOf(state).map(({ kind, words, name }) => [kind, words.split(/[:,]/)[0], name]);
  assert.deepEqual(kinds(signed({}, instance("a"))), []);
  assert.deepEqual(kinds(signed({})), [["warn", "No instance is available to you in this project", undefined]]);
  assert.deepEqual(kinds(enteredInstance(signed({ instance: "x" }, instance("a")))), [
    ["warn", "This instance is not available to you", "x"],
  ]);
  const troubled = { state: /** @type {const} */ ("away"), reason: "no broker", actions: [], read_only: true, embedded: true };
  assert.deepEqual(kinds(signed({}, instance("a", troubled))), [
    ["bad", "This instance is away", undefined],
    ["warn", "Your token may not look at records here", undefined],
    ["warn", "This instance is read-only", undefined],
    ["", "A broker in memory", undefined],
  ]);
  assert.deepEqual(bannersOf(INITIAL), []);
});
