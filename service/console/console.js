/** The console: makes the parts of the page, tells each of them what it needs of the others, and begins. */

import { UNASKED } from "./address.js";
import { zone } from "./format.js";
import { showHeader } from "./header.js";
import { JobsView } from "./jobs.js";
import { proposeKeys } from "./keys.js";
import { RecordsView } from "./records.js";
import { Router } from "./router.js";
import { SignIn } from "./sign-in.js";
import { Store } from "./state.js";
import { Topics } from "./topics.js";

const store = new Store();

/** @type {import("./router.js").Go} */
const go = (change, force) => router.go(change, force);

const topics = new Topics(store, (name) => go({ ...UNASKED, topic: name }));
const jobs = new JobsView(store, go);
const records = new RecordsView(store, go, topics, (draft) => jobs.propose(draft));

const router = new Router(store, { records, jobs }, async () => {
  await topics.open();
  jobs.offerTopics(topics.names);
  return topics.names;
});
const signIn = new SignIn(store, router);

showHeader(store, go, () => signIn.leave());
proposeKeys(store);
for (const unit of document.querySelectorAll("[data-zone]")) unit.textContent = zone();

await signIn.begin();
