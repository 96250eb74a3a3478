"""What each call may be refused with: one error of each kind, and what its status means there."""

from __future__ import annotations

from kafka.filter.errors import ExpressionRefused
from kafka.jobs import errors as jobs
from kafka.model import errors as worker
from kafka.model.records import Position
from service.http import refusals
from service.http.errors import Unexpected

Errors = tuple[Exception, ...]

EXAMPLE_JOB_ID = "0-0123456789abcdef01234567"

_POSITION = Position("topic-test", 0, 4)
_FORBIDDEN = "No token, a wrong one, or no grant for this. Which of these is not told."
_SELECTING: Errors = (
    worker.TopicMissing("topic-test"),
    worker.CompactedTopic("topic-test"),
    worker.InstanceReadOnly(),
    worker.RecipientNotAllowed("billing, shipping-*"),
    jobs.SelectionEmpty("topic-test"),
    jobs.StoreUnusable("topic '_resend_jobs' has cleanup.policy=delete"),
)
_KEYED: Errors = (
    refusals.IdempotencyKeyRefused("the request has 2 Idempotency-Keys"),
    jobs.KeyReused(),
    jobs.KeysNotHere(),
    jobs.NoWorker("kafka-resend-jobs"),
)
_KEYED_JOB: Errors = (*_KEYED, jobs.KeyOutcomeUnknown("the store could not be read to its end in time"))
_JOB_OUTCOME_UNKNOWN = jobs.JobOutcomeUnknown(EXAMPLE_JOB_ID, "_MSG_TIMED_OUT")
_JOBS: Errors = (refusals.Forbidden(), worker.ClusterAway("_TRANSPORT"), jobs.JobsNotHere())

RESEND: Errors = (
    refusals.ActionMissing("the query has no action_id"),
    refusals.FieldUnknown('the body has an unknown field "consumerKey"'),
    refusals.OffsetNotWhole("message_offset 4.5 is not a whole number"),
    worker.TopicMissing("topic-test"),
    worker.OffsetExpired(_POSITION, 1000),
    worker.OffsetBeyondEnd(_POSITION, 3),
    worker.NoRecordAtOffset(_POSITION, "no_record"),
    worker.CompactedTopic("topic-test"),
    worker.CopyTooOld(_POSITION, 1672531200000, 604800000, "retention.ms"),
    refusals.Forbidden(),
    refusals.TokenHeaderMissing("the X-Auth-Token header is missing"),
    refusals.BodyTooLarge("the body has more than 65536 bytes"),
    refusals.ContentTypeRefused("the body's Content-Type is 'text/plain'"),
    Unexpected(),
    worker.ClusterAway("_TRANSPORT"),
    worker.QueueFull(1000),
    worker.DeadlineExceeded("the record at topic-test/0@4"),
    worker.OutcomeUnknown(_POSITION, "_MSG_TIMED_OUT"),
    *_KEYED,
    jobs.KeyOutcomeUnknown("no worker has answered in time"),
)
RESEND_MEANINGS = {
    400: "Nothing was written: something about the request, the record or its topic has to be fixed first.",
    403: "Nothing was written: no token, a wrong one, or no grant for this. Which of these is not told.",
    413: "Nothing was written: the body is over the limit.",
    415: "Nothing was written: the body is not declared to be JSON in UTF-8.",
    500: "An unexpected error.",
    503: "Nothing was written: the cluster is away, the queue is full, the service is stopping, or no worker is there "
    "for a request with an Idempotency-Key. Try again.",
    504: "Time ran out. RESEND.00504001: nothing was written. RESEND.00504002: whether a copy was is not known. "
    "RESEND.00504004: the same, and the request may be sent again with its Idempotency-Key.",
}

