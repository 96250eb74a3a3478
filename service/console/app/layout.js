/** Which parts of the page stand beside each other: the style sheets arrange them by classes of what is around them. */

import { byId } from "../page/dom.js";

/**
 * @param {"in-jobs"|"topics-unfolded"|"with-job"|"with-record"|"with-topic"} what
 * @param {boolean} is
 */
export const arrange = (what, is) => byId("work").classList.toggle(what, is);
