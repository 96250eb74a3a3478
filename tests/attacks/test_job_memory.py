"""Many jobs at once, however slow they are: the memory of a worker has a bound, and each job gets its turn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kafka.model.errors import ClusterUnavailable
from tests.support.jobs import JobsStage
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

_JOBS = 40
_MOST_MB = 300
"""It was 80 MB (measured). Before there was a bound, 32 of these jobs took 823 MB, and the other 8 never began."""


def peak_mb(process: int) -> int:
    """Return the most memory that a process has had so far."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


async def test_forty_slow_jobs_share_a_bounded_memory_and_all_go_on(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """All are of one caller and in one partition of the store; each has 24 MB before it that it could read ahead."""
    topic, plain, config = make_topic(8), jobs_stage.plain, jobs_stage.config
    for partition in range(8):
        plain.produce_many(topic, [os.urandom(100_000) for _ in range(30)], partition=partition)
    jobs_stage.make_store(1)
    for _ in range(_JOBS):
        await jobs_stage.make(topic, records_per_second=0.5)
    command = [sys.executable, "-m", "tests.support.job_worker", plain.bootstrap, config.jobs.topic]
    with subprocess.Popen(command) as worker:  # noqa: ASYNC220 it is started in milliseconds
        try:

            async def all_have_begun() -> bool:
                try:
                    known = await jobs_stage.cluster.jobs.known()
                except ClusterUnavailable:
                    # A broker with so much to do may not answer the probe in time.
                    return False
                return sum(job.progress.counts.resent > 0 for job in known) == _JOBS

            await eventually(all_have_begun, seconds=120)
            peak = peak_mb(worker.pid)
        finally:
            worker.kill()
    assert peak < _MOST_MB
