"""What the store keeps of requests with an Idempotency-Key: written down and read again, and compacted."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.filter.errors import ExpressionRefused
from kafka.jobs.errors import JobRefused
from kafka.jobs.idempotency.requests import (
    IDEMPOTENCY_KINDS,
    Answer,
    IdempotencyTable,
    IdempotentResend,
    Key,
    decode_answer,
    decode_resend,
    digest_of,
    encode_answer,
    encode_resend,
)
from kafka.jobs.job import fold
from kafka.jobs.plan import partition_of
from kafka.jobs.stored import UnsupportedFormat
from kafka.jobs.worker.marks import ResentTooOften
from kafka.jobs.worker.targets import TargetNotGranted
from kafka.model import errors
from kafka.model.errors import NothingWritten
from kafka.model.records import Position
from kafka.redrive.known import DialectRefused
from kafka.redrive.origin import OriginUnclear
from kafka.resend.service import Resent

KEY_ID = "3-" + "ab" * 12
POSITION = Position("topic", 2, 7)
ASKED = IdempotentResend(KEY_ID, "i", POSITION, "id", None, digest_of(1), 5)
REFUSALS: list[NothingWritten] = [
    errors.TopicMissing("topic"),
    errors.PartitionMissing("topic", 2, 1),
    errors.OffsetExpired(POSITION, 9),
    errors.OffsetAtEnd(POSITION),
    errors.OffsetBeyondEnd(POSITION, 6),
    errors.NoRecordAtOffset(POSITION, "aborted"),
    errors.TransactionOpen(POSITION, 5),
    errors.RecordDamaged(POSITION),
    errors.TopicReplaced("topic"),
    errors.InternalTopic("topic"),
    errors.CompactedTopic("topic"),
    errors.TopicNotAllowed("topic"),
    errors.InstanceReadOnly(),
    errors.HeaderNameNotUtf8(POSITION),
    errors.TimestampNotCarriable(POSITION, 0),
    errors.CopyTooLarge(POSITION, None, 5, "max.message.bytes of the topic"),
    errors.CopyTooOld(POSITION, 1, 2, "retention.ms"),
    errors.CopyTooNew(POSITION, 1, 2),
    errors.CopyRejected(POSITION, "INVALID_RECORD"),
    errors.RecipientNotAllowed("billing"),
    errors.AccessDenied("Write", "topic 'topic'"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_refusal_is_told_again_in_the_same_words(refusal: NothingWritten) -> None:
    """Kind and facts survive being written down; the position is that of the repeated request."""
    found = decode_answer(encode_answer(Answer("d", 5, refusal)), POSITION)

    assert (type(refusal), str(refusal)) == (type(found.outcome), str(found.outcome))


STORED_CODES = [
    "access_denied",
    "compacted_topic",
    "copy_rejected",
    "copy_too_large",
    "copy_too_new",
    "copy_too_old",
    "header_name_not_utf8",
    "instance_read_only",
    "internal_topic",
    "no_record_at_offset",
    "offset_at_end",
    "offset_beyond_end",
    "offset_expired",
    "partition_missing",
    "recipient_not_allowed",
    "record_damaged",
    "timestamp_not_carriable",
    "topic_missing",
    "topic_not_allowed",
    "topic_replaced",
    "transaction_open",
]


def test_stored_codes_do_not_change() -> None:
    """A kept answer names its error by these: the classes may be renamed."""
    assert STORED_CODES == sorted(str(refusal.code) for refusal in REFUSALS)
    assert [type(refusal) for refusal in REFUSALS] == [
        NothingWritten.of_code(str(refusal.code)) for refusal in REFUSALS
    ]


def test_every_final_refusal_is_among_those_that_are_written_down() -> None:
    """A kind that is added has a code of its own; what is worth another try, or is no resend's, has none."""

    def leaves(kind: type[NothingWritten]) -> set[type[NothingWritten]]:
        below = [found for found in kind.__subclasses__() if found.__module__.startswith("kafka.")]
        return set().union(*map(leaves, below)) if below else {kind}

    elsewhere = (errors.ClusterUnavailable, errors.DeadlineExceeded, errors.QueryRefused, ExpressionRefused, JobRefused)
    jobs_only = {OriginUnclear, TargetNotGranted, DialectRefused, ResentTooOften}
    final = {kind for kind in leaves(NothingWritten) if not issubclass(kind, elsewhere) and kind.__name__[0] != "_"}

    assert final - jobs_only == {type(refusal) for refusal in REFUSALS}
    assert {kind for kind in leaves(NothingWritten) if kind.code is not None} == final - jobs_only


