"""What dead letters are grouped by, and that a job's filter selects exactly what a group has."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.filter.conditions import Filter, Outcome
from kafka.model.records import Header, Record
from kafka.redrive.dead_letters import DeadLetter, DeadLetterCondition, dead_letter_of
from kafka.redrive.dialects import Dialect
from kafka.redrive.known import NO_OWN, Dialects
from service.cli.dead_letters import added, command
from tests.support.jobs import record

SPRING: tuple[Header, ...] = (
    ("kafka_dlt-original-topic", b"orders"),
    ("kafka_dlt-original-partition", b"\0\0\0\1"),
    ("kafka_dlt-exception-fqcn", b"ListenerExecutionFailedException"),
    ("kafka_dlt-exception-cause-fqcn", b"java.lang.IllegalStateException"),
    ("kafka_dlt-original-consumer-group", b"billing"),
)
OWN_CODE: tuple[Header, ...] = (("x-original-topic", b"orders"), ("x-original-partition", b"0"))
WRAPPER, CAUSE = "org.springframework.messaging.MessageHandlingException", "java.lang.IllegalStateException"
CLOUD_STREAM: tuple[Header, ...] = (*OWN_CODE, ("x-exception-fqcn", WRAPPER.encode()))


def said(*headers: Header, dialects: Dialects = NO_OWN) -> DeadLetter:
    return dead_letter_of(record(headers=headers), dialects)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (SPRING, DeadLetter("spring", "orders", "billing", "java.lang.IllegalStateException")),
        (
            (*SPRING[:3], SPRING[4]),
            DeadLetter("spring", "orders", "billing", "ListenerExecutionFailedException"),
        ),
        (
            (*SPRING, ("kafka_dlt-exception-cause-fqcn", b"java.io.IOException")),
            DeadLetter("spring", "orders", "billing", "java.io.IOException"),
        ),
        (
            (*SPRING, ("kafka_dlt-original-consumer-group", b"other")),
            DeadLetter("spring", "orders", None, "java.lang.IllegalStateException"),
        ),
        (SPRING[:2], DeadLetter("spring", "orders")),
        (OWN_CODE, DeadLetter("x-original", "orders")),
        ((*OWN_CODE, ("x-error", b"")), DeadLetter("x-original", "orders")),
        ((*OWN_CODE, ("x-error", None)), DeadLetter("x-original", "orders")),
        ((*OWN_CODE, ("x-error", b"\xffa")), DeadLetter("x-original", "orders", None, "\ufffda")),
        ((*OWN_CODE, ("x-error", b"e" * 501)), DeadLetter("x-original", "orders", None, "e" * 500)),
        *(
            (
                (*CLOUD_STREAM, ("x-exception-stacktrace", trace)),
                DeadLetter("spring-cloud-stream", "orders", None, reason),
            )
            for trace, reason in [
                (f"{WRAPPER}: m\n\tat a.B.c(B.java:1)\nCaused by: {CAUSE}: boom\n\t... 9 more\n".encode(), CAUSE),
                (f"{WRAPPER}: m\r\nCaused by: a.B\r\n\tat a.B.c\r\nCaused by: {CAUSE}\r\n".encode(), CAUSE),
                (f"{WRAPPER}\nCaused by: {CAUSE}\n\tSuppressed: a.B\n\tCaused by: a.C".encode(), CAUSE),
                (f"{WRAPPER}\nCaused by: {CAUSE}".encode(), CAUSE),
                (f"{WRAPPER}: m\n\tat a.B.c".encode(), WRAPPER),
                (b"\nCaused by: ", WRAPPER),
                (b"\nCaused by: no class", WRAPPER),
                (b"\nCaused by: " + b"a" * 501, WRAPPER),
                (b"\nCaused by: \xff", WRAPPER),
                (b"", WRAPPER),
                (None, WRAPPER),
            ]
        ),
        ((), DeadLetter(None, problem="its headers are of no known dialect")),
        (SPRING[:1], DeadLetter(None, problem="it has no header kafka_dlt-original-partition")),
        (
            (*SPRING, ("x-original-topic", b"elsewhere"), ("x-original-partition", b"0")),
            DeadLetter(None, problem="its headers of the dialects spring and x-original name different places"),
        ),
    ],
)
def test_dead_letter_is_what_its_headers_say(headers: tuple[Header, ...], expected: DeadLetter) -> None:
    """The cause goes before what the listener makes of it, the newest before older ones; nothing doubtful is told."""
    assert expected == said(*headers)


def test_dead_letter_of_a_dialect_of_the_operator_is_grouped_like_others() -> None:
    """As soon as the instance knows it."""
    own = Dialect(name="ours", writer="us", topic="dead-topic", partition="dead-partition", reason=("dead-class",))
    headers: tuple[Header, ...] = (("dead-topic", b"orders"), ("dead-partition", b"0"), ("dead-class", b"E"))

    assert DeadLetter("ours", "orders", None, "E") == said(*headers, dialects=Dialects((own,)))
    assert DeadLetter(None, problem="its headers are of no known dialect") == said(*headers)


def outcome(condition: DeadLetterCondition, *headers: Header, headers_known: bool = True) -> Outcome:
    return Filter(dead_letters=condition).judge(record(headers=headers), headers_known=headers_known)


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (DeadLetterCondition(), True),
        (DeadLetterCondition("spring", "orders", "billing", "java.lang.IllegalStateException"), True),
        (DeadLetterCondition(dialect="connect"), False),
        (DeadLetterCondition(topic="order"), False),
        (DeadLetterCondition(group="shipping"), False),
        (DeadLetterCondition(group=""), False),
        (DeadLetterCondition(reason="ListenerExecutionFailedException"), False),
        (DeadLetterCondition(reason=""), False),
    ],
)
def test_condition_holds_where_all_that_it_names_is_said(condition: DeadLetterCondition, *, matches: bool) -> None:
    """A part that is left out is any."""
    assert (Outcome.MATCHED if matches else Outcome.NOT_MATCHED) is outcome(condition, *SPRING)


def test_empty_text_is_for_dead_letters_that_name_none() -> None:
    """A group of those can be selected, too."""
    assert Outcome.MATCHED is outcome(DeadLetterCondition(group="", reason=""), *OWN_CODE)
    assert Outcome.NOT_MATCHED is outcome(DeadLetterCondition(group="billing"), *OWN_CODE)


def test_what_is_no_dead_letter_meets_no_condition() -> None:
    """Not even one that asks for nothing; headers that cannot be read are taken to meet it, and fail when copied."""
    assert Outcome.NOT_MATCHED is outcome(DeadLetterCondition())
    assert Outcome.NOT_MATCHED is outcome(DeadLetterCondition(), *SPRING[:1])
    assert Outcome.MATCHED is outcome(DeadLetterCondition(), headers_known=False)


headers_of_records = st.lists(
    st.sampled_from([*SPRING, *OWN_CODE, ("x-error", b"boom"), ("x-original-topic", b"other"), ("h", None)]), max_size=7
)


@given(st.lists(headers_of_records, max_size=12))
def test_filter_of_a_group_selects_the_group_and_nothing_else(every: list[list[Header]]) -> None:
    """What is grouped and what is selected is decided by the same code."""
    records: list[Record] = [record(headers=tuple(headers)) for headers in every]
    for one in records:
        group = dead_letter_of(one, NO_OWN)
        if group.dialect is None:
            continue
        chosen = DeadLetterCondition(group.dialect, group.topic, group.group or "", group.reason or "")
        selected = [each for each in records if chosen.holds(each, NO_OWN)]
        assert selected == [each for each in records if dead_letter_of(each, NO_OWN) == group]


def told(**differences: Any) -> dict[str, Any]:
    """Return a group as the API tells it."""
    return {
        "dialect": "spring",
        "topic": "orders",
        "group": "billing",
        "reason": "E",
        "problem": None,
        "count": 2,
        "already_resent": 1,
        "first_time": 5,
        "last_time": 9,
        "example": {"partition": 1, "message_offset": 7},
        **differences,
    }


def test_groups_of_two_pages_are_added_up() -> None:
    """A page may have found no times."""
    other = told(count=3, already_resent=0, first_time=4, last_time=6, example={"partition": 0, "message_offset": 9})
    both = added(told(), other)

    assert (5, 1, 4, 9) == tuple(both[name] for name in ("count", "already_resent", "first_time", "last_time"))
    assert {"partition": 0, "message_offset": 9} == both["example"]
    timeless = told(first_time=None, last_time=None)
    assert (5, 9) == tuple(added(told(), timeless)[name] for name in ("first_time", "last_time"))
    assert added(timeless, timeless)["first_time"] is None


def test_command_of_a_group_is_one_that_a_shell_takes() -> None:
    """Each part of the group, also those that are not named: else others would be selected with them."""
    hostile = told(group=None, reason="it's $(rm -rf /)\n`x`; -y")
    words = shlex.split(command("orders.DLT", 3, hostile) or "")

    assert words == [
        "kafka-resend",
        "job",
        "start",
        "orders.DLT",
        "--redrive=spring",
        "--partition=3",
        "--dead-letter-dialect=spring",
        "--dead-letter-topic=orders",
        "--dead-letter-group=",
        f"--dead-letter-reason={hostile['reason']}",
    ]
    assert command("orders.DLT", None, told(dialect=None)) is None
    assert json.dumps(hostile)
