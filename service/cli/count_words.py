"""What the counts of scanned records are called: in searches, previews and jobs, and in docs/jobs.md."""

COUNT_WORDS = {
    "outside_time_range": "outside the time range",
    "already_resent": "already resent",
    "not_matched": "not matched",
    "not_json": "not JSON",
    "not_evaluated": "not evaluated",
    "expired": "expired",
}
"""Counts that are told only where they are not 0."""
