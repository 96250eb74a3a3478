"""Resends of many records by jobs, over HTTP as a user makes them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from bench import stage
from bench.figures import Figures, Selection
from bench.stage import INSTANCE, PROJECT, TOKEN, Service

_PATH = f"/v2/{PROJECT}/mqs/instances/{INSTANCE}/resend-jobs"
_LOOK_AGAIN_SECONDS = 0.05
_LONGEST_SECONDS = 1800.0


def one_job(service: Service, selection: Selection, target: dict[str, object] | None = None) -> Figures:
    """Measure one job, from the request to its end.

    Args:
        service: has a worker.
        selection: what to resend.
        target: where its dead letters go; None for records that are none.
    """
    body = _body(selection)
    return _measured(service, [body if target is None else {**body, "target": target, "provenance": False}])


def job_for_each_partition(service: Service, selection: Selection) -> Figures:
    """Measure as many jobs as the topic has partitions, all at once."""
    return _measured(service, [_body(selection, partition) for partition, _, _ in selection.ranges])


@contextmanager
def second_worker(service: Service, bootstrap: str) -> Iterator[None]:
    """Have a second worker beside that of the service, from when both are given something to do."""
    with stage.worker(service.variables):
        _wait_for_workers(service, bootstrap, 2)
        yield
    _wait_for_workers(service, bootstrap, 1)


@contextmanager
def busy(service: Service, selection: Selection) -> Iterator[None]:
    """Have one job after the other run."""
    stopped = Event()
    broken: list[Exception] = []

    def keep_busy() -> None:
        try:
            while not stopped.is_set():
                one_job(service, selection)
        except Exception as error:  # noqa: BLE001 the thread's edge; raised where it is waited for
            broken.append(error)

    thread = Thread(target=keep_busy)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
    if broken:
        raise broken[0]


def _measured(service: Service, bodies: list[dict[str, object]]) -> Figures:
    begun = time.perf_counter()
    jobs = [_ask(service, "POST", _PATH, body) for body in bodies]
    resent = 0
    for job in jobs:
        while (found := _ask(service, "GET", f"{_PATH}/{job['job_id']}"))["ended_at"] is None:
            if time.perf_counter() - begun > _LONGEST_SECONDS:
                raise RuntimeError(f"the job does not end: {found}")
            time.sleep(_LOOK_AGAIN_SECONDS)
        counts = found["counts"]
        if found["state"] != "succeeded" or counts["resent"] != counts["selected"]:
            raise RuntimeError(f"a job came to another end: {found}")
        resent += counts["resent"]
    return Figures.of_many(resent, time.perf_counter() - begun)


def _body(selection: Selection, only: int | None = None) -> dict[str, object]:
    offsets = [
        {"partition": partition, "start": start, "end": end}
        for partition, start, end in selection.ranges
        if only in {None, partition}
    ]
    # Each turn resends the same.
    return {"topic": selection.topic, "offsets": offsets, "consumer_key": "keyA", "allow_duplicate": True}


def _ask(service: Service, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    try:
        headers = {"X-Auth-Token": TOKEN, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status not in {200, 202}:
        raise RuntimeError(f"{method} {path}: {answer.status}: {content[:300]!r}")
    found: dict[str, Any] = json.loads(content)
    return found


def _wait_for_workers(service: Service, bootstrap: str, count: int) -> None:
    name = service.variables["RESEND_JOBS__GROUP"]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    deadline = time.monotonic() + 60
    while True:
        group = admin.describe_consumer_groups([name])[name].result()
        if group.state == ConsumerGroupState.STABLE and len(group.members) == count:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the workers' group has {len(group.members)} members, {group.state}, not {count}")
        time.sleep(_LOOK_AGAIN_SECONDS)
