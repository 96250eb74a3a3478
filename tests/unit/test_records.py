"""What resending does to a record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.model.copies import TimestampPolicy, copy_of
from kafka.model.errors import TimestampNotCarriable
from kafka.model.records import CONSUMER_KEY, Header, Position, Record, TimestampType

POSITION = Position("orders", 3, 42)

names = st.one_of(st.just(CONSUMER_KEY), st.text(max_size=5))
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=5)), max_size=8)
contents = st.none() | st.binary(max_size=300)


def record(
    found: list[Header] | tuple[Header, ...] = (),
    *,
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    timestamp_ms: int = 1_700_000_000_000,
    timestamp_type: TimestampType = TimestampType.CREATE_TIME,
) -> Record:
    return Record(POSITION, key, value, tuple(found), timestamp_ms, timestamp_type)


@given(headers=headers, key=contents, value=contents)
def test_copy_without_consumer_key_is_the_record_itself(
    headers: list[Header], key: bytes | None, value: bytes | None
) -> None:
    """Without a consumer_key nothing changes, an earlier consumer_key header included."""
    copy = copy_of(record(headers, key=key, value=value), None, TimestampPolicy.ORIGINAL)
    assert (copy.key, copy.value, copy.headers, copy.timestamp_ms) == (key, value, tuple(headers), 1_700_000_000_000)


@given(headers=headers, consumer_key=st.text(min_size=1, max_size=10))
def test_copy_with_consumer_key_names_it_once_and_last(headers: list[Header], consumer_key: str) -> None:
    """All earlier consumer_key headers are gone, the new one stands last, the others keep their order."""
    copy = copy_of(record(headers), consumer_key, TimestampPolicy.ORIGINAL)
    others = tuple(header for header in headers if header[0] != CONSUMER_KEY)
    assert copy.headers == (*others, (CONSUMER_KEY, consumer_key.encode()))


@pytest.mark.parametrize("timestamp_ms", [0, -1, -5])
def test_copy_of_a_timestamp_that_the_client_library_replaces_is_refused(timestamp_ms: int) -> None:
    """A timestamp that would be written as another one is refused, not bent."""
    with pytest.raises(TimestampNotCarriable) as refused:
        copy_of(record(timestamp_ms=timestamp_ms), None, TimestampPolicy.ORIGINAL)
    assert refused.value.timestamp_ms == timestamp_ms


def test_copy_of_a_record_without_timestamp_is_refused() -> None:
    """A record that has no timestamp cannot be copied as it is."""
    with pytest.raises(TimestampNotCarriable):
        copy_of(record(timestamp_type=TimestampType.NOT_AVAILABLE), None, TimestampPolicy.ORIGINAL)


def test_copy_under_policy_now_has_no_timestamp_of_its_own() -> None:
    """With the policy now any record can be copied, and the present is left to the client library."""
    assert copy_of(record(timestamp_ms=0), None, TimestampPolicy.NOW).timestamp_ms is None


def test_record_repr_hides_the_content() -> None:
    """What reaches a log or a traceback names the position and nothing of the content."""
    shown = repr(record([("secret", b"secret")], key=b"secret", value=b"secret"))
    assert shown == "<Record orders/3@42>"


@pytest.mark.parametrize(
    ("key", "value", "found", "expected"),
    [
        # 61 bytes of batch header, a byte of record length, 3 bytes, two nulls of a byte each, no headers in a byte.
        (None, None, (), 61 + 1 + 3 + 1 + 1 + 1),
        (b"", b"", (), 61 + 1 + 3 + 1 + 1 + 1),
        (b"k", b"v", (("h", None),), 61 + 1 + 3 + 2 + 2 + 1 + 2 + 1),
        # From 64 bytes on a zig-zag varint takes two.
        (None, b"v" * 63, (), 61 + 2 + 3 + 1 + 1 + 63 + 1),
        (None, b"v" * 64, (), 61 + 2 + 3 + 1 + 2 + 64 + 1),
    ],
)
def test_copy_size_is_that_of_a_batch_of_its_own(
    key: bytes | None, value: bytes | None, found: tuple[Header, ...], expected: int
) -> None:
    """The size counts what record batch format v2 takes for one record."""
    copy = copy_of(record(found, key=key, value=value), None, TimestampPolicy.ORIGINAL)
    assert copy.size_bytes == expected
