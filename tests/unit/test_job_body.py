"""The body of a job: what it asks for, and the words in which a field is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.filter.conditions import Filter, HeaderCondition
from kafka.jobs.spec import JobSpec
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.target import Target
from service.api.schema.job_request import parse_job
from service.http.refusals import JobFieldRefused, RequestRefused

LARGEST = 2**63 - 1


def parsed(**fields: object) -> JobSpec:
    """Return what a body with these fields asks for."""
    return parse_job(json.dumps({"topic": "orders", **fields}).encode(), "p", "me")


def test_every_field_of_a_body_reaches_the_job() -> None:
    """By its name, or as what it says."""
    spec = parsed(
        partitions=[3, 0, 3],
        start_time=5.0,
        end_time=6,
        filter={
            "key": "k",
            "key_prefix": "p",
            "key_contains": "c",
            "headers": [{"name": "a", "value": ""}, {"name": "b", "absent": True}, {"name": "c", "value": None}],
            "jmespath": "x",
            "include_resent": True,
            "dead_letters": {"dialect": None, "topic": "orders", "group": ""},
        },
        consumer_key="billing",
        records_per_second=10,
        max_failures=1e3,
        dry_run=True,
        name="after the outage",
        max_resends=3,
        allow_duplicate=True,
        target={"dialect": "legacy", "remove_headers": False},
    )

    assert spec == JobSpec(
        project="p",
        created_by="me",
        topic="orders",
        partitions=(3, 0),
        times_ms=(5, 6),
        filter=Filter(
            key="k",
            key_prefix="p",
            key_contains="c",
            headers=(HeaderCondition("a", ""), HeaderCondition("b", absent=True), HeaderCondition("c")),
            jmespath="x",
            include_resent=True,
            dead_letters=DeadLetterCondition(topic="orders", group=""),
        ),
        consumer_key="billing",
        records_per_second=10.0,
        max_failures=1000,
        dry_run=True,
        name="after the outage",
        provenance=True,
        max_resends=3,
        allow_duplicate=True,
        target=Target("legacy", by_operator=False, remove_headers=False),
    )
    assert [parsed(**more).provenance for more in ({}, {"provenance": True}, {"max_resends": 1})] == [False, True, True]
    assert parsed(target={"dialect": "auto"}, provenance=False).provenance is False
    for_groups = parsed(target={"dialect": "auto", "group_as_recipient": True}).target
    assert for_groups == Target("auto", by_operator=False, remove_headers=True, group_as_recipient=True)
    assert parsed(offsets=[{"partition": 1}, {"partition": 0.0, "start": 5, "end": LARGEST}]).offsets == {
        1: (0, None),
        0: (5, LARGEST),
    }
    assert parsed(messages=[{"partition": 1, "message_offset": 4.0}] * 2).positions == ((1, 4), (1, 4))


def test_field_that_may_be_null_is_as_if_it_were_not_there() -> None:
    """Clients write what they have nothing to say in as null."""
    names = ("partitions", "offsets", "start_time", "end_time", "messages", "filter", "consumer_key")
    nulls = dict.fromkeys((*names, "records_per_second", "max_failures", "target"))

    assert parsed(**nulls) == parsed()
    assert parsed(filter={"key": None, "headers": None, "jmespath": None}) == parsed()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"partitions": []}, "partitions has 0 entries, not 1 to 100000"),
        ({"partitions": 3}, "partitions is 3, not a list of 1 to 100000 entries"),
        ({"partitions": [0, True]}, "partitions[1] is true, not a whole number from 0 to 2147483647"),
        ({"partitions": [2**31]}, "partitions[0] is 2147483648, not a whole number from 0 to 2147483647"),
        ({"offsets": [5]}, "offsets[0] is 5, not an object"),
        ({"offsets": [{"start": 5}]}, "offsets[0] lacks partition"),
        ({"offsets": [{"partition": 0, "from": 5}]}, 'offsets[0] has an unknown field "from"'),
        (
            {"offsets": [{"partition": 0, "start": 0.5}]},
            f"offsets[0].start is 0.5, not a whole number from 0 to {LARGEST}",
        ),
        ({"offsets": [{"partition": 0, "start": 5, "end": 5}]}, "the offsets of partition 0 begin at 5 and end at 5"),
        ({"offsets": [{"partition": 0}] * 2}, "offsets names partition 0 more than once"),
        ({"offsets": [{"partition": 0}], "partitions": [1]}, "offsets names partition 0, which partitions leaves out"),
        (
            {"messages": [{"partition": 0, "message_offset": 2.0**53}]},
            "messages[0].message_offset is 9007199254740992.0, ",
        ),
        ({"messages": [{"partition": 0}]}, "messages[0] lacks message_offset"),
        ({"messages": [], "offsets": 5}, "offsets is 5, not a list of 1 to 100000 entries"),
        ({"start_time": 5}, "start_time and end_time belong together"),
        ({"start_time": 5, "end_time": 5}, "start_time 5 must be before end_time 5"),
        ({"start_time": "5", "end_time": 6}, f'start_time is "5", not a whole number from 0 to {LARGEST}'),
        (
            {"start_time": 5, "end_time": 6, "offsets": [{"partition": 0}]},
            "the body selects by offsets and by start_time and end_time: choose one",
        ),
        ({"max_failures": 0}, f"max_failures is 0, not a whole number from 1 to {LARGEST}"),
        ({"records_per_second": True}, "records_per_second is true, not a number from 0.000001 to 10000000"),
        ({"records_per_second": "1"}, 'records_per_second is "1", not a number from 0.000001 to 10000000'),
        ({"dry_run": None}, "dry_run is null, neither true nor false"),
        ({"dry_run": 1}, "dry_run is 1, neither true nor false"),
        ({"filter": "k"}, 'filter is "k", not an object'),
        ({"filter": {"key": "\ud800"}}, 'filter.key is "\\ud800", not a text of at most 4096 characters'),
        ({"filter": {"jmespath": 5}}, "filter.jmespath is 5, not a text of at most 4096 characters"),
        ({"filter": {"headers": [{}]}}, "filter.headers[0] lacks name"),
        ({"filter": {"keys": "k", "key": 5}}, 'filter has an unknown field "keys"'),
        (
            {"filter": {"headers": [{"name": "a", "value": "b", "absent": True}]}},
            "an entry of headers has a value and is to be absent: choose one",
        ),
        ({"target": {"dialect": "x" * 65}}, "target.dialect is "),
        (
            {"target": {"dialect": "auto", "group_as_recipient": None}},
            "target.group_as_recipient is null, neither true nor",
        ),
        (
            {"target": {"dialect": "auto", "group_as_recipient": True}, "consumer_key": "billing"},
            "the body has a consumer_key and target.group_as_recipient: choose one",
        ),
        ({"target": {}}, "target lacks dialect"),
        ({"topics": 1, "topic": 5}, 'the body has an unknown field "topics"'),
    ],
)
def test_field_is_refused_with_its_place_its_value_and_what_it_has_to_be(fields: dict[str, object], words: str) -> None:
    """Whoever reads the answer need not look anything up."""
    with pytest.raises(JobFieldRefused) as caught:
        parsed(**fields)
    assert str(caught.value).startswith(words)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    ["topic", "partitions", "offsets", "messages", "filter", "target", "records_per_second", "dry_run"]
)


@given(st.dictionaries(names, json_values, max_size=4))
def test_any_body_is_a_job_or_is_refused(fields: dict[str, object]) -> None:
    """Nothing that can be sent ends in an unexpected error."""
    try:
        spec = parsed(**fields)
    except RequestRefused:
        return
    assert isinstance(spec, JobSpec)
