/** The console: makes the parts of the page, tells each of them what it needs of the others, and begins. */

import { UNASKED } from "./app/address.js";
import { showHeader } from "./app/header.js";
import { proposeKeys } from "./app/keys.js";
import { Router } from "./app/router.js";
import { SignIn } from "./app/sign-in.js";
import { Store } from "./app/state.js";
import { JobsView } from "./jobs/jobs.js";
import { zone } from "./page/format.js";
import { RecordsView } from "./records/records.js";
import { Topics } from "./records/topics.js";

const store = new Store();

/** @type {import("./app/router.js").Go} */
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
