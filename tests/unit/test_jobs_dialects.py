"""Where a dead-letter record came from, by its headers alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.model.records import CONSUMER_KEY, Header, Position, Record, TimestampType, TopicPartition
from kafka.redrive.dialects import BUILT_IN, CONNECT, SHARE_GROUP, SPRING, X_ORIGINAL, Dialect, without_origin
from kafka.redrive.known import NO_OWN, DialectRefused, Dialects
from kafka.redrive.origin import Origin, OriginUnclear, group_of, origin_of

TOPIC, PARTITION, OFFSET = "orders", 3, 77
GROUP = b"billing"


def int32(number: int) -> bytes:
    return struct.pack(">i", number)


def int64(number: int) -> bytes:
    return struct.pack(">q", number)


def place(topic: str, partition: str, offset: str, numbers: tuple[bytes, bytes]) -> tuple[Header, ...]:
    """Return three headers that name one record."""
    return ((topic, TOPIC.encode()), (partition, numbers[0]), (offset, numbers[1]))


BINARY, TEXT = (int32(PARTITION), int64(OFFSET)), (b"3", b"77")
WRITTEN: dict[str, tuple[Header, ...]] = {
    "spring": (
        ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        ("kafka_dlt-exception-cause-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_dlt-exception-stacktrace", b"at a.B.c"),
        *place("kafka_dlt-original-topic", "kafka_dlt-original-partition", "kafka_dlt-original-offset", BINARY),
        ("kafka_dlt-original-consumer-group", GROUP),
    ),
    "spring-retry-topic": (
        *place("kafka_original-topic", "kafka_original-partition", "kafka_original-offset", BINARY),
        ("kafka_exception-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_exception-stacktrace", b"at a.B.c"),
        ("kafka_key-exception-stacktrace", b"at a.B.c"),
        ("kafka_dlt-original-consumer-group", GROUP),
        ("retry_topic-attempts", int32(4)),
        ("retry_topic-backoff-timestamp", int64(1)),
        ("retry_topic-original-timestamp", int64(1)),
    ),
    "spring-cloud-stream": (
        *place("x-original-topic", "x-original-partition", "x-original-offset", BINARY),
        ("x-exception-fqcn", b"java.lang.IllegalStateException"),
        ("x-exception-stacktrace", b"at a.B.c"),
    ),
    "x-original": (
        *place("x-original-topic", "x-original-partition", "x-original-offset", TEXT),
        ("x-error-message", b"boom"),
    ),
    "connect": (
        *place("__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset", TEXT),
        ("__connect.errors.connector.name", GROUP),
        ("__connect.errors.exception.stacktrace", b"at a.B.c"),
    ),
    "streams": (
        *place("__streams.errors.topic", "__streams.errors.partition", "__streams.errors.offset", TEXT),
        ("__streams.errors.exception", b"java.lang.IllegalStateException"),
    ),
    "share-group": (
        *place("__dlq.errors.topic", "__dlq.errors.partition", "__dlq.errors.offset", TEXT),
        ("__dlq.errors.group", GROUP),
        ("__dlq.errors.delivery.count", b"1"),
    ),
}
"""What each framework writes, see the table in docs/dead-letters.md."""

LEGACY = Dialect(
    name="legacy",
    writer="us",
    topic="dead-topic",
    partition="dead-partition",
    group="dead-group",
    required=("dead",),
    removes=("dead", "dead-*"),
)
OWN = Dialects((LEGACY,))


def record(*headers: Header) -> Record:
    return Record(Position("orders.DLT", 0, 5), b"k", b"secret", headers, 1000, TimestampType.CREATE_TIME)


def changed(name: str, **values: bytes | None) -> tuple[Header, ...]:
    """Return what a framework writes, with other values of the headers with the origin's topic, partition or offset."""
    dialect = next(each for each in BUILT_IN if each.name == name)
    others = {getattr(dialect, field): value for field, value in values.items()}
    return tuple((header, others.get(header, value)) for header, value in WRITTEN[name])


def origin(headers: Iterable[Header], name: str = "auto", dialects: Dialects = NO_OWN) -> Origin:
    return origin_of(record(*headers), name, dialects)


