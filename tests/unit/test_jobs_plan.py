"""Plans of jobs: what they select, and that they survive being written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kafka.filter.conditions import Filter, HeaderCondition, Outcome
from kafka.jobs.plan import (
    MAX_RATE,
    Plan,
    decode_plan,
    encode_plan,
    new_job_id,
    partition_of,
    spans_of_positions,
)
from kafka.jobs.stored import UnsupportedFormat
from kafka.model.records import OffsetRange
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.known import NO_OWN
from kafka.redrive.target import Target
from tests.support.jobs import record

offsets = st.integers(0, 2**63 - 1)
words = st.text(max_size=12)  # Hypothesis draws no half surrogate pairs
positions = st.dictionaries(st.integers(0, 500), st.frozensets(offsets, min_size=1, max_size=8), max_size=4)
filters = st.builds(
    Filter,
    key=st.none() | words,
    key_prefix=st.none() | words,
    key_contains=st.none() | words,
    headers=st.lists(st.builds(HeaderCondition, words, st.none() | words, st.booleans()), max_size=3).map(tuple),
    jmespath=st.none() | words,
    include_resent=st.booleans(),
    dead_letters=st.none() | st.builds(DeadLetterCondition, *4 * [st.none() | words]),
)
plans = st.builds(
    Plan,
    job_id=st.integers(1, 99_999).map(new_job_id),
    instance=words,
    project=words,
    created_by=words,
    created_at_ms=offsets,
    topic=words,
    topic_id=words,
    spans=st.lists(st.builds(OffsetRange, st.integers(0, 500), offsets, offsets), max_size=4).map(tuple),
    positions=st.none() | positions,
    times_ms=st.none() | st.tuples(offsets, offsets),
    filter=filters,
    consumer_key=st.none() | words,
    records_per_second=st.none() | st.floats(1e-6, MAX_RATE),
    max_failures=st.none() | st.integers(1, 10**9),
    dry_run=st.booleans(),
    target=st.none() | st.builds(Target, st.sampled_from(NO_OWN.names), st.booleans(), st.booleans(), st.booleans()),
    digest=st.none() | words,
    bounds=st.none() | st.dictionaries(st.integers(0, 500), st.tuples(offsets, offsets), max_size=3),
)

PLAN = Plan(
    job_id="3-" + "ab" * 12,
    instance="i",
    project="p",
    created_by="me",
    created_at_ms=5,
    topic="topic",
    topic_id="id",
    spans=(OffsetRange(0, 0, 10),),
)


def changed(**fields: object) -> bytes:
    """Return a plan's JSON with other fields."""
    return json.dumps({**json.loads(encode_plan(PLAN)), **fields}).encode()


@given(plans)
def test_plan_comes_back_as_it_was_written(plan: Plan) -> None:
    """Whoever reads the store runs exactly the job that was accepted."""
    assert decode_plan(encode_plan(plan)) == plan


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(format=2), "its format is 2, not 1"),
        (changed(destination="elsewhere"), "it has an unknown field 'destination'"),
        (changed(target="elsewhere"), "it is not a plan"),
        (changed(target={"dialect": "spring", "remove_headers": False}), "it is not a plan"),
        (changed(target={"dialect": "spring", "remove_headers": 1, "by_operator": False}), "it is not a plan"),
        (changed(target={"dialect": "spring", "by_operator": False}), "it is not a plan"),
        (changed(target={"dialect": "x" * 65, "remove_headers": False, "by_operator": False}), "it is not a plan"),
        (
            changed(target={"dialect": "spring", "remove_headers": False, "by_operator": False, "topic": "x"}),
            "its target has an unknown field 'topic'",
        ),
        (changed(filter={"key": None, "headers": [], "jmespath": None, "include_resent": False, "tag": "x"}), "'tag'"),
        (b"not JSON", "it is not a plan"),
        (b"[]", "it is not a plan"),
        (b'{"format": 1}', "it is not a plan"),
        (b"[" * 100_000, "it is not a plan"),
        (changed(topic=5), "it is not a plan"),
        (changed(dry_run="no"), "it is not a plan"),
        (changed(spans=[[0, 1]]), "it is not a plan"),
        (changed(spans=[[0, 1, "end"]]), "it is not a plan"),
        (changed(consumer_key="\ud800"), "it is not a plan"),
        (changed(records_per_second=0), "it is not a plan"),
        (changed(records_per_second=10**400), "it is not a plan"),
        (changed(records_per_second=float("inf")), "it is not a plan"),
        (changed(records_per_second=True), "it is not a plan"),
        (changed(created_at_ms=2**63), "it is not a plan"),
        (changed(spans=[[2**31, 0, 1]]), "it is not a plan"),
        (changed(spans=[[0, -1, 1]]), "it is not a plan"),
        (changed(spans=[[0, 0, 2**63]]), "it is not a plan"),
        (changed(spans=[[0, 0, 5.0]]), "it is not a plan"),
        (changed(positions={"-1": [0]}), "it is not a plan"),
        (changed(positions={"0": "12"}), "it is not a plan"),
        (changed(times_ms=[0, 1e400]), "it is not a plan"),
        (changed(filter=None), "it is not a plan"),
    ],
)
def test_plan_of_another_kind_is_not_understood(content: bytes, reason: str) -> None:
    """What this version does not know entirely it does not run, and says why."""
    with pytest.raises(UnsupportedFormat) as caught:
        decode_plan(content)
    assert reason in str(caught.value)


