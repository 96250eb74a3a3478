/** The question before something is done that cannot be taken back. */

import { byId } from "./dom.js";

/**
 * Ask, and wait for the answer.
 * @param {string} title
 * @param {Node[]} body what will happen
 * @param {string} yes the word on the button that does it
 * @param {string} no the word on the one that does not, which has the focus
 * @returns {Promise<boolean>} false for Escape as well
 */
export function confirmed({ title, body, yes, no = "Cancel" }) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-body").replaceChildren(...body);
  byId("confirm-newer").classList.remove("warn");
  byId("confirm-newer").replaceChildren();
  byId("confirm-yes").textContent = yes;
  byId("confirm-no").textContent = no;
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    byId("confirm-no").focus();
  });
}
