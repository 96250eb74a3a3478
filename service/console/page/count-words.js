/** What the counts of scanned records are called, in searches, previews and jobs: as on the command line. */

/** Counts that are told only where they are not 0. */
export const COUNT_WORDS = /** @type {const} */ ({
  outside_time_range: "outside the time range",
  already_resent: "already resent",
  not_matched: "not matched",
  not_json: "not JSON",
  not_evaluated: "not evaluated",
  expired: "expired",
});
