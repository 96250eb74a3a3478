"""Requests with an Idempotency-Key: what the store keeps of them. Nothing here touches a broker.

<id>/resend   a single resend, by the process that accepted it; the first one counts, and its answer removes it
<id>/answer   its outcome, by the partition's owner, in the transaction that holds the copy

A job that was made with a key is a job as any other: the key only decides its id, and the plan has the digest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Literal, cast

from msgspec import Struct, ValidationError, convert
from msgspec import json as json_codec

from kafka.jobs.stored import FORMAT, Codec, UnsupportedFormat
from kafka.model.errors import NothingWritten
from kafka.model.records import Natural, PartitionNumber, Position
from kafka.resend.service import Resent

RESEND = "resend"
ANSWER = "answer"
IDEMPOTENCY_KINDS = (RESEND, ANSWER)
"""All kinds of records that a single resend with a key has in the store."""

_ID_DIGITS = 24
_DIGEST_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key, whose it is, and what was asked for with it.

    Attributes:
        project: project id of the request; so instance.
        caller: name of the caller.
        value: as it was sent.
        digest: of what is asked for, see digest_of.
    """

    project: str
    instance: str
    caller: str
    value: str = field(repr=False)
    digest: str

    def id(self, call: Literal["resend", "job"], partitions: int) -> str:
        """Return the id under which the store keeps the request; a job's id, if it asks for one.

        Args:
            call: the same key means another request there.
            partitions: how many the store has.
        """
        # As JSON: no two lists of texts look the same.
        named = json.dumps([call, self.project, self.instance, self.caller, self.value])
        hashed = sha256(named.encode()).hexdigest()
        return f"{int(hashed[_ID_DIGITS:], 16) % partitions}-{hashed[:_ID_DIGITS]}"


def digest_of(content: object) -> str:
    """Return the digest of a request: the order of fields and the white space between them make no difference.

    Args:
        content: what its JSON says.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


class IdempotentResend(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag=FORMAT):
    """A single resend as it was accepted.

    Attributes:
        key_id: see Key.id.
        instance: id of the instance whose policy applies.
        position: the record.
        topic_id: the topic as it was then; another one under the same name is another topic.
        consumer_key: the recipient; None leaves the headers alone.
        digest: of the request.
        created_at_ms: milliseconds since the Unix epoch.
    """

    key_id: str
    instance: str
    position: Position
    topic_id: str
    consumer_key: str | None
    digest: str
    created_at_ms: Natural


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a single resend, for good.

    Attributes:
        digest: of the request that was carried out.
        created_at_ms: milliseconds since the Unix epoch.
        outcome: where the copy is, or why there is none.
    """

    digest: str
    created_at_ms: int
    outcome: Resent | NothingWritten


