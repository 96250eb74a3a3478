"""Cursors: what comes back is what was given, and nothing else passes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from kafka.filter.conditions import Filter
from kafka.model.records import OffsetRange
from kafka.search.selection import Continuation, Selection
from service.http.cursors import Cursors, cursor_key
from service.http.refusals import CursorRefused
from service.settings.model import load_settings

CURSORS = Cursors(b"a key")
SELECTION = Selection("orders", times_ms=(0, 10))
REST = Continuation(
    "a-topic-id", ((OffsetRange(0, 5, 9), OffsetRange(3, 0, 1)), (OffsetRange(1, 7, 2**63 - 1),)), 2, 30
)


@st.composite
def stages(draw: st.DrawFn) -> tuple[OffsetRange, ...]:
    """Draw a stage, at most one span for each partition."""
    partitions = sorted(draw(st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=20)))
    spans = []
    for partition in partitions:
        start = draw(st.integers(0, 2**63 - 2))
        spans.append(OffsetRange(partition, start, draw(st.integers(start + 1, 2**63 - 1))))
    return tuple(spans)


@given(st.lists(stages(), min_size=1, max_size=2), st.integers(0, 10_000), st.integers(0, 2**62), st.text(max_size=10))
def test_cursor_comes_back_as_the_rest_that_it_was_made_of(
    left: list[tuple[OffsetRange, ...]], skip: int, passed: int, topic_id: str
) -> None:
    """Any rest survives the way through an address, in characters that need no escape there."""
    rest = Continuation(topic_id, tuple(left), skip, passed)
    text = CURSORS.cursor(SELECTION, rest)

    assert text.replace("-", "").replace("_", "").isalnum()
    assert rest == CURSORS.rest(SELECTION, text, 10_000)


@pytest.mark.parametrize(
    "other",
    [
        Selection("order", times_ms=(0, 10)),
        Selection("orders", times_ms=(0, 11)),
        Selection("orders", times_ms=(0, 10), ascending=False),
        Selection("orders", times_ms=(0, 10), filter=Filter(key="a")),
        Selection("orders", 0, times_ms=(0, 10)),
        Selection("orders", times_ms=(0, 10), position=(0, 1)),
        Selection("orders"),
    ],
)
def test_cursor_of_another_search_is_refused(other: Selection) -> None:
    """It would continue at places that mean nothing there."""
    with pytest.raises(CursorRefused):
        CURSORS.rest(other, CURSORS.cursor(SELECTION, REST), 10_000)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused(text: str) -> None:
    """Garbage is no cursor and no traceback."""
    with pytest.raises(CursorRefused):
        CURSORS.rest(SELECTION, text, 10_000)


@pytest.mark.parametrize(
    "rest",
    [
        [],
        ["id", 2, 30],
        ["id", 2, 30, []],
        ["id", 2, 30, [[]]],
        ["id", 2, 30, [[[0, 5, 9]]], 1],
        ["id", 2, 30, [[[0, 5, 9]]] * 3],
        ["x" * 65, 2, 30, [[[0, 5, 9]]]],
        ["id", -1, 30, [[[0, 5, 9]]]],
        ["id", 2, 30, [[[0, 5, 5]]]],
        ["id", 2, 30, [[[0, 5, 2**63]]]],
        ["id", 2, 30, [[[2**31, 5, 9]]]],
        ["id", 2, 30, [[[0, 5.0, 9]]]],
        ["id", 2, 30, [[[0, 5, 9, 1]]]],
        ["id", 2, 30, [[[0, 5, 9], [0, 20, 30]]]],
        ["id", 2, 30, [[[1, 5, 9], [0, 5, 9]]]],
    ],
)
def test_cursor_with_the_right_code_and_another_content_is_refused(rest: object) -> None:
    """Where no secret is set the key can be known: also then nothing passes that no search can leave."""

    def signed(content: object) -> str:
        prefix = base64.urlsafe_b64decode(CURSORS.cursor(SELECTION, REST)[:12])
        packed = prefix + msgpack.encode(content)
        return base64.urlsafe_b64encode(packed + CURSORS._code(packed)).decode().rstrip("=")

    assert CURSORS.rest(SELECTION, signed(["id", 2, 30, [[[0, 5, 9]]]]), 10).skip == 2
    with pytest.raises(CursorRefused):
        CURSORS.rest(SELECTION, signed(rest), 10)


def flipped(text: str) -> list[str]:
    """Return a cursor with each single bit of it flipped."""
    packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return [
        base64.urlsafe_b64encode(packed[:place] + bytes([packed[place] ^ 1 << bit]) + packed[place + 1 :])
        .decode()
        .rstrip("=")
        for place in range(len(packed))
        for bit in range(8)
    ]


def test_cursor_with_any_bit_flipped_is_refused() -> None:
    """Nothing in it can be changed by anybody else: not where it continues, nor of what topic, nor the code."""
    changed = flipped(CURSORS.cursor(SELECTION, REST))
    for text in changed:
        with pytest.raises(CursorRefused):
            CURSORS.rest(SELECTION, text, 10_000)

    assert len(changed) > 300


@given(st.data())
def test_cursor_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    """Whatever bytes are changed, left out or added."""
    text = CURSORS.cursor(SELECTION, REST)
    packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    start = data.draw(st.integers(0, len(packed)))
    end = data.draw(st.integers(start, len(packed)))
    changed = packed[:start] + data.draw(st.binary(max_size=10)) + packed[end:]
    other = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    if other != text:
        with pytest.raises(CursorRefused):
            CURSORS.rest(SELECTION, other, 10_000)


def test_cursor_of_a_service_with_another_key_is_refused_and_of_one_with_the_same_settings_is_not() -> None:
    """Processes, replicas and restarts share what is made of the settings; others cannot make it."""
    digest = {"RESEND_AUTH__TOKEN_DIGEST": "ab" * 32, "RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:1"}
    password = {"RESEND_KAFKA__PROPERTIES__SASL_PASSWORD": "secret"}
    key = {"RESEND_QUERY__CURSOR_KEY": "0123456789abcdef"}
    settings = [
        digest,
        digest | {"RESEND_AUTH__TOKEN_DIGEST": "cd" * 32},
        digest | password,
        digest | key,
        digest | {"RESEND_QUERY__CURSOR_KEY": "another-key-of-it"},
    ]
    keys = [cursor_key(load_settings(each)) for each in settings]
    same = cursor_key(load_settings(digest | key | password | {"RESEND_KAFKA__PROPERTIES__CLIENT_ID": "second"}))

    assert len(settings) == len(set(keys))
    assert keys[3] == same
    assert "0123456789abcdef" not in repr(load_settings(digest | key))
    with pytest.raises(CursorRefused):
        Cursors(keys[0]).rest(SELECTION, Cursors(keys[1]).cursor(SELECTION, REST), 10_000)
    assert REST == Cursors(keys[0]).rest(
        SELECTION, Cursors(cursor_key(load_settings(digest))).cursor(SELECTION, REST), 10_000
    )


@pytest.mark.parametrize("change", [lambda text: text + "A", lambda text: text[:-1], lambda text: text + "="])
def test_cursor_that_is_longer_or_shorter_is_refused(change: object) -> None:
    """A cursor that was cut off on its way is told, not taken for another."""
    assert callable(change)
    with pytest.raises(CursorRefused):
        CURSORS.rest(SELECTION, change(CURSORS.cursor(SELECTION, REST)), 10_000)


def test_cursor_that_skips_more_than_a_request_may_is_refused() -> None:
    """The bound on what is left out holds for cursors as well."""
    with pytest.raises(CursorRefused):
        CURSORS.rest(SELECTION, CURSORS.cursor(SELECTION, Continuation("", REST.stages, 10_001, 0)), 10_000)
