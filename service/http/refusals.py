"""All that can be wrong with a request itself, before anything touches a broker.

    RequestRefused
    ├── NotAllowed                     who may not ask, or is not known
    │   ├── Forbidden                  one wording for every reason
    │   ├── TooManyWrongTokens         this address has sent many
    │   ├── TokenHeaderMissing         open access wants the header too
    │   └── HostNotLoopback            open access answers to loopback names only
    ├── TransferRefused                how the request comes over its connection
    │   ├── RequestNotHttp, TrailersRefused, HeadTooLarge, RequestTooSlow
    │   └── TooManyConnections
    ├── AddressRefused                 the path or the query
    │   ├── PathUnknown, MethodNotAllowed
    │   ├── PathIdRefused
    │   ├── ActionMissing, ActionRepeated, ActionUnknown
    │   └── ParameterRefused           a parameter of a search
    │       ├── QueryNotText, ParameterUnknown, ParameterRepeated, ParameterMissing
    │       ├── ParameterNotWhole, ParameterNotChoice, ParameterNotGroup, ParameterTooLong
    │       ├── MessageIdNotLegal, TagRefused
    │       └── RangeRefused, DownloadRefused, FilterRefused, CursorRefused
    ├── IdempotencyKeyRefused          the header Idempotency-Key
    ├── BodyRefused                    the body as a whole
    │   ├── ContentTypeRefused, ContentEncodingRefused, BodyTooLarge
    │   ├── BodyEmpty, BodyNotUtf8, BodyNotJson, FieldRepeated, BodyNotObject
    │   └── ClientGone                 nobody waits for the answer any more
    └── FieldRefused                   one field of the body
        ├── FieldUnknown, FieldMissing
        ├── JobFieldRefused            whatever is wrong with a field of a job
        ├── TopicNotText, TopicNotLegal
        ├── PartitionNotInteger, PartitionOutOfRange
        ├── OffsetNotNumber, OffsetNotWhole, OffsetOutOfRange, OffsetNotExact
        └── ConsumerKeyNotText, ConsumerKeyEmpty, ConsumerKeyTooLong, ConsumerKeyNotCarriable

Each says what is wrong with which value; the remedy is in service.http.errors. A value is shown
shortened, see `shown`.
"""

from __future__ import annotations

import json
from decimal import Decimal

_SHOWN_CHARACTERS = 60


class RequestRefused(Exception):
    """The root of the tree. Its text is meant for the caller."""


class NotAllowed(RequestRefused):
    """Who may not ask, or is not known."""


class Forbidden(NotAllowed):
    """One wording for every reason, so that nothing can be probed."""

    def __init__(self) -> None:
        super().__init__("no such instance, or not allowed")


