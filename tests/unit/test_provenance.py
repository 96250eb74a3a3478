"""Headers that say what a copy is a copy of, and how often it was resent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.model.provenance import NAMES, resend_count, with_provenance
from kafka.model.records import Header, Position

ORIGIN = Position("orders", 3, 42)
OWN: tuple[Header, ...] = (
    ("resend.origin", b"orders/3@42"),
    ("resend.count", b"2"),
    ("resend.job", b"0-a"),
    ("resend.at", b"5"),
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), OWN),
        ((("a", b"1"), ("a", None)), (("a", b"1"), ("a", None), *OWN)),
        ((("a", b"1"), ("consumer_key", b"x")), (("a", b"1"), *OWN, ("consumer_key", b"x"))),
        ((("consumer_key", b"x"), ("a", b"1")), (("consumer_key", b"x"), ("a", b"1"), *OWN)),
        ((("resend.count", b"1"), ("a", b"1"), ("resend.at", None)), (("a", b"1"), *OWN)),
    ],
)
def test_headers_replace_earlier_ones_and_leave_the_recipient_last(
    before: tuple[Header, ...], after: tuple[Header, ...]
) -> None:
    """All others stay, in their order."""
    assert with_provenance(before, ORIGIN, 2, "0-a", 5) == after


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([], 0),
        ([b"7"], 7),
        ([b"1", b"2"], 2),
        ([b"2", b"x"], 0),
        ([None], 0),
        ([b""], 0),
        ([b"-1"], 0),
        ([b"9" * 9], 999_999_999),
        ([b"9" * 10], 0),
        ([b"9" * 100_000], 0),
        ([b" 1"], 0),
        (["\u0661".encode()], 0),
    ],
)
def test_count_is_that_of_the_last_header_or_nothing(values: list[bytes | None], count: int) -> None:
    """Anyone may have written it: what is no number counts as none."""
    assert resend_count([("resend.count", value) for value in values]) == count


@given(st.lists(st.tuples(st.sampled_from([*NAMES, "a", "consumer_key"]), st.none() | st.binary(max_size=4))))
def test_count_goes_up_by_one_each_time_whatever_was_there(headers: list[Header]) -> None:
    """And the headers of others are those that were there."""
    marked = with_provenance(tuple(headers), ORIGIN, resend_count(headers) + 1, "0-a", 5)

    assert resend_count(marked) == resend_count(headers) + 1
    assert [header for header in marked if header[0] not in NAMES] == [
        header for header in headers if header[0] not in NAMES
    ]
