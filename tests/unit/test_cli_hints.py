"""Errors of the API, in the words of the command line."""

from __future__ import annotations

import re

import pytest

from service.cli.hints import _HINTS, worded
from service.http.errors import TABLE, Row

OF_REQUESTS = re.compile(
    r"\b(GET|POST|docs/\S+|X-Auth-Token|Retry-After|X-Request-Id|action_id|consumer_key|message_offset|Content-Type|"
    r"body|request again|encode|percent|download|cursor|header \w+-\w+)\b|^send "
)
"""What somebody at a terminal does not write."""

SELECT = "select records that are there: `kafka-resend topics NAME --json` has each partition's bounds"
HELP = "see `kafka-resend job start --help`"


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.error_code)
def test_every_error_says_at_the_terminal_what_to_do_there(row: Row) -> None:
    """Commands and options; never a call, a parameter, a header or a document of the API."""
    said = worded(row.error_code, f"what is wrong; {row.remedy}")

    assert said.startswith("what is wrong; ")
    found = OF_REQUESTS.search(said.removeprefix("what is wrong; "))
    assert found is None, f"service/cli/hints.py needs words for {row.error_code}: {said}"


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (
            "RESEND.00400602",
            "the selection in topic orders is empty",
            f"the selection in topic orders is empty; {SELECT}",
        ),
        (
            "RESEND.00400042",
            "records_per_second is 0, not a number above 0",
            f"--rate is 0, not a number above 0; {HELP}",
        ),
        (
            "RESEND.00400036",
            'state has "foo", not one of pending, running',
            '--state has "foo", not one of pending, running; use one of these words, in lower case',
        ),
        (
            "RESEND.00400042",
            'target.dialect is "records_per_second is", not one of auto, spring',
            f'--redrive is "records_per_second is", not one of auto, spring; {HELP}',
        ),
    ],
)
def test_message_names_options_for_fields(code: str, words: str, said: str) -> None:
    """Only where a message has a field, not where somebody's value looks like one."""
    remedy = next(row.remedy for row in TABLE.values() if row.error_code == code)

    assert said == worded(code, f"{words}; {remedy}")


def test_message_of_another_version_stays_as_it_is() -> None:
    """Of words that are not known nothing is taken away."""
    assert "a; b" == worded("RESEND.00400602", "a; b")
    assert "a; b" == worded("RESEND.00499999", "a; b")


def test_hints_are_for_codes_that_exist() -> None:
    """A code that was mistyped would never be met; those of other branches of the table may come."""
    known = {row.error_code for row in TABLE.values()}

    assert set(_HINTS) - known <= {"RESEND.00503007", "RESEND.00503008"}
