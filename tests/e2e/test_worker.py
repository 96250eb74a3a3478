"""`kafka-resend worker` as its operators run it: a process of its own, configured by a file, ended by SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafka.model.records import Header
from kafka.redrive.target import Target
from tests.contract.conftest import callers, toml
from tests.support.brokers import Broker
from tests.support.jobs import JobsStage
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

REPOSITORY = Path(__file__).parents[2]

StartProcess = Callable[[Path], subprocess.Popen[bytes]]


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """A function that starts a worker with a file of settings."""
    started: list[subprocess.Popen[bytes]] = []

    def start(settings: Path) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")}
        with (tmp_path / "worker.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"],
                cwd=REPOSITORY,
                env={**environment, "RESEND_CONFIG": str(settings)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def entry(name: str, *topics: str) -> dict[str, object]:
    """Return an entry of a callers file."""
    grants: dict[str, object] = {"projects": ["project"], "instances": ["test"], "topics": topics, "actions": ["jobs"]}
    return {"name": name, "token": f"token-of-{name}", **grants}


async def test_worker_asks_the_callers_file_as_it_is_now(
    tmp_path: Path, broker: Broker, jobs_stage: JobsStage, make_topic: MakeTopic, start_process: StartProcess
) -> None:
    """Targets that headers name are those of the maker's grants, until the caller is taken out of the file."""
    dead, granted, secret, plain = make_topic(), make_topic(), make_topic(), jobs_stage.plain
    for name in (granted, secret):
        headers: list[Header] = [("__connect.errors.topic", name.encode()), ("__connect.errors.partition", b"0")]
        plain.produce(dead, b"x", headers=headers)
    file = tmp_path / "callers.toml"
    file.write_text(callers(entry("somebody", dead, granted), entry("other", "*")), "utf-8")
    jobs = jobs_stage.config.jobs
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "jobs": {"topic": jobs.topic, "group": jobs.group, "transactional_prefix": jobs.transactional_prefix},
        "instances.test": {"bootstrap_servers": [broker.bootstrap]},
    }
    settings = tmp_path / "resend.toml"
    settings.write_text(toml(tables), "utf-8")
    process = start_process(settings)
    first = await jobs_stage.run(dead, target=Target("connect", by_operator=False, remove_headers=False))
    assert [failure.offset for failure in first.progress.failures] == [1]
    assert json.dumps(secret) in first.progress.failures[0].reason.replace("'", '"')
    assert (plain.high_watermark(granted, 0) > 0, plain.high_watermark(secret, 0)) == (True, 0)
    new = tmp_path / "new.toml"
    new.write_text(callers(entry("other", "*")), "utf-8")
    new.replace(file)

    async def revoked() -> bool:
        return (
            await jobs_stage.run(dead, target=Target("connect", by_operator=False, remove_headers=False))
        ).progress.counts.failed == 2

    await eventually(revoked, seconds=20)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 30) == 0
