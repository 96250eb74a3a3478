"""Cursors: what comes back is what was given, and nothing else passes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.query import Rest, Selection
from kafka.records import Span
from service.cursors import cursor_of, rest_of
from service.refusals import CursorRefused

SELECTION = Selection("orders", times_ms=(0, 10))
REST = Rest("a-topic-id", ((Span(0, 5, 9), Span(3, 0, 1)), (Span(1, 7, 2**63 - 1),)), 2, 30)


@st.composite
def stages(draw: st.DrawFn) -> tuple[Span, ...]:
    """Draw a stage, at most one span for each partition."""
    partitions = sorted(draw(st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=20)))
    spans = []
    for partition in partitions:
        start = draw(st.integers(0, 2**63 - 2))
        spans.append(Span(partition, start, draw(st.integers(start + 1, 2**63 - 1))))
    return tuple(spans)


@given(st.lists(stages(), min_size=1, max_size=2), st.integers(0, 10_000), st.integers(0, 2**62), st.text(max_size=10))
def test_cursor_comes_back_as_the_rest_that_it_was_made_of(
    left: list[tuple[Span, ...]], skip: int, passed: int, topic_id: str
) -> None:
    """Any rest survives the way through an address, in characters that need no escape there."""
    rest = Rest(topic_id, tuple(left), skip, passed)
    text = cursor_of(SELECTION, rest)

    assert text.replace("-", "").replace("_", "").isalnum()
    assert rest == rest_of(SELECTION, text, 10_000)


@pytest.mark.parametrize(
    "other",
    [
        Selection("order", times_ms=(0, 10)),
        Selection("orders", times_ms=(0, 11)),
        Selection("orders", times_ms=(0, 10), ascending=False),
        Selection("orders", times_ms=(0, 10), key=b"a"),
        Selection("orders", 0, times_ms=(0, 10)),
        Selection("orders", times_ms=(0, 10), position=(0, 1)),
        Selection("orders"),
    ],
)
def test_cursor_of_another_search_is_refused(other: Selection) -> None:
    """It would go on at places that mean nothing there."""
    with pytest.raises(CursorRefused):
        rest_of(other, cursor_of(SELECTION, REST), 10_000)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused(text: str) -> None:
    """Garbage is no cursor and no traceback."""
    with pytest.raises(CursorRefused):
        rest_of(SELECTION, text, 10_000)


@given(st.data())
def test_cursor_that_was_tampered_with_is_refused_or_within_bounds(data: st.DataObject) -> None:
    """A changed byte never leads outside of what offsets and partitions can be."""
    packed = bytearray(base64.urlsafe_b64decode(cursor_of(SELECTION, REST) + "=="))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    try:
        rest = rest_of(SELECTION, text, 10_000)
    except CursorRefused:
        return
    for stage in rest.stages:
        assert sorted({span.partition for span in stage}) == [span.partition for span in stage]
        assert all(0 <= span.start < span.end <= 2**63 - 1 and span.partition < 2**31 for span in stage)


@pytest.mark.parametrize("change", [lambda text: text + "A", lambda text: text[:-1], lambda text: text + "="])
def test_cursor_that_is_longer_or_shorter_is_refused(change: object) -> None:
    """A cursor that was cut off on its way is told, not taken for another."""
    assert callable(change)
    with pytest.raises(CursorRefused):
        rest_of(SELECTION, change(cursor_of(SELECTION, REST)), 10_000)


def test_cursor_that_skips_more_than_a_request_may_is_refused() -> None:
    """The bound on what is left out holds for cursors as well."""
    with pytest.raises(CursorRefused):
        rest_of(SELECTION, cursor_of(SELECTION, Rest("", REST.stages, 10_001, 0)), 10_000)
