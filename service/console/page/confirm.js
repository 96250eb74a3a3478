/** The question before something is done that cannot be taken back. */

import { byId } from "./dom.js";

/**
 * Ask, and wait for the answer.
 * @param {Object} question
 * @param {string} question.title
 * @param {Node[]} question.body what will happen
 * @param {string} question.yes the word on the button that does it
 * @param {string} [question.no] the word on the one that does not, which has the focus
 * @param {(place: HTMLElement) => unknown} [question.note] called with a notice below, to say there what is only found out
 *     while the question is asked
 * @returns {Promise<boolean>} false for Escape as well
 */
export function confirmed({ title, body, yes, no = "Cancel", note }) {
  const dialog = byId("confirm", HTMLDialogElement);
  const place = byId("confirm-note");
  byId("confirm-title").textContent = title;
  byId("confirm-body").replaceChildren(...body);
  place.classList.remove("warn");
  place.replaceChildren();
  byId("confirm-yes").textContent = yes;
  byId("confirm-no").textContent = no;
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    byId("confirm-no").focus();
    note?.(place);
  });
}
