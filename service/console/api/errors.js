/** What may go wrong when something is asked of the service. */

/** An error in the API's own words; code is its error_code, null where the API said nothing. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, code?: string|null, requestId?: string|null}} facts status 0: there was no answer
   */
  constructor(message, { status = 0, code = null, requestId = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

const OUTCOME_UNKNOWN = "RESEND.00504002";
const UNEXPECTED = "RESEND.00500001";

/**
 * Whether a resend that failed so may yet have written its copy, or a job been accepted.
 * @param {unknown} error
 */
export const mayBeWritten = (error) =>
  error instanceof ApiError && (error.status === 0 || error.code === OUTCOME_UNKNOWN || error.code === UNEXPECTED);

/**
 * What was thrown, as an error: nothing here throws anything else.
 * @param {unknown} thrown
 * @returns {Error}
 */
export const asError = (thrown) => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/**
 * Whether a request ended because nobody waits for it any more.
 * @param {unknown} error
 */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";
