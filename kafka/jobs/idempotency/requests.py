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

from kafka.jobs import stored
from kafka.jobs.plan import FORMAT, UnsupportedFormat
from kafka.model.errors import NothingWritten
from kafka.model.records import Position
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


@dataclass(frozen=True, slots=True)
class IdempotentResend:
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
    created_at_ms: int


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


def encode_resend(asked: IdempotentResend) -> bytes:
    """Return the resend as the JSON that is in the store."""
    position = asked.position
    return _json(
        {
            "format": FORMAT,
            "instance": asked.instance,
            "position": [position.topic, position.partition, position.offset],
            "topic_id": asked.topic_id,
            "consumer_key": asked.consumer_key,
            "digest": asked.digest,
            "created_at_ms": asked.created_at_ms,
        }
    )


def decode_resend(key_id: str, content: bytes) -> IdempotentResend:
    """Return the resend that encode_resend wrote.

    Raises:
        UnsupportedFormat: it has another format or other fields: a worker that knows them may carry it out.
    """
    try:
        found = _fields(content, {"instance", "position", "topic_id", "consumer_key", "digest", "created_at_ms"})
        topic, partition, offset = found["position"]
        return IdempotentResend(
            key_id,
            stored.text(found["instance"]),
            Position(stored.text(topic), stored.partition(partition), stored.number(offset)),
            stored.text(found["topic_id"]),
            stored.maybe(stored.text, found["consumer_key"]),
            stored.text(found["digest"]),
            stored.number(found["created_at_ms"]),
        )
    except stored.WRONG as error:
        raise UnsupportedFormat(f"it is not a resend: {type(error).__name__}") from None


def encode_answer(answer: Answer) -> bytes:
    """Return the answer as the JSON that is in the store."""
    outcome = answer.outcome
    content: dict[str, object]
    if isinstance(outcome, Resent):
        content = {"copy": [outcome.partition, outcome.offset, outcome.timestamp]}
    else:
        facts = {name: value for name, value in _facts(outcome).items() if not isinstance(value, Position)}
        content = {"refused": [outcome.code, facts]}
    return _json({"format": FORMAT, "digest": answer.digest, "created_at_ms": answer.created_at_ms, **content})


def decode_answer(content: bytes, position: Position) -> Answer:
    """Return the answer that encode_answer wrote.

    Args:
        content: as it is in the store.
        position: the record that was asked for; the answer does not repeat it.

    Raises:
        UnsupportedFormat: it has another format or other fields.
    """
    try:
        found = _fields(content, {"digest", "created_at_ms", "copy", "refused"})
        if "copy" in found:
            partition, offset, timestamp = found["copy"]
            outcome: Resent | NothingWritten = Resent(
                position, stored.partition(partition), stored.maybe(stored.number, offset), timestamp
            )
        else:
            code, facts = found["refused"]
            outcome = _refusal(code, facts, position)
        return Answer(stored.text(found["digest"]), stored.number(found["created_at_ms"]), outcome)
    except stored.WRONG as error:
        raise UnsupportedFormat(f"it is not an answer: {type(error).__name__}") from None


def _refusal(code: str, facts: Mapping[str, Any], position: Position) -> NothingWritten:
    kind: Any = NothingWritten.of_code(code)
    own = {item.name for item in fields(kind)}
    refusal: NothingWritten = kind(**facts, **({"position": position} if "position" in own else {}))
    return refusal


def _facts(error: NothingWritten) -> dict[str, Any]:
    return {item.name: getattr(error, item.name) for item in fields(cast("Any", error))}


def _json(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _fields(content: bytes, known: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content)
    if found.pop("format") != FORMAT:
        raise UnsupportedFormat(f"its format is not {FORMAT}")
    if unknown := sorted(set(found) - known):
        raise UnsupportedFormat(f"it has an unknown field {unknown[0]!r}")
    return found


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
        created_at_ms: object = json.loads(content)["created_at_ms"]
    except stored.WRONG:
        return sys.maxsize
    return created_at_ms if isinstance(created_at_ms, int) else sys.maxsize
