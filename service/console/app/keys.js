/** The consumer_keys used last, which every field for one proposes. */

import { byId, make } from "../page/dom.js";

/**
 * Propose them from now on.
 * @param {import("./state.js").Store} store
 */
export function proposeKeys(store) {
  const list = byId("recent-keys");
  store.listen(({ recentKeys }, before) => {
    if (recentKeys === before.recentKeys) return;
    list.replaceChildren(...recentKeys.map((key) => make("option", { value: key })));
  });
}