def test_code_belongs_to_one_kind() -> None:
    """A second kind under the same code would be taken for the first."""
    with pytest.raises(TypeError):
        type("Another", (NothingWritten,), {}, code="topic_missing")


@pytest.mark.parametrize("offset", [None, 12])
def test_copy_is_told_again(offset: int | None) -> None:
    """Where it stands, if that is known, and whose time it has."""
    answer = Answer("d", 5, Resent(POSITION, 2, offset, "now"))

    assert answer == decode_answer(encode_answer(answer), POSITION)


@given(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(0, 2**63 - 1))
def test_resend_survives_being_written_down(consumer_key: str | None, offset: int) -> None:
    """All of it."""
    asked = IdempotentResend(KEY_ID, "i", Position("topic", 2, offset), "id", consumer_key, "d", 5)

    assert asked == decode_resend(KEY_ID, encode_resend(asked))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"format": 2}', encode_resend(ASKED).replace(b'"topic"', b"1"), b'{"more": 1,' * 9],
)
def test_what_another_version_has_written_is_not_understood(content: bytes) -> None:
    """It is left alone: no guess, and no unexpected error again and again."""
    with pytest.raises(UnsupportedFormat):
        decode_resend(KEY_ID, content)
    with pytest.raises(UnsupportedFormat):
        decode_answer(content, POSITION)


def test_version_without_keys_leaves_them_alone() -> None:
    """Records of a kind that a worker does not know make a job that cannot be run, and that is not removed."""
    for kind in IDEMPOTENCY_KINDS:
        job = fold(None, KEY_ID, f"later-{kind}", encode_resend(ASKED))
        assert job is not None
        assert (False, None) == (job.runnable, job.plan)
        assert job.unsupported_reason is not None


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
    return encode_resend(IdempotentResend(KEY_ID, "i", POSITION, "id", None, digest, 5))


def test_first_request_counts_until_its_answer_does() -> None:
    """One that came at the same time changes nothing, before the answer or after it."""
    table = IdempotencyTable()
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
    for kind in IDEMPOTENCY_KINDS:
        table.take(KEY_ID, kind, None)
    assert (None, []) == (table.asked(KEY_ID), table.older_than(2**62, 10))


kept = st.sampled_from(
    [("resend", asked_with("a")), ("resend", asked_with("b")), ("resend", None), ("answer", answer_of("a"))]
)


@given(st.lists(kept, max_size=8))
def test_compaction_changes_no_answer(entries: list[tuple[str, bytes | None]]) -> None:
    """Once there is an answer, the last record of each kind says all that all of them say."""
    entries = [*entries, ("answer", answer_of("a"))]
    whole, compacted = IdempotencyTable(), IdempotencyTable()
    latest: dict[str, tuple[int, bytes | None]] = {}
    for number, (kind, value) in enumerate(entries):
        whole.take(KEY_ID, kind, value)
        latest[kind] = number, value
    for kind, (_, value) in sorted(latest.items(), key=lambda item: item[1][0]):
        compacted.take(KEY_ID, kind, value)

    def told(table: IdempotencyTable) -> tuple[Any, ...]:
        return table.open(), table.answer(KEY_ID, POSITION)

    assert told(whole) == told(compacted)


def test_old_ones_are_found_oldest_first() -> None:
    """Answers and what has none; what does not say how old it is stays."""
    table = IdempotencyTable()
    for number in range(5):
        answer = Answer("d", number, Resent(POSITION, 2, 7, "now"))
        table.take(f"0-{number:024x}", "answer", encode_answer(answer))
    table.take(KEY_ID, "resend", encode_resend(ASKED))
    assert [f"0-{number:024x}" for number in range(3)] == table.older_than(3, 10)
    assert [f"0-{number:024x}" for number in range(2)] == table.older_than(3, 2)
    assert KEY_ID in table.older_than(6, 10)
    newer = IdempotencyTable()
    newer.take(KEY_ID, "resend", b'{"format": 2}')
    assert [] == newer.older_than(2**62, 10)


def test_key_takes_little_memory() -> None:
    """What docs/idempotency.md says of it."""
    table = IdempotencyTable()
    tracemalloc.start()
    try:
        for number in range(10_000):
            answer = Answer("ab" * 16, 1_767_225_600_000, Resent(POSITION, 2, number, "original"))
            table.take(f"0-{number:024x}", "answer", encode_answer(answer))
        assert tracemalloc.get_traced_memory()[0] / 10_000 < 350
    finally:
        tracemalloc.stop()
