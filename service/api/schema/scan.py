"""What an answer tells of the reading that was done for it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from kafka.filter.conditions import Filter, Outcome
from kafka.filter.interpreter import EvaluationFailed
from kafka.model.records import Record
from kafka.redrive.known import Dialects
from kafka.search.scan import Stop
from kafka.search.selection import Page, Selection
from service.api.schema.answer import AnswerBody
from service.api.schema.filter import hint_of


class ScanCountsItem(AnswerBody):
    """What became of the messages that were scanned; the counts of all pages of a search add up, as those of a job do.

    `scanned` is the sum of the others.
    """

    scanned: int = Field(description="Messages that were read, and will not be read again for the next page.")
    outside_time_range: int = Field(description="Their timestamp is not in the range.")
    already_resent: int = Field(description="They carry a consumer_key, and the filter leaves such messages out.")
    not_matched: int = Field(description="They do not meet a condition of the filter.")
    not_json: int = Field(description="The filter has a JMESPath expression, and their value is null or not JSON.")
    not_evaluated: int = Field(description="The JMESPath expression cannot be evaluated on their value.")
    matched: int = Field(description="They are in this answer, or left out by offset.")


class NotEvaluatedItem(AnswerBody):
    """A message on whose value the JMESPath expression cannot be evaluated."""

    partition: int
    message_offset: int
    reason: str


class ScanItem(AnswerBody):
    """What was read for an answer."""

    records: int = Field(description="How many messages were read, those too that the next page reads again.")
    bytes: int = Field(description="Of their keys, values and headers.")
    milliseconds: float
    reached_time: int | None = Field(description="Timestamp of the message that was read last; null: none has one.")
    left: int = Field(description="Offsets that are still to be read: at most as many messages.")
    complete: bool = Field(description="Everything was read and nothing follows.")
    stopped_by: Stop | None
    counts: ScanCountsItem
    first_not_evaluated: NotEvaluatedItem | None = Field(description="The first of those counted as such.")
    hint: str | None = Field(description="What may be wrong with a filter that nothing in this answer meets.")


def scan_item(page: Page, asked: Filter | None) -> ScanItem:
    """Return what was read for a page.

    Args:
        page: what the search has found.
        asked: its filter.
    """
    scanned = page.scanned
    counts = _counts(scanned.outcomes)
    first = scanned.not_evaluated
    return ScanItem(
        records=scanned.read,
        bytes=scanned.read_bytes,
        milliseconds=round(page.seconds * 1000, 1),
        reached_time=scanned.reached_ms,
        left=page.left,
        complete=page.rest is None,
        stopped_by=scanned.stopped_by,
        counts=counts,
        first_not_evaluated=None
        if first is None
        else NotEvaluatedItem(partition=first[0], message_offset=first[1], reason=first[2]),
        hint=None if asked is None else hint_of(asked, counts.matched, counts.not_matched),
    )


def scan_of_one(record: Record, selection: Selection, dialects: Dialects) -> ScanItem:
    """Return what was read for one record that was asked for by its position.

    Args:
        record: as it was read.
        selection: with the filter that it has to meet to be shown.
        dialects: of dead letters, those that the instance knows.
    """
    position = (record.position.partition, record.position.offset)
    outcome, reason = Outcome.MATCHED, None
    if selection.position not in (None, position):
        outcome = Outcome.NOT_MATCHED
    elif selection.filter is not None:
        try:
            outcome = selection.filter.judge(record, dialects=dialects)
        except EvaluationFailed as error:
            outcome, reason = Outcome.NOT_EVALUATED, str(error)
    counts = _counts({outcome: 1})
    return ScanItem(
        records=1,
        bytes=len(record.key or b"") + len(record.value or b""),
        milliseconds=0,
        reached_time=record.timestamp_ms if record.timestamp_ms >= 0 else None,
        left=0,
        complete=True,
        stopped_by=None,
        counts=counts,
        first_not_evaluated=None
        if reason is None
        else NotEvaluatedItem(partition=position[0], message_offset=position[1], reason=reason),
        hint=None if selection.filter is None else hint_of(selection.filter, counts.matched, counts.not_matched),
    )


def _counts(outcomes: Mapping[Outcome, int]) -> ScanCountsItem:
    counts = {outcome.value: outcomes.get(outcome, 0) for outcome in Outcome if outcome is not Outcome.NOT_SELECTED}
    return ScanCountsItem(scanned=sum(counts.values()), **counts)
