/** Which rows of a long table stand in the page, and where a key leads among them. */

const AROUND = 12;

/**
 * The rows in sight and some around them, from the first up to, not including, the last.
 * @param {{scrollTop: number, clientHeight: number}} region what scrolls, in pixels
 * @param {number} height of a row
 * @param {number} count how many rows there are
 */
export function rowsInSight({ scrollTop, clientHeight }, height, count) {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / height)) - AROUND);
  return { first, last: Math.min(count, first + Math.ceil(clientHeight / height) + 2 * AROUND) };
}

/**
 * The row that a key leads to; null where it leads to none.
 * @param {string} key
 * @param {number} index of the row where one is
 * @param {number} page how many rows a page has
 * @param {number} count how many rows there are
 */
export function rowByKey(key, index, page, count) {
  const target = new Map([
    ["ArrowDown", index + 1],
    ["ArrowUp", index - 1],
    ["PageDown", index + page],
    ["PageUp", index - page],
    ["Home", 0],
    ["End", count - 1],
  ]).get(key);
  return target === undefined ? null : Math.max(0, Math.min(count - 1, target));
}
