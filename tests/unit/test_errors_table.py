"""Every error has its row, every row its place in docs/errors.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kafka.filter.errors import ExpressionRefused
from kafka.jobs.errors import JobOutcomeUnknown, JobRefused, KeyOutcomeUnknown
from kafka.model import errors as worker
from kafka.model.records import Position
from service.http import refusals
from service.http.errors import TABLE, Row, Unexpected, error_body, error_response

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
_DOCUMENTED = re.compile(r"^\| `(?P<code>[^`]+)` \| (?P<cause>.+) \| (?P<remedy>.+) \|$", re.MULTILINE)


def leaves(root: type[Exception]) -> set[type[Exception]]:
    """Return the classes below this one, in its own module, that have none below them there."""
    below = [kind for kind in root.__subclasses__() if kind.__module__ == root.__module__]
    return set().union(*(leaves(kind) for kind in below)) if below else {root}


def documented() -> dict[str, tuple[str, str]]:
    """Return cause and remedy of each documented code."""
    found = list(_DOCUMENTED.finditer(DOCUMENT.read_text("utf-8")))
    codes = [row["code"] for row in found]
    assert sorted(set(codes)) == sorted(codes)
    return {row["code"]: (row["cause"], row["remedy"]) for row in found}


def test_table_has_exactly_one_row_for_each_error_that_can_be_raised() -> None:
    """Every leaf of both trees of errors has a row, and nothing else has, save the unexpected."""
    of_worker = leaves(worker.ResendError) | leaves(JobRefused)
    of_worker |= {ExpressionRefused, JobOutcomeUnknown, KeyOutcomeUnknown}
    assert of_worker | leaves(refusals.RequestRefused) | {Unexpected} == set(TABLE)


def test_error_codes_are_unique_and_tell_their_status() -> None:
    """A code is RESEND., two zeros, the status and three digits, and means one thing."""
    codes = [row.error_code for row in TABLE.values()]

    assert len(set(codes)) == len(codes)
    for row in TABLE.values():
        assert re.fullmatch(rf"RESEND\.00{row.status}[0-9]{{3}}", row.error_code)
        assert 400 <= row.status <= 599


def test_document_lists_every_code_and_no_other() -> None:
    """What the service may answer and what is documented are the same set of codes."""
    assert sorted(row.error_code for row in TABLE.values()) == sorted(documented())


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.error_code)
def test_document_tells_the_cure_that_the_answer_tells(row: Row) -> None:
    """The remedy is in docs/errors.md word for word, beside a cause."""
    cause, remedy = documented()[row.error_code]

    assert row.remedy == remedy
    assert cause.strip()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (worker.TopicMissing("a"), 400),
        (worker.CompactedTopic("a"), 400),
        (worker.CopyTooLarge(Position("a", 0, 1), None, None, "max.message.bytes"), 400),
        (worker.AccessDenied("Read", "topic 'a'"), 400),
        (refusals.Forbidden(), 403),
        (worker.ClusterAway("broker-1:9092 is away"), 503),
        (worker.QueueFull(5), 503),
        (worker.Closing(), 503),
        (worker.DeadlineExceeded("the record"), 504),
        (worker.OutcomeUnknown(Position("a", 0, 1), "_MSG_TIMED_OUT"), 504),
        (KeyError("secret"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_error_response_has_the_shape_and_status_of_its_kind(error: Exception, status: int) -> None:
    """Both fields are strings, and the status is the one in the code."""
    response = error_response(error)
    body = json.loads(bytes(response.body))

    assert status == response.status_code
    assert ["error_code", "error_msg"] == sorted(body)
    assert all(isinstance(value, str) and value for value in body.values())
    assert body["error_code"].startswith(f"RESEND.00{status}")


def test_error_of_a_kind_below_a_listed_one_is_answered_as_that_one() -> None:
    """What the worker tells apart for itself is one thing to callers."""

    class WriterAway(worker.ClusterAway):
        """Something of the worker's own."""

    assert error_body(worker.ClusterAway("x")) == error_body(WriterAway("x"))


def test_error_response_of_an_unavailable_cluster_tells_when_to_try_again() -> None:
    """A 503 has Retry-After, a 504 never: after an unknown outcome a second try may write a second copy."""
    retried = {
        kind: error_response(error).headers.get("Retry-After")
        for kind, error in {
            "away": worker.ClusterAway("away"),
            "full": worker.QueueFull(1),
            "throttled": worker.Throttled(2.1),
            "closing": worker.Closing(),
            "late": worker.DeadlineExceeded("the record"),
            "unknown": worker.OutcomeUnknown(Position("a", 0, 1), "_MSG_TIMED_OUT"),
        }.items()
    }

    assert {"away": "1", "full": "1", "throttled": "3", "closing": "1", "late": None, "unknown": None} == retried


def test_error_body_of_the_unexpected_tells_no_detail() -> None:
    """What an unforeseen exception holds may be secret."""
    assert "hunter2" not in str(error_body(RuntimeError("hunter2")))


def test_error_body_of_a_cluster_that_is_away_tells_no_address() -> None:
    """Where the brokers are is the operator's business."""
    assert "broker-1" not in str(error_body(worker.ClusterAway("broker-1:9092: refused")))
