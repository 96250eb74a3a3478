"""The one table: what goes wrong -> status, error_code, and what to do about it.

Codes are stable forever: a row may be added, never renumbered or reused. docs/errors.md lists them with their causes.

    RESEND.00400001 …  the request itself         RESEND.00400101 …  there is no record at that position
    RESEND.00400201 …  the topic is not resent    RESEND.00400301 …  this record cannot be copied unchanged
    RESEND.00400401 …  Kafka's own permissions    RESEND.00400501 …  a search that cannot be done
    RESEND.00400601 …  jobs                       RESEND.00400701 …  Idempotency-Key
    others: the web's own meaning of the status

What the caller can fix is a 400 and who may not ask gets a 403, because the API document knows no others; the rest
keeps the web's own meaning.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.responses import Response

from kafka.client.secrets import CONFIGURED
from kafka.filter.errors import ExpressionRefused
from kafka.jobs import errors as jobs
from kafka.model import errors as worker
from service.http import refusals


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error is answered.

    Attributes:
        status: HTTP status.
        number: last three digits of the error_code.
        remedy: what to do, appended to the error's own words.
    """

    status: int
    number: int
    remedy: str

    @property
    def error_code(self) -> str:
        """The stable code."""
        return f"RESEND.00{self.status}{self.number:03d}"


class Unexpected(Exception):
    """Stands for every unexpected exception. Its answer tells no detail; the log has the traceback."""

    def __init__(self) -> None:
        super().__init__("an unexpected error")


_TOPIC_RULE = "send 1 to 249 of the characters a-z A-Z 0-9 . _ - other than . and .."
_PARTITION_RULE = "send an integer from 0 to 2147483647, without quotes, point or exponent"
_OFFSET_RULE = "send a whole number from 0 to 9223372036854775807, without quotes"
_KEY_RULE = "send 1 to 1024 bytes of UTF-8 without control characters, or leave the field out to change no header"
_AGAIN = "nothing was written; send the request again after the seconds in Retry-After"