class _StoredCopy(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    partition: PartitionNumber
    offset: Natural | None
    timestamp: Literal["original", "now", "broker"]


class _StoredAnswer(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="format", tag=FORMAT
):
    """An answer without the position, which is asked for: it has a copy, or the code and the facts of an error."""

    digest: str
    created_at_ms: Natural
    copy: _StoredCopy | None = None
    refused: tuple[str, dict[str, Any]] | None = None


class _Dated(Struct):
    created_at_ms: Natural


_RESENDS = Codec(IdempotentResend, "a resend")
_ANSWERS = Codec(_StoredAnswer, "an answer")


def encode_resend(asked: IdempotentResend) -> bytes:
    """Return the resend as the JSON that is in the store."""
    return _RESENDS.encode(asked)


def decode_resend(key_id: str, content: bytes) -> IdempotentResend:
    """Return the resend that encode_resend wrote.

    Raises:
        UnsupportedFormat: it has another format or other fields: a worker that knows them may carry it out.
    """
    found = _RESENDS.decode(content)
    if found.key_id != key_id:
        raise UnsupportedFormat("it is the resend of another key")
    return found


def encode_answer(answer: Answer) -> bytes:
    """Return the answer as the JSON that is in the store."""
    outcome, copy, refused = answer.outcome, None, None
    if isinstance(outcome, Resent):
        copy = _StoredCopy(outcome.partition, outcome.offset, outcome.timestamp)
    else:
        facts = {name: getattr(outcome, name) for name in _facts(type(outcome)) if name != "position"}
        refused = str(outcome.code), facts
    return _ANSWERS.encode(_StoredAnswer(answer.digest, answer.created_at_ms, copy, refused))


def decode_answer(content: bytes, position: Position) -> Answer:
    """Return the answer that encode_answer wrote.

    Args:
        content: as it is in the store.
        position: the record that was asked for; the answer does not repeat it.

    Raises:
        UnsupportedFormat: it has another format or other fields.
    """
    found = _ANSWERS.decode(content)
    outcome: Resent | NothingWritten
    if found.copy is not None:
        outcome = Resent(position, found.copy.partition, found.copy.offset, found.copy.timestamp)
    elif found.refused is not None:
        outcome = _refusal(*found.refused, position)
    else:
        raise UnsupportedFormat("it is not an answer: it has no outcome")
    return Answer(found.digest, found.created_at_ms, outcome)


def _refusal(code: str, facts: Mapping[str, Any], position: Position) -> NothingWritten:
    try:
        kind = NothingWritten.of_code(code)
    except KeyError:
        raise UnsupportedFormat(f"it has an unknown error {code[:60]!r}") from None
    if unknown := sorted(facts.keys() - _facts(kind)):
        raise UnsupportedFormat(f"its error has an unknown fact {unknown[0][:60]!r}")
    try:
        return convert({**facts, "position": position}, kind)
    except ValidationError as error:
        raise UnsupportedFormat(f"it is not an answer: {error}") from None


def _facts(kind: type[NothingWritten]) -> set[str]:
    # Each kind is a dataclass, of which the type of the root says nothing.
    return {item.name for item in fields(cast("Any", kind))}


class IdempotencyTable:
    """All single resends with a key that are kept: the fold of their records.

    One thread changes it; others may ask. Values stay as they were written, 350 bytes a key or so: there may be many.
    """

    def __init__(self) -> None:
        self._asked: dict[str, bytes] = {}
        self._answers: dict[str, bytes] = {}

    def take(self, key_id: str, kind: str, value: bytes | None) -> None:
        """Take one more record of the store; None removes what was there."""
        if kind == RESEND:
            if value is None:
                self._asked.pop(key_id, None)
            elif key_id not in self._answers:
                # The first one counts; later ones came at the same time, or from who had not seen it yet.
                self._asked.setdefault(key_id, value)
        elif value is None:
            self._answers.pop(key_id, None)
        else:
            self._answers[key_id] = value
            self._asked.pop(key_id, None)

    def asked(self, key_id: str) -> IdempotentResend | None:
        """Return the resend that has no answer yet.

        Raises:
            UnsupportedFormat: there is one, of another version.
        """
        content = self._asked.get(key_id)
        return None if content is None else decode_resend(key_id, content)

    def answer(self, key_id: str, position: Position) -> Answer | None:
        """Return the answer to a resend of this position.

        Raises:
            UnsupportedFormat: there is one, of another version.
        """
        content = self._answers.get(key_id)
        return None if content is None else decode_answer(content, position)

    def open(self) -> list[str]:
        """Return the ids that have no answer yet, the oldest first."""
        return list(self._asked)

    def older_than(self, time_ms: int, most: int) -> list[str]:
        """Return ids whose answer, or else whose request, is older; the oldest first."""
        found: list[str] = []
        for table in (self._answers, self._asked):
            for key_id, content in table.items():
                # They stand in the order in which they came.
                if len(found) == most or _made_at_ms(content) >= time_ms:
                    break
                found.append(key_id)
        return found


def _made_at_ms(content: bytes) -> int:
    """Return when it was made, or now if it does not say so: what another version has written is its own to remove."""
    try:
        return json_codec.decode(content, type=_Dated).created_at_ms
    except (ValueError, RecursionError):
        return sys.maxsize
