"""What `job start` asks: how many records, of which topic, to where, for which recipient."""

from __future__ import annotations

from typing import Any

import pytest

from service.cli.job_confirm import Preview, question
from service.cli.job_output import would_resend

SAME = "to the same topic and partitions"
OWN = "everybody, or the one that a record's own consumer_key names"
GROUPS = "the consumer group that each dead letter names"


def preview(matching: int, *, complete: bool = True, failed: int = 0, **report: Any) -> Preview:
    """Return what a dry run over 9,000 offsets has found."""
    counts = {"selected": 9000, "failed": failed}
    job = {"topic": "orders", "counts": counts, "report": {"would_resend": matching, **report}}
    assert would_resend(job) == matching
    return Preview(job, complete=complete)


@pytest.mark.parametrize(
    ("asked", "found", "words"),
    [
        ({}, preview(1), "Resend 1 record of orders to the same topic and partition, for everybody?"),
        (
            {"consumer_key": "billing"},
            preview(3000),
            "Resend 3,000 records of orders to the same topic and partitions, for billing?",
        ),
        (
            {"consumer_key": "everybody"},
            preview(2),
            'Resend 2 records of orders to the same topic and partitions, for "everybody"?',
        ),
        (
            {"filter": {"include_resent": True}},
            preview(2, failed=1),
            f"Resend 2 records (1 more cannot be resent) of orders {SAME}, for {OWN}?",
        ),
        (
            {},
            preview(70, complete=False),
            f"Resend up to 9,000 records (not counted to the end; 70 so far) of orders {SAME}, for everybody?",
        ),
        (
            {"target": {"dialect": "spring"}},
            preview(25, targets=[{"topic": "a", "would_resend": 20}, {"topic": "b", "would_resend": 5}]),
            "Resend 25 records of orders to the topics that the headers of spring name (a: 20, b: 5), for everybody?",
        ),
        (
            {"target": {"dialect": "auto", "group_as_recipient": True}},
            preview(2),
            f"Resend 2 records of orders to the topics that each record's own headers name, for {GROUPS}?",
        ),
    ],
    ids=["one", "recipient", "recipient named like a word", "copies", "not counted", "target", "groups"],
)
def test_question_names_count_topic_target_and_recipient(asked: dict[str, Any], found: Preview, words: str) -> None:
    """All that makes a slip visible before it is written."""
    assert words == question({"topic": "orders", **asked}, found)