TABLE: dict[type[Exception], Row] = {
    refusals.ActionMissing: Row(400, 1, "add ?action_id=resend to the address"),
    refusals.ActionRepeated: Row(400, 2, "name action_id once"),
    refusals.ActionUnknown: Row(400, 3, "the only action is resend"),
    refusals.PathIdRefused: Row(400, 4, "ids in the path have 1 to 128 printable characters"),
    refusals.BodyEmpty: Row(400, 5, "send a JSON object with topic, partition, message_offset and maybe consumer_key"),
    refusals.BodyNotUtf8: Row(400, 6, "encode the body as UTF-8"),
    refusals.BodyNotJson: Row(400, 7, "send JSON as RFC 8259 has it"),
    refusals.BodyNotObject: Row(
        400, 8, "send a JSON object with topic, partition, message_offset and maybe consumer_key"
    ),
    refusals.FieldRepeated: Row(400, 9, "name each field once"),
    refusals.FieldUnknown: Row(400, 10, "the fields are topic, partition, message_offset and consumer_key"),
    refusals.FieldMissing: Row(400, 11, "topic, partition and message_offset are mandatory"),
    refusals.TopicNotText: Row(400, 12, _TOPIC_RULE),
    refusals.TopicNotLegal: Row(400, 13, _TOPIC_RULE),
    refusals.PartitionNotInteger: Row(400, 14, _PARTITION_RULE),
    refusals.PartitionOutOfRange: Row(400, 15, _PARTITION_RULE),
    refusals.OffsetNotNumber: Row(400, 16, _OFFSET_RULE),
    refusals.OffsetNotWhole: Row(400, 17, _OFFSET_RULE),
    refusals.OffsetOutOfRange: Row(400, 18, _OFFSET_RULE),
    refusals.OffsetNotExact: Row(400, 19, "send it as an integer, without point or exponent"),
    refusals.ConsumerKeyNotText: Row(400, 20, _KEY_RULE),
    refusals.ConsumerKeyEmpty: Row(400, 21, _KEY_RULE),
    refusals.ConsumerKeyTooLong: Row(400, 22, _KEY_RULE),
    refusals.ConsumerKeyNotCarriable: Row(400, 23, _KEY_RULE),
    refusals.ClientGone: Row(400, 24, "keep the connection open until the answer has come"),
    refusals.RequestNotHttp: Row(400, 25, "send each request as HTTP/1.1 has it, without TLS, and wait for its answer"),
    refusals.TrailersRefused: Row(400, 26, "send all headers before the body"),
    refusals.QueryNotText: Row(400, 31, "percent-encode the UTF-8 of names and values"),
    refusals.ParameterUnknown: Row(400, 32, "docs/queries.md lists the parameters of each call"),
    refusals.ParameterRepeated: Row(400, 33, "name each parameter once"),
    refusals.ParameterMissing: Row(400, 34, "add it to the address; docs/queries.md says what goes with what"),
    refusals.ParameterNotWhole: Row(400, 35, "send decimal digits, without sign, point or exponent"),
    refusals.ParameterNotChoice: Row(400, 36, "send one of these words, in lower case"),
    refusals.MessageIdNotLegal: Row(400, 37, "send partition and offset as in 0-4, or leave message_id out"),
    refusals.TagRefused: Row(400, 38, "leave tag out: Kafka's records have none"),
    refusals.RangeRefused: Row(
        400, 39, "send both ends of the range, the start below the end; the end is not part of it"
    ),
    refusals.DownloadRefused: Row(400, 40, "name the record by partition and message_offset, without times"),
    refusals.CursorRefused: Row(
        400, 41, "send the cursor of the page before as it was, with the same other parameters, or none to begin again"
    ),
    refusals.JobFieldRefused: Row(400, 42, "docs/jobs.md lists the fields of a job, and what each may hold"),
    refusals.FilterRefused: Row(400, 47, "docs/queries.md says what a filter holds; a key is sent alone or within it"),
    refusals.ParameterTooLong: Row(400, 46, "send a shorter one"),
    refusals.ParameterNotGroup: Row(400, 49, "send the id of a consumer group, of characters that can be shown"),
    worker.TopicMissing: Row(
        400, 101, "check the name; where Kafka's ACLs hide the topic, grant the service Describe on it"
    ),
    worker.PartitionMissing: Row(400, 102, "name one of the topic's partitions"),
    worker.OffsetExpired: Row(400, 103, "the record was deleted by retention or by request and cannot be resent"),
    worker.OffsetAtEnd: Row(
        400, 104, "check the offset, or send the request again once a record has been written there"
    ),
    worker.OffsetBeyondEnd: Row(400, 105, "check topic, partition and offset"),
    worker.NoRecordAtOffset: Row(400, 106, "take the offset of a record that consumers get to see"),
    worker.TransactionOpen: Row(
        400, 107, "send the request again once that transaction has ended; see why its producer does not end it"
    ),
    worker.RecordDamaged: Row(
        400, 108, "kafka-dump-log.sh on the brokers tells how far the damage goes; another replica may be sound"
    ),
    worker.TopicReplaced: Row(400, 109, "select the records again, without a cursor"),
    worker.InternalTopic: Row(400, 201, "its records are never resent"),
    worker.CompactedTopic: Row(
        400, 202, "where that is wanted, the operator sets the instance's policy allow_compacted = true"
    ),
    worker.TopicNotAllowed: Row(400, 203, "the operator names them in the instance's policy topics"),
    worker.InstanceReadOnly: Row(400, 204, "ask the operator, who sets the instance's policy.read_only = false"),
    worker.HeaderNameNotUtf8: Row(400, 301, "this record cannot be resent"),
    worker.TimestampNotCarriable: Row(
        400, 302, 'the operator may give copies the current time: the instance\'s policy timestamp = "now"'
    ),
    worker.CopyTooLarge: Row(400, 303, "raise that limit, or resend without a consumer_key if the record just fits"),
    worker.CopyTooOld: Row(
        400, 304, 'the operator may give copies the current time: the instance\'s policy timestamp = "now"'
    ),
    worker.CopyTooNew: Row(
        400, 305, 'the operator may give copies the current time: the instance\'s policy timestamp = "now"'
    ),
    worker.CopyRejected: Row(400, 306, "see the topic's configuration and the broker's log for the reason"),
    worker.AccessDenied: Row(
        400, 401, "grant it to the service's Kafka user; `kafka-resend check` lists all that is missing"
    ),
    worker.NoLookupByTime: Row(
        400,
        501,
        "look at the newest records or by position, or start the service on a real Kafka, such as by `make up`",
    ),
    jobs.JobsNotHere: Row(400, 601, "start the service on a real Kafka, such as by `make up`"),
    jobs.SelectionEmpty: Row(
        400, 602, "select records that are there; GET …/topics shows the bounds of each partition"
    ),
    jobs.SelectionTooLarge: Row(400, 603, "select fewer, or ask the operator, who sets RESEND_JOBS__MAX_RECORDS"),
    ExpressionRefused: Row(400, 604, "fix the expression; syntax and functions: jmespath.org"),
    jobs.JobOver: Row(400, 605, "look at its outcome; what failed can be resent by a job of its own"),
    jobs.NoFailures: Row(400, 607, "only records that a job lists under failures can be resent that way"),
    jobs.JobUnreadable: Row(400, 608, "use the version that made the job, or cancel the job"),
    refusals.IdempotencyKeyRefused: Row(
        400, 701, "send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID, or none"
    ),
    jobs.KeyReused: Row(400, 702, "nothing was written; send another key, or the request that came with this one"),
    jobs.KeysNotHere: Row(400, 703, "leave the header out, or start the service on a real Kafka, such as by `make up`"),
    refusals.Forbidden: Row(403, 1, "check X-Auth-Token, project, instance and topic against what was granted"),
    refusals.TokenHeaderMissing: Row(403, 2, "send an X-Auth-Token header; while access is open any value does"),
    refusals.HostNotLoopback: Row(
        403, 3, "call 127.0.0.1, localhost or [::1]; for other names configure callers with tokens"
    ),
    refusals.PathUnknown: Row(404, 1, "see /docs for what is served; remove a trailing slash"),
    jobs.JobMissing: Row(404, 2, "look at the list of jobs; finished ones are removed after a while"),
    refusals.MethodNotAllowed: Row(405, 1, "use one of the methods in the Allow header"),
    refusals.RequestTooSlow: Row(
        408, 1, "send it faster; the operator sets the limits RESEND_HTTP__HEAD_SECONDS and RESEND_HTTP__BODY_SECONDS"
    ),
    refusals.BodyTooLarge: Row(413, 1, "the operator sets the limit with RESEND_HTTP__MAX_BODY_BYTES"),
    refusals.ContentTypeRefused: Row(415, 1, "send Content-Type: application/json, in UTF-8"),
    refusals.ContentEncodingRefused: Row(415, 2, "send the body uncompressed"),
    refusals.TooManyWrongTokens: Row(429, 1, "check the token, and send the request after the seconds in Retry-After"),
    refusals.HeadTooLarge: Row(
        431, 1, "the operator sets the limits RESEND_HTTP__MAX_HEAD_BYTES and RESEND_HTTP__MAX_HEADERS"
    ),
    Unexpected: Row(
        500, 1, "whether a copy was written is not known; give the operator the X-Request-Id, the log has the rest"
    ),
    worker.RecipientNotAllowed: Row(
        400, 307, "check the consumer_key; the operator sets the instance's policy.consumer_keys"
    ),
    jobs.JobOverlaps: Row(409, 1, "look at that job; with allow_duplicate the records are resent again"),
    worker.ClusterAway: Row(503, 1, _AGAIN),
    worker.QueueFull: Row(503, 2, _AGAIN),
    worker.Closing: Row(503, 3, _AGAIN),
    worker.TooManyScans: Row(503, 4, _AGAIN),
    worker.NotEnoughReplicas: Row(
        503, 7, "nothing was written; send the request again once the brokers that hold the other replicas are back"
    ),
    worker.Throttled: Row(503, 8, _AGAIN),
    refusals.TooManyConnections: Row(503, 20, _AGAIN),
    jobs.StoreUnusable: Row(503, 5, "the operator fixes the topic; then send the request again"),
    jobs.NoWorker: Row(
        503,
        6,
        "nothing was written; start `kafka-resend worker`, or `kafka-resend serve` without --no-jobs, and send the "
        "request again",
    ),
    worker.DeadlineExceeded: Row(504, 1, "send the request again"),
    worker.OutcomeUnknown: Row(
        504, 2, "look at the end of the partition for the copy before resending, or there may be two"
    ),
    jobs.JobOutcomeUnknown: Row(504, 3, "look at the job before asking again, or there may be two"),
    jobs.KeyOutcomeUnknown: Row(504, 4, "send the same request with the same Idempotency-Key again: it is done once"),
}
"""Each kind of error that a caller may meet."""