CALLER: Errors = (
    refusals.ParameterUnknown('the query has an unknown parameter "topics"'),
    refusals.Forbidden(),
)
_QUERY: Errors = (*CALLER, worker.ClusterAway("_TRANSPORT"))
TOPICS: Errors = (*_QUERY, refusals.ParameterTooLong("name has 501 characters"), worker.TooManyScans(4))
MESSAGES: Errors = (
    *_QUERY,
    refusals.ParameterMissing("the query has no topic"),
    refusals.RangeRefused("start_time 2 must be before end_time 1"),
    refusals.CursorRefused("the cursor belongs to a search with other parameters"),
    worker.TopicMissing("topic-test"),
    worker.InternalTopic("__consumer_offsets"),
    worker.OffsetExpired(_POSITION, 1000),
    worker.NoLookupByTime(),
    worker.TooManyScans(4),
    worker.DeadlineExceeded("records of topic 'topic-test'"),
)
CONSUMERS: Errors = (
    *_QUERY,
    refusals.ParameterMissing("the query has no topic"),
    refusals.ParameterNotGroup('group is "\\u0000", which holds characters that cannot be shown'),
    worker.TopicMissing("topic-test"),
    worker.InternalTopic("__consumer_offsets"),
    worker.TooManyScans(4),
    worker.DeadlineExceeded("the description of topic 'topic-test'"),
)
DEAD_LETTERS: Errors = (
    *_QUERY,
    refusals.ParameterMissing("the query has no topic"),
    refusals.ParameterNotChoice('dialect is "any", not one of spring, connect'),
    refusals.CursorRefused("the cursor belongs to a search with other parameters"),
    worker.TopicMissing("topic-test"),
    worker.TopicReplaced("topic-test"),
    worker.InternalTopic("__consumer_offsets"),
    worker.TooManyScans(4),
    worker.DeadlineExceeded("records of topic 'topic-test'"),
)
QUERY_MEANINGS = {
    400: "Something about the request has to be fixed first.",
    403: _FORBIDDEN,
    503: "The cluster is away, too many searches are under way, or the service is stopping. Try again.",
    504: "Time ran out before a single record came.",
}

LIST_JOBS: Errors = (*_JOBS, refusals.ParameterUnknown('the query has an unknown parameter "status"'))
SHOW_JOB: Errors = (*_JOBS, jobs.JobMissing(EXAMPLE_JOB_ID))
CONSUMERS_OF_JOB: Errors = (
    *SHOW_JOB,
    refusals.ParameterNotGroup('group is "\\u0000", which holds characters that cannot be shown'),
    jobs.JobUnreadable(EXAMPLE_JOB_ID, "its format is 2, not 1"),
    worker.TopicReplaced("topic-test"),
    worker.TooManyScans(4),
)
CANCEL_JOB: Errors = (*SHOW_JOB, _JOB_OUTCOME_UNKNOWN)
PAUSE_JOB: Errors = (*CANCEL_JOB, jobs.JobOver(EXAMPLE_JOB_ID, "succeeded"))
CREATE_JOB: Errors = (
    *_JOBS,
    refusals.JobFieldRefused('the body has an unknown field "topics"'),
    jobs.SelectionTooLarge(200_000_000, 100_000_000),
    jobs.JobOverlaps(EXAMPLE_JOB_ID, "succeeded"),
    ExpressionRefused("Bad jmespath expression: Unclosed delimiter"),
    *_SELECTING,
    _JOB_OUTCOME_UNKNOWN,
    *_KEYED_JOB,
)
RESEND_FAILED: Errors = (
    *CANCEL_JOB,
    jobs.NoFailures(EXAMPLE_JOB_ID),
    jobs.JobUnreadable(EXAMPLE_JOB_ID, "its format is 2, not 1"),
    worker.TopicReplaced("topic-test"),
    jobs.JobOverlaps(EXAMPLE_JOB_ID, "succeeded"),
    *_SELECTING,
    *_KEYED_JOB,
)
JOBS_MEANINGS = {
    400: "Something about the request has to be fixed first; there is no job.",
    403: _FORBIDDEN,
    404: "There is no such job, or not for this caller.",
    409: "Another job has resent some of the records for the same recipient, or is about to; there is no new job.",
    503: "The cluster is away, or jobs cannot be kept. Try again.",
    504: "Whether it was accepted is not known: look at the job, or at the list.",
}

EARLY: Errors = (
    refusals.RequestTooSlow("the body was not complete after 30 seconds"),
    refusals.TooManyWrongTokens(5),
    refusals.HeadTooLarge("the request has more than 100 headers"),
)
EARLY_MEANINGS = {
    408: "The head or the body of the request was not complete in time.",
    429: "This address has sent many wrong tokens, and the request has another one.",
    431: "The address and the headers are too large, or too many.",
}
"""Any request may be refused so, before it is read."""
