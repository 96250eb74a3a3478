"""What the query of a search means, and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.filter.conditions import Filter
from kafka.model.records import Position
from kafka.search.selection import Paging, Selection
from service.api.messages import PARAMETERS, Asked, parse_query
from service.api.parameters import Parameters
from service.http import refusals


def asked_by(query: bytes) -> Asked:
    return parse_query(Parameters(query, PARAMETERS))


@pytest.mark.parametrize(
    ("query", "selection"),
    [
        (b"topic=a", Selection("a", ascending=False)),
        (b"topic=a&asc=true", Selection("a")),
        (b"topic=a&partition=3", Selection("a", 3, ascending=False)),
        (b"topic=a&start_time=1&end_time=2", Selection("a", times_ms=(1, 2))),
        (b"topic=a&start_time=1&end_time=2&asc=false", Selection("a", times_ms=(1, 2), ascending=False)),
        (b"topic=a&partition=1&start_offset=5", Selection("a", 1, offsets=(5, None))),
        (b"topic=a&partition=1&start_offset=5&end_offset=6", Selection("a", 1, offsets=(5, 6))),
        (b"topic=a&start_time=1&end_time=2&partition=1&message_offset=4", Selection("a", 1, (1, 2))),
        (b"topic=a&start_time=1&end_time=2&partition=1&start_offset=4", Selection("a", 1, (1, 2))),
        (b"topic=a&key=%C3%A9+%2B", Selection("a", ascending=False, filter=Filter(key="é +", include_resent=True))),
        (b"topic=a&message_id=3-17", Selection("a", ascending=False, position=(3, 17))),
        (b"topic=a&key=&partition=&asc=&tag=&cursor=", Selection("a", ascending=False)),
    ],
)
def test_query_is_read_as_the_selection_that_it_means(query: bytes, selection: Selection) -> None:
    """By time goes first, then by position, then from an offset on, else the newest; an empty value is none."""
    asked = asked_by(query)

    assert selection == asked.selection
    assert asked.position is None
    assert Paging(100) == asked.paging


def test_query_by_position_names_one_record() -> None:
    """Partition and offset without times mean one record, whatever else is there."""
    asked = asked_by(b"topic=a&partition=1&message_offset=4&start_offset=2&download=true")

    assert Position("a", 1, 4) == asked.position
    assert asked.download


def test_query_with_paging_has_it() -> None:
    """A preview in characters is fetched as the most bytes that these characters can have."""
    asked = asked_by(b"topic=a&limit=7&offset=8&preview=9&cursor=xyz")

    assert (Paging(7, 8, 36), 9, "xyz") == (asked.paging, asked.preview, asked.cursor)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        (b"", refusals.ParameterMissing),
        (b"partition=1", refusals.ParameterMissing),
        (b"topic=", refusals.ParameterMissing),
        (b"topic=a/b", refusals.TopicNotLegal),
        (b"topic=..", refusals.TopicNotLegal),
        (b"topic=a&Topic=b", refusals.ParameterUnknown),
        (b"topic=a&starttime=1", refusals.ParameterUnknown),
        (b"topic=a&", None),
        (b"topic=a&topic=a", refusals.ParameterRepeated),
        (b"topic=a&key=&key=b", refusals.ParameterRepeated),
        (b"topic=a&key=%ff", refusals.QueryNotText),
        (b"topic=a&key=\xc3\xa9", refusals.QueryNotText),
        (b"topic=a&" + b"&".join(b"x%d=1" % number for number in range(101)), refusals.QueryNotText),
        (b"topic=a&partition=-1", refusals.ParameterNotWhole),
        (b"topic=a&partition=1.0", refusals.ParameterNotWhole),
        (b"topic=a&partition=%D9%A1", refusals.ParameterNotWhole),
        (b"topic=a&partition=2147483648", refusals.ParameterNotWhole),
        (b"topic=a&limit=0", refusals.ParameterNotWhole),
        (b"topic=a&limit=1001", refusals.ParameterNotWhole),
        (b"topic=a&offset=10001", refusals.ParameterNotWhole),
        (b"topic=a&preview=201", refusals.ParameterNotWhole),
        (b"topic=a&partition=0&message_offset=9223372036854775808", refusals.ParameterNotWhole),
        (b"topic=a&asc=True", refusals.ParameterNotChoice),
        (b"topic=a&download=1", refusals.ParameterNotChoice),
        (b"topic=a&download=true", refusals.DownloadRefused),
        (b"topic=a&message_offset=1", refusals.ParameterMissing),
        (b"topic=a&start_offset=1", refusals.ParameterMissing),
        (b"topic=a&partition=0&end_offset=1", refusals.RangeRefused),
        (b"topic=a&partition=0&start_offset=1&end_offset=1", refusals.RangeRefused),
        (b"topic=a&start_time=1", refusals.RangeRefused),
        (b"topic=a&end_time=1", refusals.RangeRefused),
        (b"topic=a&start_time=2&end_time=2", refusals.RangeRefused),
        (b"topic=a&start_time=2000-01-01&end_time=2", refusals.ParameterNotWhole),
        (b"topic=a&tag=x", refusals.TagRefused),
        (b"topic=a&message_id=3", refusals.MessageIdNotLegal),
        (b"topic=a&message_id=3-9223372036854775807", refusals.MessageIdNotLegal),
    ],
)
def test_query_that_means_nothing_is_refused(query: bytes, refusal: type[Exception] | None) -> None:
    """Each thing that can be wrong has an error of its own; a stray & is nothing wrong."""
    if refusal is None:
        asked_by(query)
        return
    with pytest.raises(refusal):
        asked_by(query)


@given(st.binary(max_size=60))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    """Nothing that can stand in an address is an error that is unexpected."""
    with contextlib.suppress(refusals.RequestRefused):
        asked_by(b"topic=a&" + query)