def row_of(error: Exception) -> Row:
    """Return how this error is answered; one that is unexpected is Unexpected."""
    return TABLE[_listed(error)]


def code_of(error: Exception) -> str | None:
    """Return the stable code of an error; None for one that callers meet only in the failures of a job."""
    kind = _listed(error)
    return None if kind is Unexpected else TABLE[kind].error_code


def _listed(error: Exception) -> type[Exception]:
    """Return the class in the table that this error is of: the worker has kinds of its own below the listed ones."""
    return next((kind for kind in type(error).__mro__ if kind in TABLE), Unexpected)


def error_body(error: Exception) -> dict[str, str]:
    """Return the body that tells a caller of this error: both fields strings."""
    row = row_of(error)
    said = Unexpected() if _listed(error) is Unexpected else error
    return {"error_code": row.error_code, "error_msg": CONFIGURED.mask(f"{said}; {row.remedy}")}


def error_response(error: Exception, allow: str | None = None) -> Response:
    """Return the answer that tells a caller of this error.

    Args:
        error: of any kind.
        allow: value of the Allow header of a 405.
    """
    headers = {}
    if isinstance(error, worker.ClusterUnavailable | refusals.TooManyWrongTokens | refusals.TooManyConnections):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, refusals.BodyTooLarge | refusals.TooManyWrongTokens):
        # Or the server would read all the rest only to drop it; the other one has to connect for each try.
        headers["Connection"] = "close"
    if allow is not None:
        headers["Allow"] = allow
    return Response(json.dumps(error_body(error)), row_of(error).status, headers=headers, media_type="application/json")