def reason(headers: Iterable[Header], name: str = "auto", dialects: Dialects = NO_OWN) -> str:
    """Return why these headers say no place."""
    with pytest.raises(OriginUnclear) as unclear:
        origin(headers, name, dialects)
    return unclear.value.reason


def group_reason(headers: tuple[Header, ...]) -> str:
    """Return why these headers name no consumer group."""
    with pytest.raises(OriginUnclear) as unclear:
        group_of(record(*headers), origin(headers).dialects)
    return unclear.value.reason


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("asked", ["auto", "by name"])
def test_each_framework_is_recognised_and_names_the_record(name: str, asked: str) -> None:
    """By its own headers, also beside others; the name of a dialect says the same as `auto`."""
    found = origin((("a", b"1"), *WRITTEN[name], ("b", None)), "auto" if asked == "auto" else name)

    assert [name] == [dialect.name for dialect in found.dialects]
    assert (TOPIC, (PARTITION,), OFFSET) == (found.topic, found.partitions, found.offset)
    assert TopicPartition(TOPIC, PARTITION) == found.place(1)


def test_every_built_in_dialect_is_tried_here() -> None:
    """The order is that of the documents."""
    assert [dialect.name for dialect in BUILT_IN] == list(WRITTEN)
    assert ["auto", *WRITTEN] == list(NO_OWN.names)


def test_header_of_the_recoverer_alone_is_not_its_dialect() -> None:
    """@RetryableTopic writes the consumer group with the recoverer's prefix."""
    headers = WRITTEN["spring-retry-topic"]

    assert "it has no header kafka_dlt-original-topic" == reason(headers, "spring")
    assert "spring-retry-topic" == origin(headers).dialect.name


@pytest.mark.parametrize(
    ("headers", "partitions"),
    [
        (changed("x-original", partition=b"7"), (7,)),
        (changed("x-original", partition=int32(7)), (7,)),
        (changed("x-original", partition=b"12345"), (12345,)),
        (changed("x-original", partition=b"1234"), (1234, 0x31323334)),
        (changed("x-original", partition=b"0007"), (7, 0x30303037)),
        (changed("spring-cloud-stream", partition=b"1234"), (1234, 0x31323334)),
        (changed("spring-cloud-stream", partition=b"7"), (7,)),
        ((*changed("x-original", partition=b"1234"), *changed("connect", partition=b"1234")), (1234,)),
    ],
)
def test_partition_in_either_encoding_is_read_as_what_it_can_be(
    headers: tuple[Header, ...], partitions: tuple[int, ...]
) -> None:
    """Four digits are an int32 as well; another dialect may say which of both."""
    assert partitions == origin(headers).partitions


@pytest.mark.parametrize(("topic_has", "expected"), [(1235, 1234), (0x31323335, 1234), (2**31 - 1, 1234)])
def test_four_digits_are_text_if_the_topic_has_that_partition(topic_has: int, expected: int) -> None:
    """No topic has as many partitions as four digits mean in binary, but what decides is whether it does."""
    assert TopicPartition(TOPIC, expected) == origin(changed("x-original", partition=b"1234")).place(topic_has)


def test_four_digits_are_binary_if_the_topic_has_only_that_partition() -> None:
    """As text the number is 9999, as an int32 less than nothing else that is written so."""
    low = Origin((X_ORIGINAL,), TOPIC, (9999, 5), None)

    assert TopicPartition(TOPIC, 5) == low.place(6)


def test_four_digits_that_fit_in_no_way_are_refused() -> None:
    """Neither is guessed."""
    with pytest.raises(OriginUnclear) as unclear:
        origin(changed("x-original", partition=b"1234")).place(1234)
    expected = "its header x-original-partition is four digits or an int32, and the topic has neither partition"
    assert expected == unclear.value.reason


@pytest.mark.parametrize(
    "headers",
    [
        WRITTEN["spring"] * 2,
        WRITTEN["spring"] + WRITTEN["connect"],
        (*WRITTEN["connect"], ("__connect.errors.partition", b"3")),
        changed("spring", offset=b"?"),
        changed("connect", offset=None),
        changed("connect", partition=b"0003"),
    ],
)
def test_same_said_twice_is_no_contradiction(headers: tuple[Header, ...]) -> None:
    """Nor does an offset matter that nothing is read at."""
    found = origin(headers)

    assert (TOPIC, PARTITION) == (found.topic, found.place(1).partition)


