/**
 * A sign-in that outlasts a reload, where the user asks for that.
 *
 * Without being asked the page keeps the token in its memory only. sessionStorage belongs to one tab and one origin, ends
 * with the tab, and is never sent anywhere; but whatever else is served at this origin can read it in this tab, and a
 * browser may write it to its disk to restore the tab. Hence the user decides.
 */

// Other paths of the origin may have a console of their own.
const name = () => `kafka-resend token ${location.pathname}`;

/** @returns {string|null} the token that this tab keeps */
export function keptToken() {
  try {
    return sessionStorage.getItem(name());
  } catch {
    // A browser may forbid it.
    return null;
  }
}

/** @param {string} token */
export function keepToken(token) {
  try {
    sessionStorage.setItem(name(), token);
  } catch {
    // Then it ends with the page, as without being asked.
  }
}

export function forgetToken() {
  try {
    sessionStorage.removeItem(name());
  } catch {
    // Nothing is there.
  }
}
