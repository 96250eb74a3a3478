"""What to do about an error, in the words of the command line: commands and options instead of calls and fields.

The API's message is what is wrong, then what to do about it for a client. The second half is replaced by
the error's code. A message that ends with other words, such as that of another version's service, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_OTHER_VERSION = (
    "the service takes other requests than this command sends: are both of the same version, is --url right?"
)
_TOPIC = "TOPIC has 1 to 249 of the characters a-z A-Z 0-9 . _ - and is neither . nor .."
_PARTITION = "a partition is an integer from 0 to 2147483647"
_OFFSET = "an offset is an integer from 0 to 9223372036854775807"
_CONSUMER_KEY = (
    "--consumer-key has 1 to 1024 bytes of UTF-8 without control characters; without it no header is changed"
)
_AGAIN = "nothing was written; run the command again in some seconds"
_REAL_KAFKA = "use a service on a real Kafka, such as by `make up`"
_LOOK_AT_JOBS = "look at the list of jobs (kafka-resend job list) before you try again, or there may be two"

_HINTS: Mapping[str, str] = {
    # Requests are made by this command: where one is not understood, that is not for its user to correct.
    **dict.fromkeys([f"RESEND.00400{number:03d}" for number in (*range(1, 12), 26, *range(31, 35))], _OTHER_VERSION),
    "RESEND.00400004": "--project and --instance have 1 to 128 printable characters",
    "RESEND.00400012": _TOPIC,
    "RESEND.00400013": _TOPIC,
    "RESEND.00400014": _PARTITION,
    "RESEND.00400015": _PARTITION,
    **dict.fromkeys([f"RESEND.004000{number}" for number in range(16, 20)], _OFFSET),
    **dict.fromkeys([f"RESEND.004000{number}" for number in range(20, 24)], _CONSUMER_KEY),
    "RESEND.00400025": "is --url right?",
    "RESEND.00400035": "use decimal digits",
    "RESEND.00400036": "use one of these words, in lower case",
    "RESEND.00400037": _OTHER_VERSION,
    "RESEND.00400038": _OTHER_VERSION,
    "RESEND.00400039": "the start must be before the end, which is not part of the range",
    "RESEND.00400040": _OTHER_VERSION,
    "RESEND.00400041": "run the command again",
    "RESEND.00400042": "see `kafka-resend job start --help`",
    "RESEND.00400047": "see `kafka-resend messages --help`",
    "RESEND.00400046": "use a shorter one",
    "RESEND.00400049": "name a consumer group by its id, of characters that can be shown",
    "RESEND.00400101": (
        "check the name (kafka-resend topics); where Kafka's ACLs hide the topic, grant the service Describe on it"
    ),
    "RESEND.00400102": "kafka-resend topics lists how many partitions each topic has",
    "RESEND.00400104": "check the offset, or run the command again once a record has been written there",
    "RESEND.00400107": "run the command again once that transaction has ended; see why its producer does not end it",
    "RESEND.00400109": "select the records again",
    "RESEND.00400303": "raise that limit, or leave out --consumer-key if the record just fits",
    "RESEND.00400307": "check --consumer-key; the operator sets the instance's policy.consumer_keys",
    "RESEND.00400501": f"find records without times (--partition, --start-offset), or {_REAL_KAFKA}",
    "RESEND.00400601": _REAL_KAFKA,
    "RESEND.00400602": "select records that are there: `kafka-resend topics NAME --json` has each partition's bounds",
    "RESEND.00400604": "fix the expression of --jmespath; syntax: jmespath.org",
    "RESEND.00400605": "see its outcome (kafka-resend job show); kafka-resend job resend-failed resends what failed",
    "RESEND.00400607": "kafka-resend job list shows which jobs have failures",
    "RESEND.00400701": "--idempotency-key has 1 to 255 visible ASCII characters, such as a UUID",
    "RESEND.00400702": "nothing was written; use another --idempotency-key, or the options that came with this one",
    "RESEND.00400703": f"leave out --idempotency-key, or {_REAL_KAFKA}",
    "RESEND.00403001": (
        "check the token (KAFKA_RESEND_TOKEN, --token-file) for typos and expiry, and --project, --instance and the "
        "topic against what was granted"
    ),
    "RESEND.00403002": "set KAFKA_RESEND_TOKEN: while access is open any value does",
    "RESEND.00403003": "use 127.0.0.1, localhost or [::1] in --url; for other names the operator configures callers",
    "RESEND.00404001": "is --url right?",
    "RESEND.00404002": "kafka-resend job list shows those that are there; finished ones are removed after a while",
    "RESEND.00405001": _OTHER_VERSION,
    "RESEND.00408001": _AGAIN,
    "RESEND.00409001": "kafka-resend job show tells what that job did; --allow-duplicate resends the records again",
    "RESEND.00415001": _OTHER_VERSION,
    "RESEND.00415002": _OTHER_VERSION,
    "RESEND.00429001": "check the token (KAFKA_RESEND_TOKEN, --token-file), and run the command again in a minute",
    "RESEND.00500001": "whether a copy was written is not known; the operator finds the rest in the service's log",
    **dict.fromkeys([f"RESEND.0050300{number}" for number in (1, 2, 3, 4, 8)], _AGAIN),
    "RESEND.00503005": "the operator fixes the topic; then run the command again",
    "RESEND.00503006": (
        "nothing was written; start `kafka-resend worker`, or `kafka-resend serve` without --no-jobs, and run the "
        "command again"
    ),
    "RESEND.00503007": (
        "nothing was written; run the command again once the brokers that hold the other replicas are back"
    ),
    "RESEND.00503020": _AGAIN,
    "RESEND.00504001": "nothing was written; run the command again",
    "RESEND.00504002": (
        "look at the end of the partition for the copy (kafka-resend messages TOPIC --partition PARTITION) before you "
        "resend again, or there may be two"
    ),
    "RESEND.00504003": _LOOK_AT_JOBS,
    "RESEND.00504004": "run the same command with the same --idempotency-key again: it is done once",
}
"""By code; where there is none, the API's own words do."""