@pytest.mark.parametrize(
    ("headers", "name", "expected"),
    [
        ((), "spring", "it has no header kafka_dlt-original-topic"),
        ((), "auto", "its headers are of no known dialect"),
        (WRITTEN["connect"], "spring", "it has no header kafka_dlt-original-topic"),
        (WRITTEN["spring"], "connect", "it has no header __connect.errors.topic"),
        (WRITTEN["spring"][3:4], "auto", "it has no header kafka_dlt-original-partition"),
        (WRITTEN["spring"][4:5], "auto", "it has no header kafka_dlt-original-topic"),
        ((*WRITTEN["spring"], *WRITTEN["connect"][:1]), "auto", "it has no header __connect.errors.partition"),
        (
            (*WRITTEN["spring"], ("kafka_dlt-original-topic", b"orders-retry")),
            "spring",
            "it has several headers kafka_dlt-original-topic, which differ",
        ),
        (
            (*WRITTEN["spring"], ("kafka_dlt-original-partition", int32(4))),
            "auto",
            "it has several headers kafka_dlt-original-partition, which differ",
        ),
        (
            (*WRITTEN["spring"], ("kafka_dlt-original-topic", None)),
            "spring",
            "it has several headers kafka_dlt-original-topic, which differ",
        ),
        (
            (*WRITTEN["spring"], *changed("connect", partition=b"4")),
            "auto",
            "its headers of the dialects spring and connect name different places",
        ),
        (
            (*WRITTEN["spring"], *changed("streams", topic=b"other")),
            "auto",
            "its headers of the dialects spring and streams name different places",
        ),
        (
            (*WRITTEN["spring"], *WRITTEN["share-group"]),
            "auto",
            "its headers of the dialects spring and share-group say that it is a dead letter and that it points to one",
        ),
        (changed("share-group", offset=None), "auto", "its header __dlq.errors.offset is not an offset"),
        (changed("share-group", offset=b"-1"), "auto", "its header __dlq.errors.offset is not an offset"),
        (
            changed("share-group", offset=b"9223372036854775808"),
            "auto",
            "its header __dlq.errors.offset is not an offset",
        ),
        (WRITTEN["share-group"][:2], "auto", "it has no header __dlq.errors.offset"),
        (
            (*WRITTEN["share-group"], ("__dlq.errors.offset", b"78")),
            "share-group",
            "it has several headers __dlq.errors.offset, which differ",
        ),
    ],
)
def test_headers_that_are_missing_or_differ_name_no_place(
    headers: tuple[Header, ...], name: str, expected: str
) -> None:
    """Which one of several is meant is not guessed."""
    assert expected == reason(headers, name)


@pytest.mark.parametrize("name", ["spring", "spring-retry-topic"])
@pytest.mark.parametrize("value", [None, b"", b"3", b"\x03", int32(-1), int64(3), struct.pack(">h", 3)])
def test_partition_in_binary_is_four_bytes_and_not_negative(name: str, value: bytes | None) -> None:
    """A number in another form is none."""
    assert reason(changed(name, partition=value)).endswith("partition is not the number of a partition")


@pytest.mark.parametrize("name", ["connect", "streams", "share-group", "x-original", "spring-cloud-stream"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"-1",
        b"+3",
        b" 3",
        b"3\n",
        b"3.0",
        b"0x3",
        b"1_0",
        "٣".encode(),
        b"nil",
        b"2147483648",
        b"9" * 19,
        b"9" * 100_000,
    ],
)
def test_partition_in_text_is_decimal_digits(name: str, value: bytes | None) -> None:
    """What Python would take for a number is not all that is written there."""
    assert reason(changed(name, partition=value)).endswith("partition is not the number of a partition")


