"""Searches over HTTP, one after the other."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlencode

from bench.figures import Figures, figures_of
from bench.stage import INSTANCE, PROJECT, TOKEN, Service

Question = dict[str, str | int]


def to_the_end(service: Service, call: str, question: Question, records: int) -> Figures:
    """Measure a search of a whole topic, page by page, or the grouping of one.

    Args:
        service: a running service.
        call: the last part of the path.
        question: its parameters.
        records: how many are in the topic.

    Raises:
        RuntimeError: an answer was another.
    """
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    asked, scanned = dict(question), 0
    begun = time.perf_counter()
    while True:
        path = f"/v2/{PROJECT}/mqs/instances/{INSTANCE}/{call}?{urlencode(asked)}"
        connection.request("GET", path, headers={"X-Auth-Token": TOKEN})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}: {content[:300]!r}")
        found = json.loads(content)
        counts = found["scan"].get("counts")
        # Groups read each record once; a search may read on, and again for the next page.
        scanned += found["scan"]["records"] if counts is None else counts["scanned"]
        if found["cursor"] is None:
            break
        asked["cursor"] = found["cursor"]
    seconds = time.perf_counter() - begun
    connection.close()
    if scanned != records:
        raise RuntimeError(f"{scanned} of {records} records were scanned")
    return Figures.of_many(records, seconds)


def search(service: Service, question: Question, found: int, seconds: float) -> Figures:
    """Measure one search, asked again and again over one connection.

    Args:
        service: a running service.
        question: the parameters of GET …/messages.
        found: how many records each answer must have.
        seconds: for how long.

    Raises:
        RuntimeError: an answer was another.
    """
    path = f"/v2/{PROJECT}/mqs/instances/{INSTANCE}/messages?{urlencode(question)}"
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    took = []
    until = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until:
        connection.request("GET", path, headers={"X-Auth-Token": TOKEN})
        answer = connection.getresponse()
        content = answer.read()
        took.append(time.perf_counter() - begun)
        if answer.status != 200 or json.loads(content)["size"] != found:
            raise RuntimeError(f"{path}: {answer.status}: {content[:300]!r}")
    connection.close()
    return figures_of(took, sum(took))
