/** A search, asked for piece by piece, so that it can tell how far it is, and be stopped. */

import { ApiError } from "../api/errors.js";
import { isComplete, withPage } from "./listing.js";

/**
 * @typedef {import("../api/bodies.d.ts").MessagesResponse} Answer
 * @typedef {import("./listing.js").Listing} Listing
 */

/** A search with a filter tells that often how far it is. */
const SECONDS = 1;
const MOST_SECONDS = 8;
const OUT_OF_TIME = "RESEND.00504001";

/**
 * Read on until a number of records is found or everything was read.
 *
 * Without a filter a page is full at once, as a rule, and its order is best where nothing cuts it short.
 * @param {(query: import("../api/api.js").Query) => Promise<Answer>} ask
 * @param {Listing} listing
 * @param {number} most how many more records
 * @returns {AsyncGenerator<{listing: Listing, messages: Answer["messages"]}>} the list after each answer, and what it has brought
 */
export async function* readOn(ask, listing, most) {
  let [reached, wanted, seconds] = [listing, most, SECONDS];
  while (wanted > 0 && !isComplete(reached)) {
    const bound = listing.filtered ? { seconds } : {};
    let answer;
    try {
      answer = await ask({ ...reached.query, ...bound, limit: wanted, cursor: reached.cursor });
    } catch (error) {
      // Not a single record came within that time: Kafka needs longer now and then.
      if (!(listing.filtered && isOutOfTime(error) && seconds < MOST_SECONDS)) throw error;
      seconds *= 2;
      continue;
    }
    reached = withPage(reached, answer);
    wanted -= answer.messages.length;
    yield { listing: reached, messages: answer.messages };
  }
}

/** @param {unknown} error */
const isOutOfTime = (error) => error instanceof ApiError && error.code === OUT_OF_TIME;