@pytest.mark.parametrize(
    "value", [None, b"", b".", b"..", b"a b", b"a\n", b"a/b", b"\xff", "ä".encode(), b"a" * 250, b"\0" * 100_000]
)
@pytest.mark.parametrize("name", WRITTEN)
def test_topic_that_no_topic_can_be_called_is_refused(value: bytes | None, name: str) -> None:
    """It is not shown either: a header may hold anything."""
    assert reason(changed(name, topic=value)).endswith("topic is not the name of a topic")


@pytest.mark.parametrize("name", ["spring", "spring-retry-topic", "connect", "share-group"])
def test_consumer_group_is_the_one_that_the_headers_name(name: str) -> None:
    """The same in each dialect that has one, and where two of them agree."""
    headers = WRITTEN[name]

    assert GROUP.decode() == group_of(record(*headers), origin(headers).dialects)
    assert GROUP.decode() == group_of(record(*headers, *headers), origin(headers).dialects)
    both = (*WRITTEN["spring"], *WRITTEN["streams"])
    assert GROUP.decode() == group_of(record(*both), origin(both).dialects)


def with_group(value: bytes | None) -> tuple[Header, ...]:
    return (*WRITTEN["spring"][:-1], ("kafka_dlt-original-consumer-group", value))


NO_GROUP = "its header kafka_dlt-original-consumer-group is no consumer group that a consumer_key can name"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (WRITTEN["streams"], "the dialect streams names no consumer group"),
        (WRITTEN["x-original"], "the dialect x-original names no consumer group"),
        (WRITTEN["spring"][:-1], "it has no header kafka_dlt-original-consumer-group"),
        (
            (*WRITTEN["spring"][:-1], *changed("connect")[:2]),
            "it has no header kafka_dlt-original-consumer-group and no header __connect.errors.connector.name",
        ),
        (with_group(None), NO_GROUP),
        (with_group(b""), NO_GROUP),
        (with_group(b"\xff"), NO_GROUP),
        (with_group(b"a\nb"), NO_GROUP),
        (with_group(b"g" * 1025), NO_GROUP),
        (
            (*WRITTEN["spring"], ("kafka_dlt-original-consumer-group", b"other")),
            "it has several headers kafka_dlt-original-consumer-group, which differ",
        ),
        (
            (*WRITTEN["spring"], *WRITTEN["connect"][:3], ("__connect.errors.connector.name", b"sink")),
            f"its headers {SPRING.group} and {CONNECT.group} name different consumer groups",
        ),
    ],
)
def test_headers_that_name_no_consumer_group_say_why(headers: tuple[Header, ...], expected: str) -> None:
    """A copy for nobody, or for everybody, is not made of it."""
    assert expected == group_reason(headers)


def test_consumer_group_may_be_any_text_that_a_consumer_key_may_be() -> None:
    """Kafka allows more in it than in the name of a topic."""
    name = "a b\u00a0ä" + "g" * 1000
    headers = with_group(name.encode())

    assert name == group_of(record(*headers), origin(headers).dialects)


def test_dialect_of_the_operator_is_one_like_the_others() -> None:
    """By its name or recognised, as soon as all is there that it requires."""
    headers: tuple[Header, ...] = (("dead-topic", b"orders"), ("dead-partition", b"3"), ("dead", None))

    assert (LEGACY, (3,), None) == (
        origin(headers, dialects=OWN).dialect,
        origin(headers, "legacy", OWN).partitions,
        origin(headers, dialects=OWN).offset,
    )
    assert "its headers are of no known dialect" == reason(headers[:2], dialects=OWN)
    assert "its headers are of no known dialect" == reason(headers)
    assert (*NO_OWN.names, "legacy") == OWN.names