NO_TOKEN = "no token was sent: set KAFKA_RESEND_TOKEN, or use --token-file"  # noqa: S105 - a sentence

_FIELDS = (
    (re.compile(r"^records_per_second (?=is )"), "--rate "),
    (re.compile(r"^max_failures (?=is )"), "--max-failures "),
    (re.compile(r"^target\.dialect (?=is )"), "--redrive "),
    (re.compile(r"^max_resends (?=is |counts )"), "--max-resends "),
    (re.compile(r"^filter\.jmespath (?=is )"), "--jmespath "),
    (re.compile(r"^filter\.dead_letters\.(?=(?:dialect|topic|group|reason) is )"), "--dead-letter-"),
    (re.compile(r"^filter\.key (?=is )"), "--key "),
    (re.compile(r"^filter\.key_prefix (?=is )"), "--key-prefix "),
    (re.compile(r"^filter\.key_contains (?=is )"), "--key-contains "),
    (re.compile(r"^filter\.headers (?=has )"), "--header "),
    (re.compile(r"^filter\.headers\[\d+\]\.\w+ (?=is )"), "a --header "),
    (re.compile(r"^consumer_key (?=is |has |holds )"), "--consumer-key "),
    (re.compile(r"^state (?=has )"), "--state "),
    (re.compile(r"^offsets (?=names )"), "--offsets "),
    (re.compile(r"^messages (?=names )"), "--position "),
    (re.compile(r"which partitions leaves out$"), "which --partition leaves out"),
)
"""Fields of a body at the places where messages name them, so that nothing that was sent can be taken for one."""


def worded(code: str, message: str) -> str:
    """Return what an error says for the terminal.

    Args:
        code: its error_code.
        message: its error_msg.
    """
    from service.http.errors import TABLE

    hint = _HINTS.get(code)
    remedy = next((row.remedy for row in TABLE.values() if row.error_code == code), None)
    if hint is None or remedy is None or not message.endswith(f"; {remedy}"):
        return message
    words = message.removesuffix(f"; {remedy}")
    for pattern, option in _FIELDS:
        words = pattern.sub(option, words)
    return f"{words}; {hint}"


def without_token(code: str, message: str) -> str:
    """Return what a refusal says to a client that sent no token: that is all that is wrong."""
    return f"{worded(code, message).partition('; ')[0]}; {NO_TOKEN}"
