"""The worker that `kafka-resend serve` runs beside itself: when it is started again."""

from __future__ import annotations

import logging

import pytest

from service.cli.worker_process import WorkerProcess
from tests.support.worker import eventually


async def test_worker_that_ends_at_once_is_started_again_after_one_second_then_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first time soon: whatever killed it may be over; then twice as long each time."""
    monkeypatch.setenv("RESEND_CONFIG", "no-such-file.toml")
    caplog.set_level(logging.ERROR, "service")
    worker_process = WorkerProcess()
    worker_process.start()

    async def ended_twice() -> bool:
        return len(caplog.messages) >= 2

    try:
        await eventually(ended_twice, seconds=30)
    finally:
        worker_process.stop()
    assert [message.rpartition(" in ")[2] for message in caplog.messages[:2]] == ["1 s", "2 s"]
