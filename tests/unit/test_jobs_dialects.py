"""Where a dead-letter record came from, by its headers alone."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.model.records import Header, Position, Record, TimestampType, TopicPartition
from kafka.redrive.dialects import DIALECTS, Dialect, OriginUnclear, origin_of, without_origin

SPRING_TOPIC = ("kafka_dlt-original-topic", b"orders")
SPRING_PARTITION = ("kafka_dlt-original-partition", struct.pack(">i", 3))
CONNECT_TOPIC = ("__connect.errors.topic", b"orders")
CONNECT_PARTITION = ("__connect.errors.partition", b"3")
SPRING, CONNECT = (SPRING_TOPIC, SPRING_PARTITION), (CONNECT_TOPIC, CONNECT_PARTITION)


def record(*headers: Header) -> Record:
    return Record(Position("orders.DLT", 0, 5), b"k", b"secret", headers, 1000, TimestampType.CREATE_TIME)


def reason(headers: tuple[Header, ...], dialect: Dialect) -> str:
    """Return why these headers say no place."""
    with pytest.raises(OriginUnclear) as unclear:
        origin_of(record(*headers), dialect)
    return unclear.value.reason


@pytest.mark.parametrize(
    ("headers", "dialect"),
    [
        (SPRING, "spring"),
        (SPRING, "any"),
        (CONNECT, "connect"),
        (CONNECT, "any"),
        (SPRING + CONNECT, "spring"),
        (SPRING + CONNECT, "any"),
        ((*SPRING, ("kafka_dlt-original-offset", b"?"), ("other", None)), "spring"),
        (SPRING + SPRING, "spring"),
        ((*CONNECT, ("__connect.errors.partition", b"3")), "any"),
        ((("kafka_dlt-original-topic", b"elsewhere"), *CONNECT), "connect"),
        ((CONNECT_TOPIC, ("__connect.errors.partition", b"0003")), "connect"),
    ],
)
def test_origin_is_the_place_that_the_headers_name(headers: tuple[Header, ...], dialect: Dialect) -> None:
    """Topic and partition decide; the same said twice is no contradiction, and other headers do not matter."""
    assert TopicPartition("orders", 3) == origin_of(record(*headers), dialect)


@pytest.mark.parametrize(
    ("headers", "dialect", "expected"),
    [
        ((), "spring", "it has no header kafka_dlt-original-topic"),
        (CONNECT, "spring", "it has no header kafka_dlt-original-topic"),
        (SPRING, "connect", "it has no header __connect.errors.topic"),
        ((), "any", "it has no header kafka_dlt-original-topic and no header __connect.errors.topic"),
        ((SPRING_TOPIC,), "spring", "it has no header kafka_dlt-original-partition"),
        ((SPRING_PARTITION,), "any", "it has no header kafka_dlt-original-topic"),
        ((*SPRING, CONNECT_TOPIC), "any", "it has no header __connect.errors.partition"),
        (
            (*SPRING, ("kafka_dlt-original-topic", b"orders-retry")),
            "spring",
            "it has several headers kafka_dlt-original-topic, which differ",
        ),
        (
            (*SPRING, ("kafka_dlt-original-partition", struct.pack(">i", 4))),
            "any",
            "it has several headers kafka_dlt-original-partition, which differ",
        ),
        (
            (*SPRING, ("kafka_dlt-original-topic", None)),
            "spring",
            "it has several headers kafka_dlt-original-topic, which differ",
        ),
        (
            (*SPRING, CONNECT_TOPIC, ("__connect.errors.partition", b"4")),
            "any",
            "the headers of Spring and those of Kafka Connect name different places",
        ),
    ],
)
def test_headers_that_are_missing_or_differ_name_no_place(
    headers: tuple[Header, ...], dialect: Dialect, expected: str
) -> None:
    """Which one of several is meant is not guessed."""
    assert expected == reason(headers, dialect)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"3", b"\x03", struct.pack(">i", -1), struct.pack(">q", 3), struct.pack(">h", 3)],
)
def test_partition_of_spring_is_four_bytes_and_not_negative(value: bytes | None) -> None:
    """A number in another form is none."""
    expected = "its header kafka_dlt-original-partition is not the number of a partition"
    assert expected == reason((SPRING_TOPIC, ("kafka_dlt-original-partition", value)), "spring")


@pytest.mark.parametrize(
    "value", [None, b"", b"-1", b"+3", b" 3", b"3\n", b"3.0", b"0x3", b"1_0", "٣".encode(), b"null", b"2147483648"]
)
def test_partition_of_connect_is_decimal_digits(value: bytes | None) -> None:
    """What Python would take for a number is not all that Connect writes."""
    expected = "its header __connect.errors.partition is not the number of a partition"
    assert expected == reason((CONNECT_TOPIC, ("__connect.errors.partition", value)), "connect")


@pytest.mark.parametrize("value", [None, b"", b".", b"..", b"a b", b"a\n", b"a/b", b"\xff", "ä".encode(), b"a" * 250])
@pytest.mark.parametrize("dialect", ["spring", "connect"])
def test_topic_that_no_topic_can_be_called_is_refused(value: bytes | None, dialect: Dialect) -> None:
    """It is not shown either: a header may hold anything."""
    name, partition = (
        ("kafka_dlt-original-topic", SPRING_PARTITION)
        if dialect == "spring"
        else (
            "__connect.errors.topic",
            CONNECT_PARTITION,
        )
    )
    assert f"its header {name} is not the name of a topic" == reason(((name, value), partition), dialect)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, _ in (*SPRING, *CONNECT)]) | st.text(max_size=5),
            st.none() | st.binary(max_size=6) | st.sampled_from([value for _, value in (*SPRING, *CONNECT)]),
        ),
        max_size=6,
    ),
    st.sampled_from(DIALECTS),
)
def test_any_headers_name_one_place_or_none(headers: list[Header], dialect: Dialect) -> None:
    """Whatever somebody may have written there ends no job; what is taken for a place is said without contradiction."""
    try:
        place = origin_of(record(*headers), dialect)
    except OriginUnclear:
        return
    topics = {value for name, value in headers if name in (SPRING_TOPIC[0], CONNECT_TOPIC[0])}
    if dialect == "any":
        assert {place.topic.encode()} == topics
    assert place.topic.encode() in topics


def test_headers_of_an_origin_are_left_away_in_all_and_no_others() -> None:
    """Those of the exception and of times too; order and duplicates of the rest stay."""
    exception = ("kafka_dlt-exception-message", b"boom")
    context = ("__connect.errors.exception.message", b"boom")
    rest: tuple[Header, ...] = (("a", b"1"), ("kafka_dlt", None), ("connect.errors.topic", b""), ("a", b"1"))
    headers = (rest[0], *SPRING, exception, *rest[1:3], *CONNECT, context, rest[3])

    assert without_origin(headers, "any") == rest
    assert without_origin(headers, "spring") == (*rest[:3], *CONNECT, context, rest[3])
    assert without_origin(headers, "connect") == (rest[0], *SPRING, exception, *rest[1:])
