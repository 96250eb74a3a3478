"""Searches over HTTP, one after the other."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlencode

from bench.figures import Figures, figures_of
from bench.stage import INSTANCE, PROJECT, TOKEN, Service

Question = dict[str, str | int]


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
