"""What the counts of scanned records are called: in searches, previews and jobs, and in docs/jobs.md."""

from __future__ import annotations

from collections.abc import Mapping

COUNT_WORDS = {
    "outside_time_range": "outside the time range",
    "already_resent": "already resent",
    "not_matched": "not matched",
    "not_json": "not JSON",
    "not_evaluated": "not evaluated",
    "expired": "expired",
}
"""Counts that are told only where they are not 0."""


def matched_words(counts: Mapping[str, int]) -> str:
    """Return how many of the records that were scanned match, and what has become of the others.

    Args:
        counts: of a search or of a job, by the API's names.
    """
    told = [f"{counts[name]:,} {words}" for name, words in COUNT_WORDS.items() if counts.get(name)]
    others = f" ({', '.join(told)})" if told else ""
    verb = "matches" if counts["matched"] == 1 else "match"
    return f"{counts['matched']:,} of {counts['scanned']:,} records {verb}{others}"
