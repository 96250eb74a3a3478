"""`kafka-resend worker`: runs jobs, and nothing else."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.terminal import refuse, settings_or_exit
from service.logs import configure_logs

if TYPE_CHECKING:
    from kafka.client.config import ClusterConfig


def worker_command(
    *,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when standard input is closed.")
    ] = False,
) -> None:
    """Run jobs of all instances until SIGTERM or Ctrl-C, then hand them over to other workers and exit with code 0.

    `kafka-resend serve` runs one of these beside itself, unless --no-jobs or RESEND_JOBS__WORKER=false says otherwise.
    Any number may run, on any number of machines: Kafka shares the jobs out among them.
    """
    from kafka.client.bootstrap import without_controllers
    from kafka.jobs.worker.group import JobsWorker
    from kafka.jobs.worker.read_ahead import ReadAhead
    from kafka.jobs.worker.renewal import keep_running
    from service.auth import AuthError, grants_by_name
    from service.http.errors import code_of

    settings = settings_or_exit()
    try:
        may_resend = grants_by_name(settings.auth)
    except AuthError as error:
        refuse(str(error))
    configure_logs(settings.log)
    stopped = Event()

    def stop(number: int, frame: object) -> None:
        del number, frame
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if with_parent:
        Thread(target=_wait_for_end_of_input, args=(stopped,), daemon=True).start()
    configs = [config for config in settings.clusters() if not config.embedded]
    # Two instances of one cluster share its store, and either one's worker may get a job of the other.
    policies = {config.name: config.policy for config in configs}
    read_ahead = ReadAhead(settings.jobs.read_ahead_mb)

    def make(config: ClusterConfig) -> JobsWorker:
        return JobsWorker(without_controllers(config), policies, may_resend, code_of, read_ahead)

    threads = [
        Thread(target=keep_running, args=(config, partial(make, config), stopped), name=f"{config.name} worker")
        for config in configs
    ]
    for thread in threads:
        thread.start()
    # A signal is only taken while the main thread waits for something that it can interrupt.
    while not stopped.wait(3600):
        pass
    for thread in threads:
        thread.join()


def _wait_for_end_of_input(stopped: Event) -> None:
    """Stop when the process that started this one is gone, however it went: then the pipe is closed."""
    # Not by the buffered reader: its lock, held while it waits, would end the interpreter's shutdown by an abort.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stopped.set()
