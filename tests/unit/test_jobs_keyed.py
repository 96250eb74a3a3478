"""What the store keeps of requests with an Idempotency-Key: written down and read again, and compacted."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka import errors
from kafka.errors import NothingWritten
from kafka.jobs.errors import SourceReplaced
from kafka.jobs.keyed import (
    KEYED_KINDS,
    Answer,
    Key,
    KeyedResend,
    KeyedTable,
    decode_answer,
    decode_resend,
    digest_of,
    encode_answer,
    encode_resend,
)
from kafka.jobs.plan import PlanNotUnderstood, partition_of
from kafka.jobs.progress import fold
from kafka.records import Position
from kafka.resend import Resent

KEY_ID = "3-" + "ab" * 12
POSITION = Position("topic", 2, 7)
ASKED = KeyedResend(KEY_ID, "i", POSITION, "id", None, digest_of(1), 5)
REFUSALS: list[NothingWritten] = [
    errors.TopicMissing("topic"),
    errors.PartitionMissing("topic", 2, 1),
    errors.OffsetExpired(POSITION, 9),
    errors.OffsetAtEnd(POSITION),
    errors.OffsetBeyondEnd(POSITION, 6),
    errors.NoRecordAtOffset(POSITION, "aborted"),
    errors.TransactionOpen(POSITION, 5),
    errors.RecordDamaged(POSITION),
    errors.InternalTopic("topic"),
    errors.CompactedTopic("topic"),
    errors.TopicNotAllowed("topic"),
    errors.InstanceFrozen(),
    errors.HeaderNameNotUtf8(POSITION),
    errors.TimestampNotCarriable(POSITION, 0),
    errors.CopyTooLarge(POSITION, None, 5, "max.message.bytes of the topic"),
    errors.CopyTooOld(POSITION, 1, 2, "retention.ms"),
    errors.CopyTooNew(POSITION, 1, 2),
    errors.CopyRejected(POSITION, "INVALID_RECORD"),
    errors.AccessDenied("Write", "topic 'topic'"),
    SourceReplaced("topic"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_refusal_is_told_again_in_the_same_words(refusal: NothingWritten) -> None:
    """Kind and facts survive being written down; the position is that of whoever asks again."""
    found = decode_answer(encode_answer(Answer("d", 5, refusal)), POSITION)

    assert (type(refusal), str(refusal)) == (type(found.outcome), str(found.outcome))


def test_every_final_refusal_is_among_those_that_are_written_down() -> None:
    """A kind that is added must be told again, too."""

    def leaves(kind: type[Exception]) -> set[type[Exception]]:
        below = [found for found in kind.__subclasses__() if found.__module__ == kind.__module__]
        return set().union(*map(leaves, below)) if below else {kind}

    final = leaves(NothingWritten) - leaves(errors.ClusterUnavailable) - leaves(errors.QueryRefused)
    assert final - {errors.DeadlineExceeded} == {type(refusal) for refusal in REFUSALS} - {SourceReplaced}


@pytest.mark.parametrize("offset", [None, 12])
def test_copy_is_told_again(offset: int | None) -> None:
    """Where it stands, if that is known, and whose time it has."""
    answer = Answer("d", 5, Resent(POSITION, 2, offset, "now"))

    assert answer == decode_answer(encode_answer(answer), POSITION)


@given(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(0, 2**63 - 1))
def test_resend_survives_being_written_down(consumer_key: str | None, offset: int) -> None:
    """All of it."""
    asked = KeyedResend(KEY_ID, "i", Position("topic", 2, offset), "id", consumer_key, "d", 5)

    assert asked == decode_resend(KEY_ID, encode_resend(asked))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"format": 2}', encode_resend(ASKED).replace(b'"topic"', b"1"), b'{"more": 1,' * 9],
)
def test_what_another_version_has_written_is_not_understood(content: bytes) -> None:
    """It is left alone: no guess, and no unexpected error again and again."""
    with pytest.raises(PlanNotUnderstood):
        decode_resend(KEY_ID, content)
    with pytest.raises(PlanNotUnderstood):
        decode_answer(content, POSITION)


def test_version_without_keys_leaves_them_alone() -> None:
    """Records of a kind that a worker does not know make a job that cannot be run, and that is not removed."""
    for kind in KEYED_KINDS:
        job = fold(None, KEY_ID, f"later-{kind}", encode_resend(ASKED))
        assert job is not None
        assert (False, None) == (job.runnable, job.plan)
        assert job.not_understood is not None


def test_id_depends_on_all_that_a_key_belongs_to() -> None:
    """The same key of another project, instance or caller, or sent to another call, is another key."""
    key = Key("p", "i", "me", "key", "d")
    others = [
        Key("q", "i", "me", "key", "d"),
        Key("p", "j", "me", "key", "d"),
        Key("p", "i", "you", "key", "d"),
        Key("p", "i", "me", "key2", "d"),
        Key("p", "i", 'me","key', "", "d"),
    ]
    ids = {key.id("resend", 8), key.id("job", 8), *(other.id("resend", 8) for other in others)}

    assert 7 == len(ids)
    assert key.id("resend", 8) == Key("p", "i", "me", "key", "other").id("resend", 8)
    assert all(partition_of(found) < 8 for found in ids)


def test_digest_leaves_the_order_of_fields_out() -> None:
    """A client that writes the same fields in another order asks the same."""
    assert digest_of({"a": 1, "b": [None, "ü"]}) == digest_of({"b": [None, "ü"], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})


def answer_of(digest: str) -> bytes:
    return encode_answer(Answer(digest, 5, Resent(POSITION, 2, 7, "now")))


def asked_with(digest: str) -> bytes:
    return encode_resend(KeyedResend(KEY_ID, "i", POSITION, "id", None, digest, 5))


def test_first_request_counts_until_its_answer_does() -> None:
    """One that came at the same time changes nothing, before the answer or after it."""
    table = KeyedTable()
    table.take(KEY_ID, "resend", asked_with("first"))
    table.take(KEY_ID, "resend", asked_with("second"))
    asked = table.asked(KEY_ID)
    assert asked is not None
    assert "first" == asked.digest
    for kind, value in (("resend", None), ("answer", answer_of("first")), ("resend", asked_with("third"))):
        table.take(KEY_ID, kind, value)
    assert (None, []) == (table.asked(KEY_ID), table.open())
    answer = table.answer(KEY_ID, POSITION)
    assert answer is not None
    assert "first" == answer.digest
    for kind in KEYED_KINDS:
        table.take(KEY_ID, kind, None)
    assert (None, []) == (table.asked(KEY_ID), table.older_than(2**62, 10))


kept = st.sampled_from(
    [("resend", asked_with("a")), ("resend", asked_with("b")), ("resend", None), ("answer", answer_of("a"))]
)


@given(st.lists(kept, max_size=8))
def test_compaction_changes_no_answer(entries: list[tuple[str, bytes | None]]) -> None:
    """Once there is an answer, the last record of each kind says all that all of them say."""
    entries = [*entries, ("answer", answer_of("a"))]
    whole, compacted = KeyedTable(), KeyedTable()
    latest: dict[str, tuple[int, bytes | None]] = {}
    for number, (kind, value) in enumerate(entries):
        whole.take(KEY_ID, kind, value)
        latest[kind] = number, value
    for kind, (_, value) in sorted(latest.items(), key=lambda item: item[1][0]):
        compacted.take(KEY_ID, kind, value)

    def told(table: KeyedTable) -> tuple[Any, ...]:
        return table.open(), table.answer(KEY_ID, POSITION)

    assert told(whole) == told(compacted)


def test_old_ones_are_found_oldest_first() -> None:
    """Answers and what has none; what does not say how old it is stays."""
    table = KeyedTable()
    for number in range(5):
        answer = Answer("d", number, Resent(POSITION, 2, 7, "now"))
        table.take(f"0-{number:024x}", "answer", encode_answer(answer))
    table.take(KEY_ID, "resend", encode_resend(ASKED))
    assert [f"0-{number:024x}" for number in range(3)] == table.older_than(3, 10)
    assert [f"0-{number:024x}" for number in range(2)] == table.older_than(3, 2)
    assert KEY_ID in table.older_than(6, 10)
    newer = KeyedTable()
    newer.take(KEY_ID, "resend", b'{"format": 2}')
    assert [] == newer.older_than(2**62, 10)


def test_key_takes_little_memory() -> None:
    """What docs/idempotency.md says of it."""
    table = KeyedTable()
    tracemalloc.start()
    try:
        for number in range(10_000):
            answer = Answer("ab" * 16, 1_767_225_600_000, Resent(POSITION, 2, number, "original"))
            table.take(f"0-{number:024x}", "answer", encode_answer(answer))
        assert tracemalloc.get_traced_memory()[0] / 10_000 < 350
    finally:
        tracemalloc.stop()
