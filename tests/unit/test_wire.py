"""What the body of a resend may be, without a server."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.schema.resend import ResendRequest, ResendResponse, parse_resend
from service.http import refusals
from service.http.strict_json import read_json

EXAMPLE = b"""{
  "topic" : "topic-test",
  "partition" : 0,
  "message_offset" : 4,
  "consumer_key" : "keyA"
}"""


def body(**fields: str) -> bytes:
    """Return a good body in which these fields are replaced; values are JSON texts."""
    texts = {"topic": '"topic-test"', "partition": "0", "message_offset": "4"} | fields
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}").encode("utf-8", "surrogatepass")


def test_body_of_the_api_document_word_for_word_is_understood() -> None:
    """The example request of the API document is taken as it is there."""
    assert ResendRequest.model_construct(
        topic="topic-test", partition=0, message_offset=4, consumer_key="keyA"
    ) == parse_resend(EXAMPLE)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("4", 4),
        ("4.0", 4),
        ("4e0", 4),
        ("4.000", 4),
        ("40e-1", 4),
        ("0", 0),
        ("0.0", 0),
        ("-0", 0),
        ("9007199254740991.0", 2**53 - 1),
        ("9007199254740993", 2**53 + 1),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_message_offset_whole_and_exact_is_taken(text: str, offset: int) -> None:
    """A whole number is one however it is written, as long as nothing can have rounded it."""
    parsed = parse_resend(body(message_offset=text)).message_offset

    assert offset == parsed
    assert type(parsed) is int


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("4.5", refusals.OffsetNotWhole),
        ("4.0000000000000000001", refusals.OffsetNotWhole),
        ("3.9999999999999999999", refusals.OffsetNotWhole),
        ("1e-400", refusals.OffsetNotWhole),
        ('"4"', refusals.OffsetNotNumber),
        ("true", refusals.OffsetNotNumber),
        ("null", refusals.OffsetNotNumber),
        ("[4]", refusals.OffsetNotNumber),
        ("{}", refusals.OffsetNotNumber),
        ("-1", refusals.OffsetOutOfRange),
        ("-1.0", refusals.OffsetOutOfRange),
        ("-1e999999999999999999999", refusals.OffsetNotExact),
        ("9223372036854775808", refusals.OffsetOutOfRange),
        ("1" * 5000, refusals.OffsetOutOfRange),
        ("-" + "1" * 5000, refusals.OffsetOutOfRange),
        ("9007199254740992.0", refusals.OffsetNotExact),
        ("1e18", refusals.OffsetNotExact),
        ("1e999999999999999999999", refusals.OffsetNotExact),
    ],
)
def test_message_offset_anything_else_is_refused(text: str, refusal: type[Exception]) -> None:
    """What is no offset, or may be a neighbour's, has a refusal of its own."""
    with pytest.raises(refusals.FieldRefused) as raised:
        parse_resend(body(message_offset=text))

    assert refusal is type(raised.value)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("0.0", refusals.PartitionNotInteger),
        ("1e0", refusals.PartitionNotInteger),
        ('"0"', refusals.PartitionNotInteger),
        ("false", refusals.PartitionNotInteger),
        ("null", refusals.PartitionNotInteger),
        ("-1", refusals.PartitionOutOfRange),
        ("2147483648", refusals.PartitionOutOfRange),
    ],
)
def test_partition_not_an_integer_in_range_is_refused(text: str, refusal: type[Exception]) -> None:
    """A partition is an integer that Kafka can number partitions with."""
    with pytest.raises(refusals.FieldRefused) as raised:
        parse_resend(body(partition=text))

    assert refusal is type(raised.value)


@pytest.mark.parametrize("topic", ["a", "a" * 249, "A.b_c-9", "...", "__consumer_offsets"])
def test_topic_legal_in_kafka_is_taken(topic: str) -> None:
    """Every name that Kafka allows is taken; whether it is resent is another question."""
    assert topic == parse_resend(body(topic=json.dumps(topic))).topic


@pytest.mark.parametrize("topic", ["", ".", "..", "a" * 250, "a b", "a/b", "ä", "a\n", "a\x00", "\ud800"])
def test_topic_illegal_in_kafka_is_refused(topic: str) -> None:
    """A name that no topic can have never gets as far as a broker."""
    with pytest.raises(refusals.TopicNotLegal):
        parse_resend(body(topic=json.dumps(topic)))


@pytest.mark.parametrize("text", ["1", "null", "true", '["a"]'])
def test_topic_not_text_is_refused(text: str) -> None:
    """A topic is a string."""
    with pytest.raises(refusals.TopicNotText):
        parse_resend(body(topic=text))


def test_consumer_key_null_is_absent() -> None:
    """A null and no consumer_key at all are the same request."""
    assert parse_resend(body()) == parse_resend(body(consumer_key="null"))