class TooManyWrongTokens(NotAllowed):
    """The address has sent many wrong tokens, and the request has another one.

    Attributes:
        retry_after_seconds: when to try again.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("many wrong tokens have come from this address")
        self.retry_after_seconds = retry_after_seconds


class TokenHeaderMissing(NotAllowed):
    """Open access wants the X-Auth-Token header, with any value: a page elsewhere cannot send it unasked."""


class HostNotLoopback(NotAllowed):
    """Open access answers to loopback names only: a page elsewhere could have its own name resolve to this machine."""


class TransferRefused(RequestRefused):
    """How the request comes over its connection; the connection ends with the answer."""


class RequestNotHttp(TransferRefused):
    """What was sent is not HTTP/1.1, or pads a body or a connection so that it takes far more than it holds."""


class TrailersRefused(TransferRefused):
    """Headers follow the body: a token among them would come after the one that was compared."""


class HeadTooLarge(TransferRefused):
    """The address and the headers are larger, or there are more headers, than the service is set to take."""


class RequestTooSlow(TransferRefused):
    """The head or the body was not complete in time."""


class TooManyConnections(TransferRefused):
    """As many connections are open, in all or of one address, as the service is set to take."""

    retry_after_seconds = 1


class AddressRefused(RequestRefused):
    """The path or the query."""


class PathUnknown(AddressRefused):
    """Nothing is served at that path."""


class MethodNotAllowed(AddressRefused):
    """The path is served, but not for that method."""


class PathIdRefused(AddressRefused):
    """A project or instance id that cannot be one: too long, or with characters that cannot be shown."""


class ActionMissing(AddressRefused):
    """The query names no action_id."""


class ActionRepeated(AddressRefused):
    """The query names action_id more than once."""


class ActionUnknown(AddressRefused):
    """The query names an action_id that does not exist."""


class ParameterRefused(AddressRefused):
    """A parameter of a search."""


class QueryNotText(ParameterRefused):
    """The query is not UTF-8 in percent-encoding, or far too long."""


class ParameterUnknown(ParameterRefused):
    """The query has an unknown parameter: it may be mistyped, and the answer would be to another question."""


class ParameterRepeated(ParameterRefused):
    """The query names a parameter more than once."""


class ParameterMissing(ParameterRefused):
    """The query lacks a parameter."""


class ParameterNotWhole(ParameterRefused):
    """A parameter is not a whole number within its bounds."""


class ParameterNotChoice(ParameterRefused):
    """A parameter is none of the words that it may be."""


class ParameterNotGroup(ParameterRefused):
    """A parameter is no id of a consumer group that can be asked about."""


class ParameterTooLong(ParameterRefused):
    """A parameter has more characters than could mean anything."""


class MessageIdNotLegal(ParameterRefused):
    """The message_id is none that a list has given."""


class TagRefused(ParameterRefused):
    """Records have no tags."""


class RangeRefused(ParameterRefused):
    """Half a range, or one that ends where it begins or before."""


class DownloadRefused(ParameterRefused):
    """Only one record can be downloaded."""


class FilterRefused(ParameterRefused):
    """The filter of a search is not as that of a job may be."""


class CursorRefused(ParameterRefused):
    """The cursor is none of ours, or belongs to another search."""


class IdempotencyKeyRefused(RequestRefused):
    """The header Idempotency-Key holds no key, or there are several of it."""


class BodyRefused(RequestRefused):
    """The body as a whole."""


class ContentTypeRefused(BodyRefused):
    """The body is declared to be something else than JSON in UTF-8."""


class ContentEncodingRefused(BodyRefused):
    """The body is declared to be compressed."""


class BodyTooLarge(BodyRefused):
    """The body is over the limit."""


class BodyEmpty(BodyRefused):
    """There is no body."""


class BodyNotUtf8(BodyRefused):
    """The body's bytes are not UTF-8."""


class BodyNotJson(BodyRefused):
    """The body is not JSON as RFC 8259 has it."""


class FieldRepeated(BodyRefused):
    """An object names a field twice; which one is meant cannot be known."""


class BodyNotObject(BodyRefused):
    """The body is JSON, but no object."""


class ClientGone(BodyRefused):
    """The connection was closed before the body was complete."""


class FieldRefused(RequestRefused):
    """One field of the body."""


class FieldUnknown(FieldRefused):
    """The body has a field that does not exist: an unknown consumer_key would resend to everyone."""


class FieldMissing(FieldRefused):
    """The body lacks a field."""


class JobFieldRefused(FieldRefused):
    """A field of a job is unknown, missing, or invalid."""


class TopicNotText(FieldRefused):
    """The topic is not a string."""


class TopicNotLegal(FieldRefused):
    """Kafka has no topics of such a name."""


class PartitionNotInteger(FieldRefused):
    """The partition is not an integer."""


class PartitionOutOfRange(FieldRefused):
    """Kafka has no partitions of such a number."""


class OffsetNotNumber(FieldRefused):
    """The message_offset is not a number."""


class OffsetNotWhole(FieldRefused):
    """The message_offset is not a whole number."""


class OffsetOutOfRange(FieldRefused):
    """Kafka has no offsets of such a number."""


class OffsetNotExact(FieldRefused):
    """The message_offset is a float so large that it may be a neighbour's offset, rounded."""


class ConsumerKeyNotText(FieldRefused):
    """The consumer_key is neither a string nor null."""


class ConsumerKeyEmpty(FieldRefused):
    """The consumer_key is an empty string."""


class ConsumerKeyTooLong(FieldRefused):
    """The consumer_key is longer than a key may be."""


class ConsumerKeyNotCarriable(FieldRefused):
    """The consumer_key holds characters that no consumer's key has, or that UTF-8 cannot carry."""


def shown(value: object) -> str:
    """Return how a value that was sent looks in an answer: as JSON, shortened, lists and objects only by their kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = str(value) if isinstance(value, Decimal) else json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
