"""One name for each thing, and plain words: what docs/glossary.md replaced does not come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = sorted(
    path
    for folder in ("kafka", "service", "bench", "docs")
    for kind in ("py", "js", "html", "css", "md")
    for path in (ROOT / folder).rglob(f"*.{kind}")
)
READ += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "docker-compose.yml")]

BANNED = {
    # Fields, settings, options and log fields.
    "created_by, created_at": r"made_by|made_at",
    "max_failures": r"stop_after_failures|stop-after-failures",
    "eta_seconds": r"seconds_left",
    "unsupported_reason": r"not_understood",
    "read_only": r"frozen(?!=)|freeze",
    "allow_anonymous": r"auth\.open|AUTH__OPEN",
    "retention_seconds": r"keep_seconds|keep_keys_seconds",
    "max_in_flight_per_reader": r"positions_per_reader",
    "max_concurrent_scans": r"max_scans",
    "dialect, --redrive": r"target\.origin|to-origin",
    "has_consumer_key": r"for_one_consumer",
    # Names in code.
    "JobSpec": r"wish|wishes",
    "RequestLog": r"trail",
    "RequestContextMiddleware": r"envelope",
    "FastPath": r"shortcut",
    "topic_listing": r"catalogue",
    "missing_records": r"absence",
    "idempotent": r"keyed_\w+|KeyedResends?|KeyedResender",
    "TopicPartition": r"(?-i:Place)",
    "OffsetRange": r"(?-i:Span)",
    "decode_errors": r"misfits?|PlanNotUnderstood",
    "UsageError": r"misunderstood",
    "Retryable": r"NotNow",
    "RestartOwnership": r"BeginAgain",
    "prefetch_until": r"hoped_for|stop_hoping",
    "no_match": r"barren|fruitless",
    "failed": r"spoiled",
    "process": r"deal_with",
    "refresh_metadata": r"look_around|describe_anew",
    "parse_query": r"read_question",
    "interactive": r"for_person",
    # Prose.
    "fix, remedy": r"mend|mends|mended|cure|cures",
    "unknown, written": r"misspelt|spelt",
    "lower case": r"small letters",
    "valid, invalid": r"as it may be",
    "again": r"anew",
    "permanently": r"for ever",
    "available": r"at hand|to be had",
    "also": r"besides",
    "in production": r"in anger",
    "the meaning, repeated": r"likewise",
    "at most N, that many": r"so many",
    "cancel, pause, resume": r"have a job|have the job|has a job",
    "the recipient, the caller": r"whom|whoever|whomever",
    "now, the current time": r"the present time",
    "unexpected": r"nobody foresaw",
    "silently": r"without a word",
    "owned by": r"in the hands of",
    "ignored": r"none of our business",
    "timeout": r"time-outs?",
    "selected": r"ticked|untick",
}
"""What to write, and the pattern that is found instead; whole words, in any case unless it says otherwise."""


@pytest.mark.parametrize("write", BANNED)
def test_word_has_its_one_name(write: str) -> None:
    """Code, console and documents say it in the words of the glossary."""
    pattern = re.compile(rf"(?<!\w)(?:{BANNED[write]})(?!\w)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in READ
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert [] == found, f"write: {write}"