@pytest.mark.parametrize("key", ["keyA", "ä", "日本", " ", "a b", "k" * 1024, "\N{ZERO WIDTH JOINER}", "👩‍🚀"])
def test_consumer_key_of_text_is_taken_as_it_is(key: str) -> None:
    """Nothing is trimmed or normalised."""
    assert key == parse_resend(body(consumer_key=json.dumps(key))).consumer_key


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        ("", refusals.ConsumerKeyEmpty),
        ("k" * 1025, refusals.ConsumerKeyTooLong),
        ("ä" * 513, refusals.ConsumerKeyTooLong),
        ("\ud800", refusals.ConsumerKeyNotCarriable),
        ("key\udfff", refusals.ConsumerKeyNotCarriable),
        ("keyA\n", refusals.ConsumerKeyNotCarriable),
        ("\x00", refusals.ConsumerKeyNotCarriable),
        (7, refusals.ConsumerKeyNotText),
        (["keyA"], refusals.ConsumerKeyNotText),
        (False, refusals.ConsumerKeyNotText),
    ],
)
def test_consumer_key_that_names_nobody_is_refused(key: object, refusal: type[Exception]) -> None:
    """A key that no consumer can have would resend to nobody, or crash the client library."""
    with pytest.raises(refusals.FieldRefused) as raised:
        parse_resend(body(consumer_key=json.dumps(key)))

    assert refusal is type(raised.value)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", refusals.BodyEmpty),
        (b" \r\n\t", refusals.BodyEmpty),
        (b"\xff", refusals.BodyNotUtf8),
        (EXAMPLE.decode().encode("utf-16"), refusals.BodyNotUtf8),
        (EXAMPLE.decode().encode("utf-16-le"), refusals.BodyNotJson),
        (EXAMPLE[:-1], refusals.BodyNotJson),
        (EXAMPLE + b"{}", refusals.BodyNotJson),
        (b"\xef\xbb\xbf" + EXAMPLE, refusals.BodyNotJson),
        (b"topic=a", refusals.BodyNotJson),
        (b"{'topic': 1}", refusals.BodyNotJson),
        (body(message_offset="NaN"), refusals.BodyNotJson),
        (body(message_offset="-Infinity"), refusals.BodyNotJson),
        (body(message_offset="04"), refusals.BodyNotJson),
        (b"[" * 60_000, refusals.BodyNotJson),
        (b'{"a":' * 10_000, refusals.BodyNotJson),
        (b'{"topic": "a", "topic": "a"}', refusals.FieldRepeated),
        (b'{"topic": "a", "\\u0074opic": "b"}', refusals.FieldRepeated),
        (b"[]", refusals.BodyNotObject),
        (b"null", refusals.BodyNotObject),
        (b'"topic"', refusals.BodyNotObject),
        (b"4", refusals.BodyNotObject),
        (b"{}", refusals.FieldMissing),
        (b'{"topic": "a", "partition": 0}', refusals.FieldMissing),
        (body(consumerKey='"keyA"'), refusals.FieldUnknown),
        (body(Consumer_Key='"keyA"'), refusals.FieldUnknown),
        (b'{"topic": "a", "partition": 0, "offset": 4}', refusals.FieldUnknown),
    ],
)
def test_body_as_a_whole_is_refused_with_its_own_reason(content: bytes, refusal: type[Exception]) -> None:
    """Whatever is no such object is refused, and an unknown field rather than what it leaves missing is named."""
    with pytest.raises(refusals.RequestRefused) as raised:
        parse_resend(content)

    assert refusal is type(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        body(topic=json.dumps("x" * 60_000)),
        body(**{"y" * 60_000: "1"}),
        body(consumer_key=json.dumps("k" * 60_000)),
        body(message_offset="9" * 60_000),
        body(message_offset="4." + "9" * 60_000),
        body(partition=json.dumps(["z" * 60_000])),
    ],
)
def test_refusal_of_a_huge_value_shows_it_shortened(content: bytes) -> None:
    """No answer echoes more of a value than is needed to recognise it."""
    with pytest.raises(refusals.FieldRefused) as raised:
        parse_resend(content)

    assert len(str(raised.value)) < 200


def test_response_without_a_consumer_key_does_not_name_it() -> None:
    """The response echoes consumer_key only when it was given."""
    response = ResendResponse(topic="topic-test", partition=0, message_offset=4)

    assert '{"topic":"topic-test","partition":0,"message_offset":4}' == response.model_dump_json(exclude_none=True)


@given(st.floats(min_value=0, max_value=2**53 - 1))
def test_message_offset_of_any_double_is_that_number_or_refused(number: float) -> None:
    """No double is ever taken for another whole number than the one it is."""
    try:
        parsed = parse_resend(body(message_offset=repr(number))).message_offset
    except refusals.OffsetNotWhole:
        assert not number.is_integer()
    else:
        assert parsed == number


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON)
def test_read_json_of_any_json_returns_what_it_says(content: object) -> None:
    """The strict reader agrees with the standard library wherever it does not refuse."""
    text = json.dumps(content)

    assert json.loads(text, parse_float=Decimal) == read_json(text.encode())


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | _JSON.map(lambda content: json.dumps(content).encode())
)
def test_parse_resend_of_anything_returns_a_request_or_a_refusal(content: bytes) -> None:
    """No bytes make it fail in another way."""
    try:
        parsed = parse_resend(content)
    except refusals.RequestRefused:
        return
    assert isinstance(parsed, ResendRequest)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "topic": _JSON | st.just("topic-test"),
            "partition": _JSON | st.just(0),
            "message_offset": _JSON | st.just(4),
            "consumer_key": _JSON | st.text(st.characters(), min_size=1),
            "extra": _JSON,
        },
    )
)
def test_parse_resend_of_any_fields_returns_a_request_or_a_refusal(fields: dict[str, object]) -> None:
    """Whatever the fields hold, they are taken or refused in words."""
    try:
        parsed = parse_resend(json.dumps(fields).encode())
    except refusals.RequestRefused:
        return
    echoed = (parsed.topic, parsed.partition, parsed.consumer_key)
    assert (fields["topic"], fields["partition"], fields.get("consumer_key")) == echoed
