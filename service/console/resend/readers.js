/** Which consumer groups read a topic, and get what is written for everyone: asked when the user unfolds it. */

import { asError, isAbort } from "../api/errors.js";
import { make, problem, quoted } from "../page/dom.js";

/** @typedef {import("../api/bodies.d.ts").ConsumersResponse} Answer */

/**
 * What to unfold.
 * @param {{api: import("../api/api.js").Api, where: import("../api/api.js").Where}} context
 * @param {string} topic
 * @param {AbortSignal} [signal] of what it belongs to
 */
export function readersFold({ api, where }, topic, signal) {
  const found = make("div", { class: "stack", role: "status" });
  const fold = make("details", { class: "partitions" }, make("summary", {}, "Groups that read this topic"), found);
  let asked = false;
  fold.addEventListener("toggle", async () => {
    if (!fold.open || asked) return;
    asked = true;
    found.replaceChildren(make("p", { class: "hint" }, "Asking …"));
    try {
      found.replaceChildren(...readersNodes(await api.consumersOfTopic(where, topic, signal)));
    } catch (error) {
      asked = false;
      if (!isAbort(error)) found.replaceChildren(problem(asError(error)));
    }
  });
  return fold;
}

/** @param {Answer} answer */
function readersNodes({ groups, complete, reason }) {
  const words = groups.length === 0
    ? "No consumer group is known to have committed anything in this topic."
    : "These consumer groups have committed something in this topic:";
  const list = make("ul", { class: "places" }, ...groups.map(({ group }) => make("li", {}, quoted(group))));
  const nodes = [make("p", {}, words), ...(groups.length ? [list] : [])];
  if (!complete) nodes.push(make("p", { class: "notice warn" }, "Groups may be missing: ", quoted(reason ?? "")));
  return [...nodes, make("p", { class: "hint" }, "Consumers that commit nothing, and share groups, are not known.")];
}
