"""Thousands of wrong tokens: their senders are slowed down and counted, and no other caller notices."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.attacked import ATTACKER, SOMEBODY_ELSE, TOKEN, Attacked, attacked, somebody_else
from tests.support.command_line import log_lines

FREE = 20


def status(service: Attacked, token: str, source: str = ATTACKER) -> int:
    """Return what a request with this token is answered with."""
    head = f"GET /v2/caller HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\nConnection: close\r\n\r\n"
    return int(service.ask(head.encode(), source).split()[1])


def test_wrong_tokens_are_slowed_down_and_counted_and_right_ones_are_taken(tmp_path: Path) -> None:
    """After a few each answer comes later, the log has one line for many, and the proxy's other callers are served."""
    with attacked(tmp_path / "serve.log") as service:
        free = [status(service, f"wrong-{number}") for number in range(FREE)]
        begun = time.monotonic()
        slow = [status(service, "wrong") for _ in range(3)]
        seconds = time.monotonic() - begun
        with somebody_else(service) as longest, ThreadPoolExecutor(32) as attackers:
            flood = [attackers.submit(status, service, f"wrong-{number}") for number in range(400)]
            right = [status(service, TOKEN, source) for source in (ATTACKER, SOMEBODY_ELSE)]
            answers = Counter(answer.result() for answer in flood)
            waited = longest()
        # Of the last window of ten seconds the lines are still to come.
        lines = log_lines(service.log)

    assert [403] * FREE == free
    assert [429] * 3 == slow
    # 0.1, 0.2 and 0.4 seconds.
    assert seconds > 0.7
    assert {429: 400} == answers
    assert [200, 200] == right
    assert waited < 5
    about = [line for line in lines if line["event"] in {"request", "wrong tokens"} and line.get("outcome") != "ok"]
    assert FREE + 1 <= len(about) < FREE + 10
    (first, *_) = [line for line in about if line["event"] == "wrong tokens"]
    assert (ATTACKER, 1, 1) == (first["address"], first["count"], first["total"])