def test_plan_without_a_target_is_written_as_ever() -> None:
    """Workers that know no targets run it, and leave those with one alone: they refuse a field they do not know."""
    assert "target" not in json.loads(encode_plan(PLAN))
    assert "target" in json.loads(
        encode_plan(replace(PLAN, target=Target("any", by_operator=False, remove_headers=True)))
    )


@given(
    st.binary(max_size=50) | st.recursive(st.none() | st.integers() | words, st.lists).map(json.dumps).map(str.encode)
)
def test_anything_in_the_store_is_a_plan_or_not_understood(content: bytes) -> None:
    """Nothing that somebody may have written there ends a worker."""
    with pytest.raises(UnsupportedFormat):
        decode_plan(content)


@given(st.integers(1, 99_999))
def test_job_id_tells_its_partition(partitions: int) -> None:
    """Where a job's records stand is part of its id."""
    assert 0 <= partition_of(new_job_id(partitions)) < partitions


@pytest.mark.parametrize("text", ["", "5", "5-", "-" + "ab" * 12, "٣-" + "ab" * 12, "5-" + "AB" * 12, "5-" + "a " * 12])
def test_what_is_no_job_id_has_no_partition(text: str) -> None:
    """Only ids as they are made are looked for."""
    with pytest.raises(ValueError, match=r".*"):
        partition_of(text)


@given(
    st.dictionaries(st.integers(0, 5), st.frozensets(st.integers(0, 300), min_size=1), min_size=1), st.integers(0, 40)
)
def test_spans_of_positions_cover_them_and_no_long_gap(wanted: Mapping[int, frozenset[int]], gap: int) -> None:
    """Each position lies in one span, each span begins and ends with one, and no gap in it is longer than allowed."""
    spans = spans_of_positions(wanted, gap)

    assert spans == tuple(sorted(spans, key=lambda span: (span.partition, span.start)))
    for partition, chosen in wanted.items():
        own = [span for span in spans if span.partition == partition]
        covered = [offset for span in own for offset in range(span.start, span.end)]
        assert chosen <= set(covered)
        assert len(covered) == len(set(covered))
        for span in own:
            inside = sorted(offset for offset in chosen if span.start <= offset < span.end)
            assert (inside[0], inside[-1]) == (span.start, span.end - 1)
            assert all(later - earlier - 1 <= gap for earlier, later in pairwise(inside))
        for earlier, later in pairwise(own):
            assert later.start - earlier.end > gap
    assert {span.partition for span in spans} == set(wanted)


def test_plan_selects_by_position_and_by_the_records_own_time() -> None:
    """Ranges of time are half-open; a span's records that are not among the positions are not meant."""
    timed = replace(PLAN, times_ms=(1000, 2000))
    assert [timed.judge(record(timestamp_ms=time)) for time in (999, 1000, 1999, 2000)] == [
        Outcome.OUTSIDE_TIME_RANGE,
        Outcome.MATCHED,
        Outcome.MATCHED,
        Outcome.OUTSIDE_TIME_RANGE,
    ]
    placed = replace(PLAN, positions={0: frozenset({4})})
    assert [placed.judge(record(offset=offset)) for offset in (3, 4)] == [Outcome.NOT_SELECTED, Outcome.MATCHED]
    assert placed.judge(record(partition=1, offset=4)) is Outcome.NOT_SELECTED
