"""Requests made to be as slow as their size allows: twice the size may cost twice the time, not four times."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest

from kafka.jobs.spec import kept_partitions
from service.api.schema.job_request import parse_job
from service.api.schema.resend import parse_resend
from service.http.refusals import RequestRefused
from service.http.strict_json import read_json
from tests.attacks.growth import check_growth, thread_seconds


def repeated_field(size: int) -> bytes:
    return ("{" + ",".join(f'"f{number}":1' for number in range(size)) + f',"f{size - 1}":1}}').encode()


def unknown_fields(size: int) -> bytes:
    return ("{" + ",".join(f'"f{number}":1' for number in range(size)) + "}").encode()


def partitions_and_messages(size: int) -> bytes:
    messages = [{"partition": size - 1 - number % 100, "message_offset": number} for number in range(size // 8)]
    return json.dumps({"topic": "a", "partitions": list(range(size)), "messages": messages}).encode()


def long_decimal(size: int) -> bytes:
    return b'{"topic": "a", "records_per_second": 1.' + b"1" * (64 * size) + b"}"


def parse_a_job(body: bytes) -> object:
    return parse_job(body, "project", "caller")


def seconds_for(parse: Callable[[bytes], object], body: bytes) -> float:
    """Return the time that a body takes to be parsed or refused."""

    def parse_it() -> None:
        with contextlib.suppress(RequestRefused):
            parse(body)

    return thread_seconds(parse_it)


@pytest.mark.parametrize(
    ("body_of", "parse"),
    [
        (repeated_field, read_json),
        (unknown_fields, parse_resend),
        (unknown_fields, parse_a_job),
        (partitions_and_messages, parse_a_job),
        (long_decimal, parse_a_job),
    ],
    ids=lambda value: value.__name__,
)
def test_body_of_twice_the_size_takes_twice_the_time(
    body_of: Callable[[int], bytes], parse: Callable[[bytes], object]
) -> None:
    """A body within its limit cannot stall the event loop for seconds."""
    check_growth(lambda size: seconds_for(parse, body_of(size)))


def test_partitions_of_a_plan_are_compared_in_linear_time() -> None:
    """A topic with many partitions and a body that names many of them do not multiply."""

    def seconds(size: int) -> float:
        partitions = range(8 * size)
        return seconds_for(lambda _: kept_partitions(partitions[-size:], tuple(partitions)), b"")

    check_growth(seconds)