def test_own_dialect_goes_before_one_that_shares_its_headers_unless_it_has_less() -> None:
    """An application's own form of x-original is what its operator says."""
    own = Dialect(name="ours", writer="us", topic="x-original-topic", partition="x-part", numbers="binary")
    dialects = Dialects((own,))

    assert own == origin((("x-original-topic", b"orders"), ("x-part", int32(3))), dialects=dialects).dialect
    assert X_ORIGINAL == origin(WRITTEN["x-original"], dialects=dialects).dialect
    assert own == origin((*WRITTEN["x-original"], ("x-part", int32(3))), dialects=dialects).dialect


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Legacy"}, "a name in lower case"),
        ({"name": "auto"}, "a name in lower case"),
        ({"name": ""}, "a name in lower case"),
        ({"partition": "dead-topic"}, "in a header each"),
        ({"removes": ("*",)}, "only at their end"),
        ({"removes": ("a*b",)}, "only at their end"),
        ({"removes": ("",)}, "only at their end"),
        ({"removes": (CONSUMER_KEY,)}, "consumer_key"),
        ({"removes": ("c*",)}, "consumer_key"),
        ({"pointer": True}, "an offset"),
    ],
)
def test_dialect_that_cannot_be_is_refused(changes: dict[str, object], words: str) -> None:
    """A redrive with one that takes the recipient's header away would be for everybody."""
    given: dict[str, object] = {"name": "legacy", "writer": "us", "topic": "dead-topic", "partition": "dead-partition"}
    with pytest.raises(ValueError, match=words):
        Dialect(**{**given, **changes})  # type: ignore[arg-type]


def test_two_dialects_have_two_names() -> None:
    """A job's target names one."""
    with pytest.raises(ValueError, match="none of spring"):
        Dialects((Dialect(name="spring", writer="us", topic="a", partition="b"),))


def test_dialect_that_is_not_known_is_refused_with_those_that_are() -> None:
    """The operator's too."""
    own = Dialect(name="legacy", writer="us", topic="t", partition="p")
    with pytest.raises(DialectRefused) as refused:
        Dialects((own,)).require_known("any")
    one = "spring, spring-retry-topic, spring-cloud-stream, x-original, connect, streams, share-group, legacy"
    assert f"the job names the dialect 'any', not one of auto, {one}" == str(refused.value)
    with pytest.raises(DialectRefused) as refused:
        Dialects((own,)).require_one("auto")
    assert f"the job names the dialect 'auto', not one of {one}" == str(refused.value)


NAMES = sorted({name for headers in WRITTEN.values() for name, _ in headers})
VALUES = sorted({value for headers in WRITTEN.values() for _, value in headers if value is not None})


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES) | st.text(max_size=5),
            st.none() | st.binary(max_size=9) | st.sampled_from([*VALUES, TOPIC.encode()]),
        ),
        max_size=9,
    ),
    st.sampled_from(NO_OWN.names),
)
def test_any_headers_name_one_place_or_none(headers: list[Header], name: str) -> None:
    """Whatever somebody may have written there ends no job; what is taken for a place is said without contradiction."""
    try:
        found = origin(headers, name)
    except OriginUnclear:
        return
    topics = {value for header, value in headers for dialect in found.dialects if header == dialect.topic}
    assert topics == {found.topic.encode()}
    assert found.partitions


@pytest.mark.parametrize("name", WRITTEN)
def test_headers_of_a_dialect_are_removed_in_all_and_no_others(name: str) -> None:
    """Those of the exception, its stack trace and times too; order and duplicates of the rest stay."""
    rest: tuple[Header, ...] = (
        ("a", b"1"),
        ("kafka_dlt", None),
        ("x-originals", b""),
        ("errors.topic", b""),
        ("a", b"1"),
    )
    headers = (rest[0], *WRITTEN[name], *rest[1:])

    assert rest == without_origin(headers, origin(headers).dialects)


def test_headers_of_other_dialects_stay() -> None:
    """Those that say nothing of this record's origin are its own."""
    rest, all_headers = (("a", b"1"),), (("a", b"1"), *WRITTEN["spring"], *WRITTEN["connect"])

    assert (*rest, *WRITTEN["connect"]) == without_origin(all_headers, (SPRING,))
    assert (*rest, *WRITTEN["spring"]) == without_origin(all_headers, (CONNECT,))
    assert rest == without_origin(all_headers, origin(all_headers).dialects)


def test_bookkeeping_of_retries_never_stays() -> None:
    """A record that went back with it would count as tried that often."""
    kept = without_origin(WRITTEN["spring-retry-topic"], ())

    assert WRITTEN["spring-retry-topic"][:7] == kept
    assert (("a", None),) == without_origin((("retry_topic-attempts", b"\x04"), ("a", None)), (SHARE_GROUP,))
