"""Which jobs would resend the same records for the same recipient."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from kafka.filter.conditions import Filter
from kafka.jobs.job import Job
from kafka.jobs.overlap import overlapping
from kafka.jobs.plan import Plan
from kafka.jobs.progress import NOT_BEGUN, Counts, Failure, Progress
from kafka.model.records import OffsetRange
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.target import Target

PLAN = Plan(
    job_id="0-" + "0" * 24,
    instance="prod",
    project="p",
    created_by="me",
    created_at_ms=1,
    topic="orders",
    topic_id="id",
    spans=(OffsetRange(0, 10, 20), OffsetRange(1, 0, 5)),
    consumer_key="billing",
)
AUTO = Target("auto", by_operator=False, remove_headers=True)
DONE = structs.replace(NOT_BEGUN, state="succeeded", next_offsets={0: 20, 1: 5}, counts=Counts(resent=15))


def plan(**changes: Any) -> Plan:
    return structs.replace(PLAN, job_id="1-" + "0" * 24, **changes)


def meets(one: Plan, other: Plan = PLAN, progress: Progress = NOT_BEGUN) -> bool:
    return overlapping(one, [Job(other.job_id, other, progress=progress)]) is not None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"spans": (OffsetRange(0, 19, 25),)}, True),
        ({"spans": (OffsetRange(0, 20, 25), OffsetRange(1, 5, 9), OffsetRange(2, 0, 9))}, False),
        ({"spans": (OffsetRange(0, 0, 10),)}, False),
        ({"consumer_key": "shipping"}, False),
        ({"consumer_key": None}, False),
        ({"topic": "others"}, False),
        ({"topic_id": "another"}, False),
        ({"target": AUTO}, False),
        ({"filter": Filter(key="a")}, True),
        ({"filter": Filter(jmespath="a"), "records_per_second": 5.0, "max_failures": 1}, True),
        ({"positions": {0: frozenset({9, 19})}, "spans": (OffsetRange(0, 9, 20),)}, True),
        ({"positions": {0: frozenset({9, 20}), 1: frozenset({5})}, "spans": (OffsetRange(0, 9, 21),)}, False),
    ],
)
def test_same_records_for_the_same_recipient_overlap(changes: dict[str, Any], *, expected: bool) -> None:
    """By topic, ranges and positions, and who the copies are for; in both directions."""
    assert meets(plan(**changes)) is expected
    assert meets(PLAN, plan(**changes)) is expected


def test_times_and_keys_that_do_not_meet_are_no_overlap() -> None:
    """Half-open ranges; two jobs for two keys may read the same offsets."""
    times, keys = plan(times_ms=(5, 10)), plan(filter=Filter(key="a"))

    assert not meets(times, plan(times_ms=(10, 20)))
    assert meets(times, plan(times_ms=(9, 20)))
    assert meets(times, PLAN)
    assert not meets(keys, plan(filter=Filter(key="b")))
    assert meets(keys, plan(filter=Filter(key="a", jmespath="x")))
    assert meets(keys, plan(filter=Filter(key_prefix="b")))


def test_two_groups_of_dead_letters_are_no_overlap() -> None:
    """A topic of dead letters is redriven group by group; what one group does not name may be in both."""

    def of(**named: str) -> Plan:
        return plan(target=AUTO, filter=Filter(dead_letters=DeadLetterCondition(**named)))

    io = of(topic="orders", group="billing", reason="IOException")
    assert meets(io, of(topic="orders", group="billing", reason="IOException"))
    assert meets(io, of(topic="orders"))
    assert not meets(io, of(topic="orders", group="billing", reason="Other"))
    assert not meets(io, of(group="shipping"))
    assert meets(io, plan(target=AUTO))


def test_two_redrives_of_the_same_letters_overlap_whatever_they_are_called() -> None:
    """The dialect only says who tells where a letter came from; for the groups that failed is another recipient."""
    redrive = plan(target=AUTO, consumer_key=None)

    assert meets(redrive, structs.replace(redrive, target=structs.replace(AUTO, dialect="spring")))
    assert not meets(redrive, structs.replace(redrive, target=structs.replace(AUTO, group_as_recipient=True)))


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (DONE, True),
        (structs.replace(DONE, state="cancelled", next_offsets={0: 12}), True),
        (structs.replace(DONE, state="cancelled", next_offsets={0: 11}), False),
        (structs.replace(DONE, state="failed", next_offsets={}), False),
        (structs.replace(DONE, counts=Counts(failed=15)), False),
        (structs.replace(DONE, state="running", next_offsets={0: 11}), True),
    ],
)
def test_job_that_is_over_counts_as_far_as_it_came(progress: Progress, *, expected: bool) -> None:
    """One that goes on is about to resend the rest."""
    assert meets(plan(spans=(OffsetRange(0, 11, 30),)), progress=progress) is expected


def test_dry_run_resends_nothing_and_failures_were_not_resent() -> None:
    """What a job lists as failed may be resent by another; the rest of its range may not."""
    failures = (Failure(0, 12, "too large"), Failure(1, 3, "too large"))
    failed = structs.replace(DONE, failures=failures)
    again = plan(positions={0: frozenset({12}), 1: frozenset({3})}, spans=(OffsetRange(0, 12, 13),))

    assert not meets(again, progress=failed)
    assert meets(plan(positions={0: frozenset({12, 13})}, spans=(OffsetRange(0, 12, 14),)), progress=failed)
    assert not meets(plan(), plan(dry_run=True))
    assert not overlapping(plan(), [Job("2-" + "0" * 24)])


def test_positions_overlap_only_where_both_name_one() -> None:
    """Between the positions that a job names it reads on, and resends nothing."""
    named = plan(positions={0: frozenset({10, 18})}, spans=(OffsetRange(0, 10, 19),))

    assert not meets(named, plan(positions={0: frozenset({12})}, spans=(OffsetRange(0, 12, 13),)))
    assert meets(named, plan(positions={0: frozenset({12, 18})}, spans=(OffsetRange(0, 12, 19),)))
    assert meets(plan(spans=(OffsetRange(0, 11, 19),)), named)
    assert not meets(plan(spans=(OffsetRange(0, 11, 18),)), named)
